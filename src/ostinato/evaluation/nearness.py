"""Distances of segments from those that were trained on."""

import numpy as np
from numpy.typing import NDArray

from ostinato.evaluation.segments import SILENT, Excerpts

EVERY_KEY = range(-6, 7)  # semitones


def distances(ours: Excerpts, known: Excerpts) -> NDArray[np.float64]:
    """Return how much of each segment differs from the known one that is most like it: (segments,).

    The share of places that `differing` counts, in the key that is nearest.
    """
    if ours.roll:
        return _between_rolls(ours, known)
    theirs = known.pitch.reshape(len(known), -1).astype(np.int8)
    places = theirs.shape[1]
    best = np.full(len(ours), places)
    for semitones in EVERY_KEY:
        moved = np.where(ours.pitch == SILENT, SILENT, ours.pitch + semitones)
        columns = moved.reshape(len(ours), places).astype(np.int16).T
        differ = np.zeros((len(ours), len(known)), np.int32)
        for here, there in zip(columns, theirs.T, strict=True):
            differ += here[:, None] != there
        best = np.minimum(best, differ.min(axis=1))
    shares: NDArray[np.float64] = best / places
    return shares


def _between_rolls(ours: Excerpts, known: Excerpts) -> NDArray[np.float64]:
    """As many pitches as sound in one alone, by those that sound in one or in both: (segments,)."""
    theirs = (known.pitch != SILENT).reshape(len(known), -1).astype(np.float32)
    sounds, nearest = ours.pitch != SILENT, np.ones(len(ours))
    together = sounds.sum(axis=(1, 2))[:, None] + theirs.sum(axis=1)
    for semitones in EVERY_KEY:
        here = _moved(sounds, semitones).reshape(len(ours), -1).astype(np.float32)
        both = here @ theirs.T
        either = together - both
        nearest = np.minimum(nearest, (1 - both / np.maximum(either, 1)).min(axis=1))
    return nearest


def _moved(sounds: NDArray[np.bool_], semitones: int) -> NDArray[np.bool_]:
    """Return a roll (segments, pitches, steps) moved up; what leaves the pitches is gone."""
    moved = np.zeros_like(sounds)
    pitches = sounds.shape[1]
    low, high = max(0, semitones), min(pitches, pitches + semitones)
    moved[:, low:high] = sounds[:, low - semitones : high - semitones]
    return moved
