"""Alignment of a stream with another, moved in time and transposed: the passage that they share."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ostinato.evaluation.originality.streams import SETS
from ostinato.music.piece import OCTAVE

Stream = tuple[NDArray[np.int32], NDArray[np.uint16]]  # times and chords, (onset,) each


def _raise_sets() -> NDArray[np.uint16]:
    """Return each set of pitch classes raised by 0 to 11 semitones: (12, 4096)."""
    sets = np.arange(SETS, dtype=np.uint32)
    moved = [(sets << k | sets >> (OCTAVE - k)) & (SETS - 1) for k in range(OCTAVE)]
    return np.array(moved, np.uint16)


RAISED = _raise_sets()
SIZE = np.bitwise_count(np.arange(SETS, dtype=np.uint16)).astype(np.int64)  # of each set


class Segment(NamedTuple):
    """The best segment of an alignment, from its `first` to its `last` onset of the sample.

    notes: those in both; other: those in one alone, of either; cardinality: of the whole alignment,
    the notes in both by the notes of the one that has more while the sample lasts (Yin et al.'s
    cardinality score of the sample and of what stands there in the training piece).
    """

    first: int
    last: int
    notes: int
    other: int
    cardinality: float

    @property
    def score(self) -> int:
        """Return how many notes more are in both than in one alone."""
        return self.notes - self.other


def align(sample: Stream, training: Stream, shift: int, semitones: int) -> Segment | None:
    """Return the segment shared when the sample is moved by `shift` sixteenths and raised.

    Of all segments that one with the highest score: Smith and Waterman's local alignment on one
    diagonal, as the votes of n-grams have found it. None where nothing is in both.
    """
    time, chord = sample[0] + shift, RAISED[semitones][sample[1]]
    there, theirs = training
    if not len(time) or not len(there):
        return None
    place = np.searchsorted(there, time)
    meets = place < len(there)
    meets[meets] = there[place[meets]] == time[meets]
    opposite = np.where(meets, theirs[np.minimum(place, len(there) - 1)], 0)
    both = SIZE[chord & opposite]  # notes in both at each onset of the sample
    if not both.any():
        return None
    here = both - SIZE[chord ^ opposite]
    # notes of the training piece between each onset of the sample and the one before
    total = np.concatenate([[0], np.cumsum(SIZE[theirs])])
    after = place + meets
    between = np.zeros(len(time), np.int64)
    between[1:] = total[place[1:]] - total[after[:-1]]
    # a segment a..b scores run[b] - run[a] + here[a]: the best a for each b is a running maximum
    run = np.cumsum(here - between)
    begin = here - run
    best = np.maximum.accumulate(begin)
    last = int((run + best).argmax())
    first = int(begin[: last + 1].argmax())
    notes = int(both[first : last + 1].sum())
    ours, opposed = SIZE[chord].sum(), total[after[-1]] - total[place[0]]
    share = float(both.sum() / max(ours, opposed))
    return Segment(first, last, notes, notes - int(run[last] + best[last]), share)
