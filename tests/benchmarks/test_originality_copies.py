"""Copies that the benchmark of originality plants are what their names say."""

import numpy as np
import pytest

import originality_copies as copies
from ostinato.music.piece import NOTE, Piece, array

RESOLUTION = 24


def song(seed: int, bars: int = 16) -> Piece:
    rng = np.random.default_rng(seed)
    onsets = np.arange(bars * 8) * RESOLUTION // 2
    tracks = [
        array(NOTE, onset=onsets, duration=12, pitch=rng.integers(40, 90, len(onsets)), track=track)
        for track in (0, 1)
    ]
    return Piece(f"song {seed}", RESOLUTION, np.concatenate(tracks))


def in_order(notes: np.ndarray) -> np.ndarray:
    return np.sort(notes, order=["track", "onset"])


@pytest.mark.parametrize("case", copies.CASES, ids=lambda case: case.name)
def test_a_copy_is_planted_once_and_what_stood_there_is_gone(case: copies.Case) -> None:
    host, source = song(1), song(2)
    planted, end = copies.plant(host, source, case, np.random.default_rng(3))
    assert end == copies.PLANTED_AT + 4 * case.bars
    begin = copies.PLANTED_AT * RESOLUTION
    inside = (planted.notes["onset"] >= begin) & (planted.notes["onset"] < end * RESOLUTION)
    share = inside.sum() / (2 * 8 * case.bars)
    assert 0.85 < share <= 1.0  # a tenth may be left out, or be late
    before = planted.notes["onset"] < begin
    assert np.array_equal(planted.notes[before], host.notes[host.notes["onset"] < begin])


def test_a_tenth_of_the_notes_is_changed_in_three_ways() -> None:
    notes = in_order(song(2).notes)
    changed = in_order(copies.alter(notes, RESOLUTION, np.random.default_rng(1)))
    assert len(notes) - len(changed) == pytest.approx(len(notes) / 30, abs=1)
    kept = {note.tobytes() for note in changed} & {note.tobytes() for note in notes}
    assert len(kept) == pytest.approx(0.9 * len(notes), abs=1)


def test_octaves_keep_pitch_classes() -> None:
    notes = song(2).notes
    for change in (copies.shift_track, copies.shift_notes):
        moved = change(notes, RESOLUTION, np.random.default_rng(1))
        assert np.array_equal(moved["pitch"] % 12, notes["pitch"] % 12)
        assert not np.array_equal(moved["pitch"], notes["pitch"])
