"""Piece metrics equal those of smg-metrics, which reads the MIDI files that we write by itself.

Its metrics of pitches and of beats are muspy's behind muspy's reader; its grooving patterns are its
own. What is defined otherwise is in docs/metrics.md.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ostinato.evaluation.measures import PieceViews, measure
from ostinato.music.keys import Key, estimate_key
from ostinato.music.piece import NOTE, Piece, array
from ostinato.music.reading import read_midi
from ostinato.music.writing import write_midi

smg = pytest.importorskip("smg_metrics", reason="smg-metrics is not installed")

SAME = (
    "pitch_range",
    "n_pitches_used",
    "n_pitch_classes_used",
    "pitch_entropy",
    "pitch_class_entropy",
    "scale_consistency",
    "polyphony",
    "polyphony_rate",
    "empty_beat_rate",
)
PIECES = 40
POSITIONS = 64  # of its bars
FINE = 480  # ticks a quarter note, of which its positions are whole numbers


def on_grid(piece: Piece, folder: Path) -> Path:
    """The piece as a MIDI file, its notes on sixteenths as metrics see them."""
    file = folder / "piece.mid"
    write_midi(PieceViews(piece).grid, file)
    return file


def judge(file: Path) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """Our metrics of a file and those of smg-metrics, the key being the one that we estimate."""
    piece = read_midi(file)
    key: Key | None = estimate_key(piece)
    theirs = {name: float(getattr(smg, name)(file)) for name in SAME}
    if key is not None:
        mode = "minor" if key.minor else "major"
        theirs["pitch_in_scale_rate"] = smg.pitch_in_scale_rate(file, key.tonic, mode)
    return measure(piece), theirs


def test_chorales_measure_as_another_library_says(chorales: list[Piece], tmp_path: Path) -> None:
    chosen = chorales[:: len(chorales) // PIECES][:PIECES]
    assert len(chosen) == PIECES
    for piece in chosen:
        ours, theirs = judge(on_grid(piece, tmp_path))
        assert len(theirs) == len(SAME) + 1
        assert {name: ours[name] for name in theirs} == pytest.approx(theirs, abs=1e-6), piece.name


def test_songs_of_several_tracks_measure_as_another_library_says(
    published: Callable[[str], Path], tmp_path: Path
) -> None:
    for file in sorted(published("pop909").glob("*.mid"))[:5]:
        song = read_midi(file)
        assert len(song.track_names) > 1
        ours, theirs = judge(on_grid(song, tmp_path))
        assert {name: ours[name] for name in theirs} == pytest.approx(theirs, abs=1e-6), file.name


@pytest.mark.parametrize("seed", range(5))
def test_the_groove_of_two_bars_is_theirs_but_for_the_grid(seed: int, tmp_path: Path) -> None:
    """Of two bars there is one pair; sixteenths are a quarter of their positions."""
    random = np.random.default_rng(seed)
    onsets = np.concatenate([[0], 1 + np.flatnonzero(random.random(30) < 0.5)]) * FINE // 4
    notes: Any = array(NOTE, onset=onsets, duration=FINE // 4, pitch=60, velocity=80)
    # both count a bar more where the last one is full, and there is none here
    file = tmp_path / "two_bars.mid"
    write_midi(Piece("two bars", FINE, notes), file)
    theirs = smg.grooving_pattern_similarity(file)
    ours = measure(read_midi(file))["groove_consistency"]
    assert 1 - ours == pytest.approx((1 - theirs) * POSITIONS / 16, abs=1e-6)
