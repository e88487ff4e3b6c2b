"""Where bars begin is found from the notes."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from defaults import build
from ostinato.corpora.bar_alignment import align_bars
from ostinato.corpora.filters import prepare
from ostinato.music.piece import NOTE, TEMPO, TIME_SIGNATURE, Piece, array

RESOLUTION = 480


def song(begin: int = 0, beats: int = 4, upbeat: int = 0, drums: bool = False) -> Piece:
    """Eight bars that begin at a tick: a long bass note, chords on the beats; sixteenths before."""
    beat = RESOLUTION
    rows = [
        (begin + (beats * bar + b) * beat, *sound, 80, 0, False, 0)
        for bar in range(8)
        for b in range(beats)
        for sound in ([(beats * beat, 40 + bar)] if not b else []) + [(beat // 2, 60), (beat, 64)]
    ]
    quarter = beat // 4
    rows += [(begin - (i + 1) * quarter, quarter, 70, 80, 0, False, 0) for i in range(upbeat)]
    if drums:  # the longest strokes are on the second beat
        hits = [(begin + (beats * bar + 1) * beat, 4 * beat) for bar in range(8)]
        rows += [(onset, length, 36, 80, 0, True, 1) for onset, length in hits]
    whole = array(TIME_SIGNATURE, onset=0, numerator=1, denominator=4)
    tempos = array(TEMPO, onset=np.array([0, begin + 960]), qpm=np.array([90.0, 100.0]))
    return Piece("song", RESOLUTION, np.array(rows, NOTE), tempos, whole)


@given(begin=st.integers(0, 5000), upbeat=st.integers(0, 3), drums=st.booleans())
@settings(max_examples=60, deadline=None)
def test_barlines_are_where_the_longest_low_notes_begin(
    begin: int, upbeat: int, drums: bool
) -> None:
    begin += 480 if upbeat else 0
    piece = align_bars(song(begin, upbeat=upbeat, drums=drums), 4, 4)
    bass = piece.notes[(piece.notes["pitch"] < 60) & ~piece.notes["drum"]]["onset"]
    assert np.array_equal(bass, 1920 * np.arange(8) + 1920 * bool(upbeat))
    assert piece.barlines()[:3].tolist() == [0, 1920, 3840]


@pytest.mark.parametrize("beats", [2, 3, 4, 5])
def test_any_metre_can_be_asked_for(beats: int) -> None:
    piece = align_bars(song(777, beats), beats, 4)
    assert piece.notes["onset"][0] == 0
    assert np.diff(piece.barlines()).tolist() == [480 * beats] * (len(piece.barlines()) - 1)


def test_tempos_move_with_the_notes() -> None:
    later = align_bars(song(777), 4, 4)
    assert later.tempos.tolist() == [(0, 90.0), (960, 100.0)]
    filled = align_bars(song(480, upbeat=4), 4, 4)  # the first bar begins before the file does
    assert filled.notes["onset"][0] == 1440
    assert filled.tempos.tolist() == [(0, 90.0), (2880, 100.0)]


def test_notes_off_the_grid_keep_their_distances() -> None:
    notes = song(777).notes.copy()
    notes["onset"][::3] += 11
    late = replace(song(777), notes=notes)
    piece = align_bars(late, 4, 4)
    moved = late.notes["onset"] - piece.notes["onset"]
    assert len(np.unique(moved[piece.notes["onset"] > 0])) == 1
    assert piece.notes["onset"][0] == 0
    assert np.array_equal(np.round(piece.notes["onset"] / 120) % 4, np.zeros(len(piece.notes)))


def test_a_piece_in_bars_stays_as_it_is() -> None:
    once = align_bars(song(1234), 4, 4)
    assert align_bars(once, 4, 4) == once


def test_a_corpus_can_ask_for_a_metre() -> None:
    corpus = build("corpus=_base", name="test", path="data/test", metre=(4, 4))
    piece = prepare(song(777), corpus)
    assert piece.time_signatures[["numerator", "denominator"]].tolist() == [(4, 4)]
    assert piece.barlines()[1] == 4 * piece.resolution
    silent = Piece("silent", 4, np.zeros(0, NOTE))
    assert align_bars(silent, 3, 4).time_signatures["numerator"].tolist() == [3]
