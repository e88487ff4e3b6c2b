"""A set of pieces against another: distributions of measures, of pitch classes and of durations."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ostinato.evaluation.distributions import overlapping_area
from ostinato.evaluation.measures import STEPS_PER_QUARTER
from ostinato.music.keys import estimate_key
from ostinato.music.piece import OCTAVE, Piece

DEGREES = ("1", "♭2", "2", "♭3", "3", "4", "♯4", "5", "♭6", "6", "♭7", "7")  # 1 is the tonic
LONGEST = 4 * STEPS_PER_QUARTER  # durations up to a whole note have a class each
DURATIONS = (*(f"{n / STEPS_PER_QUARTER:g}" for n in range(1, LONGEST + 1)), "longer")


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation of a measure over `count` pieces for which it is defined."""

    mean: float
    sd: float
    count: int


@dataclass(frozen=True)
class Comparison:
    """One measure of two sets; `overlap` is 1 for equal distributions, 0 for disjoint ones."""

    generated: Spread
    test: Spread
    overlap: float


def compare(
    generated: Sequence[Mapping[str, float]], test: Sequence[Mapping[str, float]]
) -> dict[str, Comparison]:
    """Compare two sets of measured pieces, metric by metric, as `measures.measure` names them.

    A measure that is undefined for all pieces of a set is left out.
    """
    names = dict.fromkeys(name for measured in (*test, *generated) for name in measured)
    comparisons = {}
    for name in names:
        ours, theirs = _values(generated, name), _values(test, name)
        if len(ours) and len(theirs):
            overlap = overlapping_area(ours, theirs)
            comparisons[name] = Comparison(_spread(ours), _spread(theirs), overlap)
    return comparisons


def degree_histogram(pieces: Iterable[Piece]) -> NDArray[np.float64]:
    """Return the share of each pitch class above the tonic among the notes of a set: (12,).

    The tonic is estimated of each piece, so that pieces in all keys, and transposed ones, compare.
    Drums, and pieces with too few notes for a key, are left out. The shares sum to 1, or to 0 where
    there are no notes.
    """
    counts = np.zeros(OCTAVE)
    for piece in pieces:
        if (key := estimate_key(piece)) is not None:
            pitches = piece.notes["pitch"][~piece.notes["drum"]].astype(np.int64)
            counts += np.bincount((pitches - key.tonic) % OCTAVE, minlength=OCTAVE)
    return _shares(counts)


def duration_histogram(pieces: Iterable[Piece]) -> NDArray[np.float64]:
    """Return the share of each of the `DURATIONS` among the notes of a set, drums left out.

    Durations are in quarter notes, rounded to sixteenths. The shares sum to 1, or to 0 where there
    are no notes.
    """
    counts = np.zeros(len(DURATIONS))
    for piece in pieces:
        counts += duration_counts(piece)
    return _shares(counts)


def duration_counts(piece: Piece) -> NDArray[np.int64]:
    """Return how many notes have each of the `DURATIONS`, drums left out: (duration,)."""
    notes = piece.notes[~piece.notes["drum"]]
    sixteenths = np.rint(notes["duration"] * (STEPS_PER_QUARTER / piece.resolution))
    kind = np.clip(sixteenths, 1, LONGEST + 1).astype(int) - 1
    return np.bincount(kind, minlength=len(DURATIONS))


def _values(measured: Sequence[Mapping[str, float]], name: str) -> NDArray[np.float64]:
    return np.array([values[name] for values in measured if name in values], float)


def _spread(values: NDArray[np.float64]) -> Spread:
    return Spread(float(values.mean()), float(values.std()), len(values))


def _shares(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return counts / max(1.0, float(counts.sum()))
