"""What a representation does not keep of the music is counted and said."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from defaults import build
from ostinato.data.losses import Losses
from ostinato.data.store import TokenStore, write_store
from ostinato.music.piece import NOTE, TEMPO, TIME_SIGNATURE, Piece, array
from ostinato.representations.base import LOST, Representation

FULL: list[Representation] = [
    build("representation=remi"),
    build("representation=tsd"),
    build("representation=midilike"),
    build("representation=cpword"),
    build("representation=structured"),
]
PITCHED: list[Representation] = [
    build("representation=event"),
    build("representation=note"),
    build("representation=pianoroll"),
    build("representation=remi", programs=False),
]
BAR = 16


def song(bars: int = 12) -> Piece:
    """A melody of four notes to the bar, as many chords of four, and sixteen drum strokes."""
    melody = [(4 * beat, 4, 72 + beat % 5, 80, 0, False, 0) for beat in range(4 * bars)]
    chords = [
        (4 * beat, 4, 48 + 4 * n, 80, 4, False, 1) for beat in range(4 * bars) for n in (0, 1, 2, 3)
    ]
    drums = [(step, 1, 36 + step % 3, 80, 0, True, 2) for step in range(BAR * bars)]
    return Piece("song", 4, np.array(melody + chords + drums, NOTE))


def lost(representation: Representation, piece: Piece) -> dict[str, int]:
    """What is lost of a piece, where anything is."""
    losses = representation.count_losses(piece, representation.encode(piece))
    return {kind: count for kind, count in losses.items() if count}


@pytest.mark.parametrize("representation", PITCHED, ids=lambda r: r.name)
def test_representations_of_pitches_lose_the_drums(representation: Representation) -> None:
    assert len(song().notes) == 432
    assert lost(representation, song()) == {"drums": 192}


@pytest.mark.parametrize("representation", FULL, ids=lambda r: r.name)
def test_representations_of_all_tracks_lose_nothing_of_a_song(
    representation: Representation,
) -> None:
    assert lost(representation, song()) == {}


def test_a_melody_loses_the_other_tracks() -> None:
    assert lost(build("representation=pitch"), song()) == {"drums": 192, "other_tracks": 192}
    assert lost(build("representation=pitch", hold=False), song()) == {
        "drums": 192,
        "other_tracks": 192,
    }


def test_voices_lose_drums_and_what_begins_together_in_a_voice() -> None:
    assert lost(build("representation=voices", voices=5, by_track=(1, 4)), song()) == {"drums": 192}
    notes = song().notes
    below = notes[notes["track"] == 0][:2].copy()
    below["pitch"] -= 12
    melody = Piece("", 4, np.concatenate([notes[notes["track"] == 0], below]))
    assert lost(build("representation=voices", voices=1), melody) == {"together": 2}


def test_miditok_counts_what_it_cuts_and_writes_otherwise() -> None:
    notes = array(NOTE, onset=[0, 4, 200], duration=[64, 200, 4], pitch=60, velocity=80)
    piece = Piece("", 4, notes, tempos=array(TEMPO, onset=[0, 8, 12], qpm=[100, 30, 300]))
    assert lost(build("representation=remi", max_beats=12), piece) == {"long_notes": 2, "tempos": 2}
    assert lost(build("representation=midilike"), piece) == {"tempos": 2}
    assert lost(build("representation=structured", max_beats=32), piece) == {
        "long_notes": 1,
        "long_rests": 1,
    }
    odd = replace(piece, time_signatures=array(TIME_SIGNATURE, numerator=17, denominator=8))
    assert lost(build("representation=remi", tempos=0, max_beats=64), odd) == {"bars": 6}
    in_eighths = replace(piece, time_signatures=array(TIME_SIGNATURE, numerator=6, denominator=8))
    assert lost(build("representation=remi", tempos=0, max_beats=31), in_eighths) == {
        "long_notes": 2
    }


def test_notes_that_double_another_are_counted() -> None:
    notes = array(NOTE, onset=[0, 0, 4], duration=[4, 8, 4], pitch=60, velocity=80)
    for representation in (*FULL, *PITCHED):
        assert lost(representation, Piece("", 4, notes)) == {"together": 1}


def test_notes_that_repeat_a_pitch_are_counted_where_no_onset_is_written() -> None:
    notes = array(NOTE, onset=[0, 0, 4, 12], duration=[4, 4, 4, 4], pitch=60, velocity=80)
    doubled, alone = Piece("", 4, notes), Piece("", 4, notes[1:])
    expected = {"together": 1, "repeated": 1}
    for without_onsets in (
        build("representation=chords"),
        build("representation=pianoroll", onsets=False),
    ):
        assert lost(without_onsets, doubled) == expected
    assert lost(build("representation=pianoroll"), doubled) == {"together": 1}
    assert lost(build("representation=pitch", hold=False), alone) == {"repeated": 1}


times = st.tuples(st.integers(0, 64), st.integers(1, 12))
sounds = st.tuples(st.integers(55, 66), st.integers(0, 2), st.booleans())


@given(st.lists(st.tuples(times, sounds), min_size=1, max_size=30), st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_what_is_not_lost_comes_back(drawn: list[Any], which: int) -> None:
    rows = [(*when, pitch, 80, 0, drum, track) for when, (pitch, track, drum) in drawn]
    piece = Piece("", 4, np.array(rows, NOTE))
    representation = (*FULL, *PITCHED)[which % 9]
    if not representation.holds_drums and piece.notes["drum"].all():
        return
    tokens = representation.encode(piece)
    losses = representation.count_losses(piece, tokens)
    assert min(losses.values()) >= 0
    kept = len(piece.notes) - sum(losses.get(kind, 0) for kind in LOST)
    assert len(representation.decode(tokens).notes) == kept


def test_a_store_says_what_its_pieces_lose(tmp_path: Path) -> None:
    melody = replace(song(), name="melody", notes=song().notes[song().notes["track"] == 0])
    write_store(
        [[song(), melody], [replace(song(2), name="short")]],
        build("representation=event"),
        tmp_path / "s",
    )
    losses = TokenStore.open(tmp_path / "s").losses
    assert losses.sentences("event") == [
        "event leaves out 224 of 552 notes in 2 of 3 pieces: 224 of drums"
    ]
    assert losses.only(np.array([1])).sentences("event") == []
    assert losses.only(np.array([2])).totals() == {"notes": 72, "drums": 32}
    rows = list(csv.DictReader(losses.table().splitlines()))
    assert [(row["piece"], row["notes"], row["drums"]) for row in rows] == [
        ("song", "432", "192"),
        ("short", "72", "32"),
    ]


def test_what_is_written_otherwise_is_a_sentence_of_its_own() -> None:
    losses = Losses(["a", "b"], np.array([10, 2000]), np.array([[0, 0, 1, 0, 2, 0, 0, 0], [0] * 8]))
    assert losses.sentences("remi") == [
        "remi leaves out 1 of 2,010 notes in 1 of 2 pieces: 1 that begin together with another",
        "as remi, in 1 of 2 pieces, 2 notes are cut to the longest there is",
    ]
    assert Losses.none().sentences("remi") == []
