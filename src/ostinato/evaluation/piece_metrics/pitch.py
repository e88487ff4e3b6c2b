"""Metrics of pitches: muspy's, by muspy's names and definitions, and equal to them.

Drums are left out, and a piece of drums alone has none of these metrics.
"""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from ostinato.evaluation.piece_metrics.views import PITCHES, PieceViews, PitchedNotes
from ostinato.evaluation.registry import register
from ostinato.music.keys import estimate_key
from ostinato.music.piece import OCTAVE

MAJOR = (0, 2, 4, 5, 7, 9, 11)
MINOR = (0, 2, 3, 5, 7, 8, 10)  # the natural one
MANY = 2  # pitches at once, more than which are counted as many
# (mode, root, pitch class): whether the class is in the scale
SCALES = np.zeros((2, OCTAVE, OCTAVE), bool)
for _mode, _degrees in enumerate((MAJOR, MINOR)):
    for _root in range(OCTAVE):
        SCALES[_mode, _root, (_root + np.array(_degrees)) % OCTAVE] = True

_register = partial(register, "piece", group="pitch", source="muspy")


@_register(unit="semitones", description="from the lowest to the highest pitch")
def pitch_range(piece: PieceViews) -> float | None:
    """Return the distance from the lowest to the highest pitch in semitones."""
    return float(np.ptp(piece.notes.pitch)) if piece.pitched else None


@_register(unit="count", description="different pitches")
def n_pitches_used(piece: PieceViews) -> float | None:
    """Return how many pitches the notes have."""
    return float(np.count_nonzero(_pitch_counts(piece))) if piece.pitched else None


@_register(unit="count", description="different pitch classes")
def n_pitch_classes_used(piece: PieceViews) -> float | None:
    """Return how many pitch classes the notes have."""
    return float(np.count_nonzero(_class_counts(piece))) if piece.pitched else None


@_register(unit="bits", description="entropy of the pitches")
def pitch_entropy(piece: PieceViews) -> float | None:
    """Return the Shannon entropy of the pitches of notes in bits."""
    return _entropy(_pitch_counts(piece)) if piece.pitched else None


@_register(unit="bits", description="entropy of the pitch classes")
def pitch_class_entropy(piece: PieceViews) -> float | None:
    """Return the Shannon entropy of the pitch classes of notes in bits."""
    return _entropy(_class_counts(piece)) if piece.pitched else None


@_register(unit="share", description="notes in the best-fitting major or minor scale")
def scale_consistency(piece: PieceViews) -> float | None:
    """Return the largest share of notes in one of the 24 major and natural minor scales."""
    if not piece.pitched:
        return None
    return float((SCALES @ _class_counts(piece)).max() / len(piece.notes.pitch))


@_register(
    unit="share",
    description="notes in the scale of the key that is estimated of the piece, natural minor in "
    "minor; muspy takes the key from its caller",
)
def pitch_in_scale_rate(piece: PieceViews) -> float | None:
    """Return the share of notes in the scale of the estimated key; None where it has none."""
    key = estimate_key(piece.written)
    if key is None:
        return None
    inside = _class_counts(piece)[SCALES[int(key.minor), key.tonic]].sum()
    return float(inside / len(piece.notes.pitch))


@_register(unit="count", description="pitches sounding at once, where any sounds")
def polyphony(piece: PieceViews) -> float | None:
    """Return how many pitches sound at once, the mean over the steps at which any sounds."""
    return mean_polyphony(piece.notes) if piece.pitched else None


@_register(unit="share", description="sixteenths with more than two pitches")
def polyphony_rate(piece: PieceViews) -> float | None:
    """Return the share of all steps at which more than two pitches sound."""
    if not piece.pitched:
        return None
    sounding = _count_sounding(piece.notes, piece.grid.end)
    return float(np.count_nonzero(sounding > MANY) / piece.grid.end)


def mean_polyphony(notes: PitchedNotes) -> float:
    """Return muspy's polyphony of notes in any resolution, without a piano-roll.

    The steps of each pitch at which it sounds, divided by the steps at which any does. Lines of
    equal pitch stand one behind the other, so that both numbers are lengths of unions of spans.
    """
    shift = notes.pitch * (int(notes.end.max()) + 1)
    begin = notes.onset + shift
    order = begin.argsort()
    sounding = _covered(begin[order], (notes.end + shift)[order])
    return sounding / _covered(notes.onset, notes.end)  # these are in order


def _covered(begin: NDArray[np.int64], end: NDArray[np.int64]) -> int:
    """Return the length of the union of spans, (spans,) each, in the order of their beginnings."""
    reached = np.maximum.accumulate(end)
    # a span adds what is beyond its beginning and beyond what was reached before it
    from_here = np.maximum(begin[1:], reached[:-1])
    return int((reached[1:] - from_here).sum() + reached[0] - begin[0])


def _count_sounding(notes: PitchedNotes, steps: int) -> NDArray[np.int64]:
    """Return how many pitches sound at each step: (steps,)."""
    shift = notes.pitch * (steps + 1)
    begin = notes.onset + shift
    order = begin.argsort()
    begin, reached = begin[order], np.maximum.accumulate((notes.end + shift)[order])
    # of notes of one pitch that touch or overlap, the first begins a span and the last ends it
    new = np.flatnonzero(begin[1:] > reached[:-1])
    first, last = begin[np.append(0, new + 1)], reached[np.append(new, len(begin) - 1)]
    begins = np.bincount(first % (steps + 1), minlength=steps + 1)
    ends = np.bincount(last % (steps + 1), minlength=steps + 1)
    return np.cumsum((begins - ends)[:-1])


def _pitch_counts(piece: PieceViews) -> NDArray[np.int64]:
    return np.bincount(piece.notes.pitch, minlength=PITCHES)


def _class_counts(piece: PieceViews) -> NDArray[np.int64]:
    return np.bincount(piece.notes.pitch % OCTAVE, minlength=OCTAVE)


def _entropy(counts: NDArray[np.int64]) -> float:
    shares = counts / counts.sum()
    # zeros stay in the sum, as in muspy: what is added in another order differs in the last digit
    terms = shares * np.log2(shares, out=np.zeros(len(shares)), where=shares > 0)
    return float(-terms.sum())
