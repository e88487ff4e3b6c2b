"""Lines know where bars begin, and an excerpt of them is what the whole says there."""

from dataclasses import replace

import numpy as np
import pytest

from defaults import build
from ostinato.music.piece import NOTE, TIME_SIGNATURE, Piece, array
from ostinato.representations.bar_grid import TokenBarGrid
from ostinato.representations.monophonic import REST

LINES: dict[str, TokenBarGrid] = {
    "voices": build("representation=voices", voices=1),
    "pitch": build("representation=pitch"),
    "pitch without holds": build("representation=pitch", hold=False),
}


def melody(pitches: list[int], length: int = 4) -> Piece:
    onsets = length * np.arange(len(pitches))
    notes = array(NOTE, onset=onsets, duration=length, pitch=np.array(pitches), velocity=80)
    return Piece("melody", 4, notes)


@pytest.mark.parametrize("representation", LINES.values(), ids=LINES)
def test_an_excerpt_says_what_sounds_and_can_be_written_again(representation: TokenBarGrid) -> None:
    piece = melody([60, 62, 64, 65])
    roll = representation.to_grid(representation.encode(piece)[None])
    assert roll.pitch[0, 0].tolist() == [60] * 4 + [62] * 4 + [64] * 4 + [65] * 4
    assert np.flatnonzero(roll.onset[0, 0]).tolist() == [0, 4, 8, 12]
    written = representation.decode(representation.from_grid(roll)[0])
    assert written.notes["pitch"].tolist() == [60, 62, 64, 65]


def test_what_is_held_begins_with_the_excerpt_and_repeated_notes_need_holds() -> None:
    held = build("representation=pitch").encode(melody([60, 62], 8))[None, 4:]
    roll = build("representation=pitch").to_grid(held, np.array([[60]]))
    assert roll.pitch[0, 0].tolist() == [60] * 4 + [62] * 8
    assert np.flatnonzero(roll.onset[0, 0]).tolist() == [0, 4]
    assert build("representation=pitch").to_grid(held).pitch[0, 0, :4].tolist() == [REST] * 4, (
        "nothing is known of before"
    )
    for hold, begins in ((True, [0, 4]), (False, [0])):
        repeated = build("representation=pitch", hold=hold)
        onset = repeated.to_grid(repeated.encode(melody([60, 60]))[None]).onset
        assert np.flatnonzero(onset[0, 0]).tolist() == begins


def test_bars_of_a_melody_are_where_its_barlines_are() -> None:
    signatures = np.array([(0, 1, 4), (4, 4, 4)], TIME_SIGNATURE)
    piece = replace(melody(list(range(60, 72))), time_signatures=signatures)
    assert build("representation=pitch").bars(piece).tolist() == [4, 20, 36]
    assert build("representation=voices", voices=1).bars(piece).tolist() == [16, 32, 48], (
        "the pickup was filled up"
    )
    waltz = replace(piece, time_signatures=np.array([(0, 3, 4)], TIME_SIGNATURE))
    assert build("representation=pitch").bars(waltz).tolist() == []
    assert build("representation=pitch", bar_steps=12).bars(waltz).tolist() == [0, 12, 24, 36]


def test_positions_of_a_melody_count_through_its_bars() -> None:
    pitch = build("representation=pitch", bar_steps=12)
    tokens = pitch.encode(melody([60] * 4))
    assert pitch.position_features == {"step": 12}
    assert pitch.positions(np.append(pitch.end, tokens))[:, 0].tolist() == [
        step % 12 for step in range(17)
    ]


@pytest.mark.parametrize("representation", LINES.values(), ids=LINES)
def test_silence_after_the_last_note_is_written_where_it_is_asked_for(
    representation: TokenBarGrid,
) -> None:
    pickup = np.array([(0, 1, 4), (4, 4, 4)], TIME_SIGNATURE)
    for piece in (melody([60, 62]), replace(melody([60, 62]), time_signatures=pickup)):
        steps = representation.encode(piece)
        longer = representation.with_silence(steps, piece, 20)
        assert longer[: len(steps)].tolist() == steps.tolist()
        assert longer[len(steps) :].tolist() == [REST] * 12
        assert representation.with_silence(longer, piece, 8).tolist() == longer.tolist()


def test_silence_in_a_pianoroll_is_empty_frames() -> None:
    roll = build("representation=pianoroll")
    steps = roll.encode(melody([60]))
    longer = roll.with_silence(steps, melody([60]), 8)
    assert len(longer) == 2 * len(steps)
    assert not longer[len(steps) :].any()
