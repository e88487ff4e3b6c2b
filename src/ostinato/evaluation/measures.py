"""Measures of one piece, on a grid of sixteenth notes.

muspy's metrics are kept where they are right and are called by muspy's names. Its rates by beat and
by bar count a bar that is not there and depend on the resolution: what replaces them here has names
of its own, so that no figure is mistaken for one of muspy's.
"""

import math

import numpy as np
from numpy.typing import NDArray

from ostinato.music import conversion
from ostinato.music.piece import Piece

STEPS_PER_QUARTER = 4
FROM_MUSPY = (
    "pitch_range",
    "n_pitches_used",
    "n_pitch_classes_used",
    "pitch_entropy",
    "pitch_class_entropy",
    "scale_consistency",
    "polyphony",
    "polyphony_rate",
)
MEASURES = {
    "pitch_range": "semitones from the lowest to the highest pitch",
    "n_pitches_used": "different pitches",
    "n_pitch_classes_used": "different pitch classes",
    "pitch_entropy": "entropy of the pitches, bits",
    "pitch_class_entropy": "entropy of the pitch classes, bits",
    "scale_consistency": "share of notes in the best-fitting major or minor scale",
    "polyphony": "pitches sounding at once, where any sounds",
    "polyphony_rate": "share of sixteenths with more than two pitches",
    "empty_quarter_rate": "share of quarter notes in which nothing sounds",
    "empty_bar_rate": "share of bars in which nothing sounds",
    "groove_similarity": "likeness of the onsets of neighbouring bars",
    "note_density": "notes per quarter note",
    "mean_duration": "mean duration of a note, quarter notes",
    "length": "length, quarter notes",
}


def measure(piece: Piece) -> dict[str, float]:
    """The measures of a piece, each explained in `MEASURES`.

    Pitches are those of pitched tracks; drums count as sound, as onsets and as notes. A measure
    that is undefined for the piece (the entropy of no pitches, the likeness of a single bar) is
    left out.
    """
    grid = piece.at_resolution(STEPS_PER_QUARTER)
    if not len(grid.notes):
        return {}
    values = _by_muspy(grid) if np.any(~grid.notes["drum"]) else {}
    values["empty_quarter_rate"] = _empty_rate(grid, np.arange(0, grid.end, STEPS_PER_QUARTER))
    values["empty_bar_rate"] = _empty_rate(grid, _barlines(grid))
    similarity = groove_similarity(grid)
    if similarity is not None:
        values["groove_similarity"] = similarity
    # as written, not as on the grid: rounding would lengthen ornaments
    values["note_density"] = len(piece.notes) / piece.quarters
    values["mean_duration"] = float(piece.notes["duration"].mean()) / piece.resolution
    values["length"] = piece.quarters
    return values


def groove_similarity(grid: Piece) -> float | None:
    """Return how alike the onsets of neighbouring bars are, from 0 to 1; None below two bars.

    The mean, over neighbouring bars of one length, of the share of grid steps at which both bars
    have an onset or neither has: the grooving pattern similarity of Wu and Yang, "The Jazz
    Transformer on the Front Line" (ISMIR 2020), between neighbours. Pickups and a last bar that is
    not full have no neighbour. It depends on the grid, which must be the same for what is compared.
    """
    lines = np.append(_barlines(grid), grid.end)
    lengths = np.diff(lines)
    onsets = np.zeros(grid.end, bool)
    onsets[grid.notes["onset"]] = True
    shares = [
        float(np.mean(onsets[a : a + n] == onsets[b : b + n]))
        for a, b, n, m in zip(lines, lines[1:], lengths, lengths[1:], strict=False)
        if n == m
    ]
    return sum(shares) / len(shares) if shares else None


def _by_muspy(grid: Piece) -> dict[str, float]:
    import muspy

    music = conversion.to_muspy(grid)
    values = {name: float(getattr(muspy, name)(music)) for name in FROM_MUSPY}
    return {name: value for name, value in values.items() if not math.isnan(value)}


def _barlines(grid: Piece) -> NDArray[np.int64]:
    lines = grid.barlines()
    return lines[lines < grid.end]


def _empty_rate(grid: Piece, lines: NDArray[np.int64]) -> float:
    """The share of the spans that begin at `lines` in which nothing sounds."""
    changes = np.zeros(len(lines) + 1, np.int64)
    first = np.searchsorted(lines, grid.notes["onset"], side="right") - 1
    last = np.searchsorted(lines, grid.notes["onset"] + grid.notes["duration"], side="left")
    np.add.at(changes, np.maximum(first, 0), 1)
    np.add.at(changes, last, -1)
    return float(np.mean(np.cumsum(changes)[:-1] == 0))
