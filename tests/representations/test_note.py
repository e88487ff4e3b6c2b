"""One note after another, each said in full."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_music import polyphonic_pieces, sampled

from defaults import build
from ostinato.music.conversion import to_muspy
from ostinato.music.piece import NOTE, Piece, array
from ostinato.music.reading import read_midi
from ostinato.representations.instrument import separate_unisons
from ostinato.representations.note import Note, to_note_table

SHIFT, DURATION = 128, 192  # a shift or a duration of n steps is n more


def by_muspy(piece: Piece) -> np.ndarray:
    import muspy

    return muspy.to_note_representation(to_muspy(piece))


def chord(*notes: tuple[int, int, int], **columns: object) -> Piece:
    """Notes (onset, duration, pitch) in steps of an eighth of a quarter note."""
    onset, duration, pitch = np.array(notes).T
    columns = {"velocity": 80, **columns}
    return Piece("", 8, array(NOTE, onset=onset, duration=duration, pitch=pitch, **columns))


def is_legal(notes: Note, tokens: np.ndarray) -> bool:
    """Whether the grammar allows a whole piece, its end included."""
    grammar = notes.grammar(1)
    for token in [*tokens, notes.end]:
        if not grammar.legal()[0, token]:
            return False
        grammar.advance(np.array([token]))
    return True


def test_note_table_equals_muspy_on_every_chorale(chorales: list[Piece]) -> None:
    for piece in chorales:
        assert np.array_equal(to_note_table(piece), by_muspy(piece)), piece.name


def test_note_table_equals_muspy_on_pop_songs(published: Callable[[str], Path]) -> None:
    songs = [read_midi(path) for path in sorted(published("pop909").glob("*.mid"))]
    assert len(songs) == 200
    for song in songs:
        assert np.array_equal(to_note_table(song), by_muspy(song)), song.name


def test_muspy_takes_drums_for_pitches_and_notes_here_leave_them_out() -> None:
    piece = chord((0, 4, 60), (0, 4, 36), drum=[False, True], track=[0, 1])
    assert by_muspy(piece).tolist() == [[0, 36, 4, 80], [0, 60, 4, 80]]
    assert to_note_table(piece).tolist() == [[0, 60, 4, 80]]
    assert build("representation=note").encode(piece).tolist() == [SHIFT, 60, DURATION + 4]


def test_a_note_is_its_shift_its_pitch_and_its_duration() -> None:
    tokens = build("representation=note").encode(chord((2, 8, 64), (2, 4, 60), (6, 2, 60)))
    assert tokens.reshape(-1, 3).tolist() == [
        [SHIFT + 2, 60, DURATION + 4],
        [SHIFT, 64, DURATION + 8],
        [SHIFT + 4, 60, DURATION + 2],
    ]


def test_long_shifts_and_durations_take_several_tokens_that_add_up() -> None:
    tokens = build("representation=note").encode(chord((0, 64, 60), (150, 129, 62), (278, 1, 64)))
    assert tokens.tolist() == [
        *(SHIFT, 60, DURATION + 64),
        *(SHIFT + 64, SHIFT + 64, SHIFT + 22, 62, DURATION + 64, DURATION + 64, DURATION + 1),
        *(SHIFT + 64, SHIFT + 64, 64, DURATION + 1),
    ]


def test_a_velocity_ends_its_note() -> None:
    notes = build("representation=note", velocity_bins=4)
    piece = chord((0, 4, 60), (0, 4, 64), (8, 4, 60), velocity=[1, 127, 64])
    tokens = notes.encode(piece)
    assert (tokens.reshape(-1, 4)[:, 3] - notes.first_velocity).tolist() == [0, 3, 2]
    assert notes.decode(tokens).notes["velocity"].tolist() == [15, 111, 79]


@pytest.mark.parametrize("longest", [1, 5, 64])
@given(piece=polyphonic_pieces())
@settings(deadline=None, max_examples=50)
def test_notes_come_back_as_one_instrument_plays_them(longest: int, piece: Piece) -> None:
    notes = build("representation=note", max_shift=longest, max_duration=longest, velocity_bins=64)
    decoded = notes.decode(notes.encode(piece))
    expected = Piece("", 8, separate_unisons(piece.notes))
    assert np.array_equal(to_note_table(decoded)[:, :3], to_note_table(expected)[:, :3])
    assert np.array_equal(decoded.notes["velocity"] // 2, expected.notes["velocity"] // 2)


@given(piece=polyphonic_pieces(), seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=50)
def test_what_is_legal_is_what_encoding_writes(piece: Piece, seed: int) -> None:
    notes = build("representation=note")
    tokens = notes.encode(piece)
    assert is_legal(notes, tokens)
    others = np.random.default_rng(seed).permutation(tokens.reshape(-1, 3)).ravel()
    if is_legal(notes, others):
        assert np.array_equal(notes.encode(notes.decode(others)), others)


@pytest.mark.parametrize(("longest", "bins"), [(64, 0), (3, 0), (1, 2)])
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_legal_tokens_come_back(longest: int, bins: int, seed: int) -> None:
    notes = build(
        "representation=note", max_shift=longest, max_duration=longest, velocity_bins=bins
    )
    for row in sampled(notes, 4, 150, seed):
        tokens = notes.before_end(row)
        if len(tokens) < len(row):  # it ended, so every note was said in full
            assert np.array_equal(notes.encode(notes.decode(tokens)), tokens)


def test_grammar_says_notes_in_full_and_upwards() -> None:
    notes = build("representation=note")
    grammar = notes.grammar(1)

    def legal(*tokens: int) -> list[bool]:
        return grammar.legal()[0, list(tokens)].tolist()

    assert notes.end is not None
    assert legal(SHIFT, SHIFT + 64, 60, DURATION + 1, notes.end) == [1, 1, 0, 0, 0]
    grammar.advance(np.array([SHIFT]))
    assert legal(SHIFT, SHIFT + 1, 0, 60, DURATION + 1, notes.end) == [0, 0, 1, 1, 0, 0]
    grammar.advance(np.array([60]))
    assert legal(SHIFT, 61, DURATION + 1, DURATION + 64, notes.end) == [0, 0, 1, 1, 0]
    grammar.advance(np.array([DURATION + 64]))
    assert legal(SHIFT, SHIFT + 1, 61, DURATION + 1, notes.end) == [1, 1, 0, 1, 1]
    grammar.advance(np.array([DURATION + 1]))
    assert legal(SHIFT, SHIFT + 1, 61, DURATION + 1, notes.end) == [1, 1, 0, 0, 1]
    grammar.advance(np.array([SHIFT]))
    assert legal(59, 60, 61) == [0, 0, 1]


def test_a_pitch_begins_again_only_after_its_end() -> None:
    grammar = build("representation=note").grammar(1)
    for token in (SHIFT, 60, DURATION + 4, SHIFT + 3):
        grammar.advance(np.array([token]))
    assert grammar.legal()[0, [59, 60, 61]].tolist() == [True, False, True]
    for token in (59, DURATION + 4, SHIFT + 1):
        grammar.advance(np.array([token]))
    assert grammar.legal()[0, [59, 60, 61]].tolist() == [False, True, True]


def test_a_chord_ends_with_the_highest_pitch() -> None:
    grammar = build("representation=note").grammar(1)
    for token in (SHIFT, 127, DURATION + 4):
        grammar.advance(np.array([token]))
    assert grammar.legal()[0, [SHIFT, SHIFT + 1]].tolist() == [False, True]


def test_while_every_pitch_sounds_the_next_onset_waits_for_a_free_one() -> None:
    grammar = build("representation=note").grammar(1)
    for pitch in range(128):
        for token in (SHIFT, pitch, DURATION + 9 - (pitch == 50)):
            grammar.advance(np.array([token]))
    assert grammar.legal()[0, SHIFT : SHIFT + 11].tolist() == [False] * 8 + [True] * 3
    grammar.advance(np.array([SHIFT + 8]))
    assert np.flatnonzero(grammar.legal()[0]).tolist() == [50]


def test_silence_lasts_two_bars_at_most() -> None:
    grammar = build("representation=note").grammar(1)
    grammar.advance(np.array([SHIFT + 64]))
    assert not grammar.legal()[0, SHIFT : SHIFT + 65].any()
    for token in (60, DURATION + 10):
        grammar.advance(np.array([token]))
    assert grammar.legal()[0, SHIFT + 64]
    grammar.advance(np.array([SHIFT + 64]))
    shifts = grammar.legal()[0, SHIFT : SHIFT + 65]
    assert np.flatnonzero(shifts).tolist() == list(range(1, 11))


def test_positions_are_the_step_of_the_coming_onset_and_what_was_said() -> None:
    notes = build("representation=note")
    assert notes.end is not None
    tokens = [notes.end, SHIFT + 30, 60, DURATION + 4, SHIFT + 4, 62, notes.end]
    assert notes.positions(np.array(tokens)).tolist() == [
        *([0, 0], [30, 1], [30, 2], [30, 3]),
        *([2, 1], [2, 2], [0, 0]),
    ]
