"""Chords: the pitches of each step from the highest down."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_music import polyphonic_pieces, sampled

from defaults import build
from ostinato.errors import UnencodableError
from ostinato.music.piece import NOTE, Piece, array
from ostinato.representations.chords import Chords
from ostinato.representations.monophonic import REST

ROLL = build("representation=pianoroll", onsets=False)
CHORDS = build("representation=chords", voices=16)


def sounding(tokens: np.ndarray, voices: int) -> np.ndarray:
    """Which pitches the tokens say, as frames (steps, 128)."""
    steps = tokens.reshape(-1, voices)
    frames = np.zeros((len(steps), 129), np.uint8)
    frames[np.arange(len(steps))[:, None], steps] = 1
    return frames[:, :128]


def test_a_step_is_written_from_the_highest_pitch_down_and_filled_up() -> None:
    notes = array(NOTE, onset=[0, 0, 1], duration=[2, 1, 1], pitch=[60, 72, 48], velocity=80)
    tokens = build("representation=chords", voices=3).encode(Piece("", 4, notes))
    assert tokens.reshape(-1, 3).tolist() == [[72, 60, REST], [60, 48, REST]]


@given(piece=polyphonic_pieces(resolution=4))
@settings(deadline=None)
def test_chords_say_what_a_piano_roll_says(piece: Piece) -> None:
    frames, tokens = ROLL.encode(piece), CHORDS.encode(piece)
    assert np.array_equal(sounding(tokens, 16), frames)
    assert np.array_equal(np.sort(CHORDS.decode(tokens).notes), np.sort(ROLL.decode(frames).notes))
    assert CHORDS.note_count(tokens) == ROLL.note_count(frames)


def test_chords_of_chorales_are_their_piano_rolls(chorales: list[Piece]) -> None:
    four = build("representation=chords")
    for piece in (p for p in chorales[:60] if len(p.track_names) == 4):
        before = four.steps_before(piece)
        frames = np.pad(ROLL.encode(piece), ((before, 0), (0, 0)))
        assert np.array_equal(sounding(four.encode(piece), 4), frames)


def test_more_pitches_at_once_than_voices_are_refused() -> None:
    notes = array(NOTE, onset=0, duration=1, pitch=[60, 64, 67], velocity=80)
    two = build("representation=chords", voices=2)
    with pytest.raises(UnencodableError, match=r"3 pitches at once, .*representation\.voices=2"):
        two.encode(Piece("", 4, notes))


@given(seed=st.integers(0, 2**32 - 1), voices=st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_legal_tokens_are_the_one_list_of_their_pitches(seed: int, voices: int) -> None:
    chords: Chords = build("representation=chords", voices=voices)
    for row in sampled(chords, 4, 40 * voices, seed):
        tokens = chords.before_end(row)
        lists = tokens.reshape(-1, voices)
        above, below = lists[:, :-1], lists[:, 1:]
        assert ((below == REST) | ((below < above) & (above < REST))).all()
        sounds = np.flatnonzero((lists != REST).any(axis=1))
        if len(sounds):  # rests at the end are not music
            again = chords.encode(chords.decode(tokens))
            assert np.array_equal(again, lists[: sounds[-1] + 1].ravel())


def test_segments_hold_what_goes_on_and_come_back() -> None:
    tokens = np.array([[[72, 60, REST], [60, 48, REST], [60, 48, REST]]], np.uint16)
    roll = build("representation=chords", voices=3).to_grid(tokens.reshape(1, -1))
    assert roll.onset[0].T.tolist() == [
        [True, True, False],
        [False, True, False],  # 60 goes on, though it is now the highest
        [False, False, False],
    ]
    assert np.array_equal(CHORDS.from_grid(roll).reshape(tokens.shape), tokens)
