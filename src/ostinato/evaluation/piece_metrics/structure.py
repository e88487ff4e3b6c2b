"""Metrics of structure: how alike the bars of a piece are.

Source: Yu, Lu, Wang, Hu, Tan, Ye, Zhang, Qin and Liu, "Museformer" (NeurIPS 2022). The similarity
of two bars is |A ∩ B| / |A ∪ B|, where A and B are their notes: pitch, duration and place in the
bar, in sixteenth notes. Other than there, bars in which no note begins are left out: that two bars
are empty says nothing about music, and silence around a piece changes nothing.
"""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from ostinato.evaluation.piece_metrics.bars import BarNotes
from ostinato.evaluation.piece_metrics.views import PieceViews
from ostinato.evaluation.registry import Metric, add_metric, register

MUSEFORMER = 'Yu et al., "Museformer" (NeurIPS 2022)'
DISTANCES = (1, 2, 4, 8, 16)  # bars
FARTHEST = 16
MOST_BARS = 2000  # the similarities of any two are a matrix of 32 MB
MOST_PRODUCTS = 2**24  # entries of a block of the matrix that says which bar has which note

_register = partial(register, "piece", group="structure", source=MUSEFORMER)


def similarity_at(notes: BarNotes, distance: int) -> float | None:
    """Return the mean similarity of bars so many bars apart; None where there are no two."""
    sizes = notes.sizes
    bars = np.flatnonzero((sizes[:-distance] > 0) & (sizes[distance:] > 0))
    if not len(bars):
        return None
    # a note of a bar and the same note of a later one are two rows whose numbers are so far apart
    number = notes.kind * (len(sizes) + distance) + notes.bar  # rising
    place = np.searchsorted(number, number + distance)
    found = number[np.minimum(place, len(number) - 1)] == number + distance
    common = np.bincount(notes.bar[found], minlength=len(sizes))[bars]
    return float(np.mean(common / (sizes[bars] + sizes[bars + distance] - common)))


def _register_distance(distance: int) -> None:
    plural = "s" if distance > 1 else ""

    def compute(piece: PieceViews) -> float | None:
        return similarity_at(piece.bar_notes, distance)

    add_metric(
        Metric(
            name=f"bar_similarity_{distance}",
            scope="piece",
            unit="share",
            group="structure",
            description=f"notes that two bars have in common, {distance} bar{plural} apart: 1 "
            "where all bars are repeated to the note, 0 where none has a note of the other",
            source=MUSEFORMER,
            compute=compute,
        )
    )


for _distance in DISTANCES:
    _register_distance(_distance)


@_register(
    unit="bars",
    description="distance, from 1 to 16 bars, at which bars are most alike; undefined where no "
    "two have a note in common",
)
def repetition_distance(piece: PieceViews) -> float | None:
    """Return the distance of the most similar bars, the shortest of several; None without any."""
    notes = piece.bar_notes
    values = [similarity_at(notes, distance) or 0.0 for distance in range(1, FARTHEST + 1)]
    return float(np.argmax(values) + 1) if max(values) > 0 else None


@_register(
    unit="share",
    description="notes that two bars have in common, mean over all pairs of bars; undefined above "
    "2000 bars",
)
def bar_self_similarity(piece: PieceViews) -> float | None:
    """Return the mean similarity of any two bars; None below 2 bars with notes, and above 2000."""
    notes = piece.bar_notes
    filled = notes.sizes > 0
    sizes = notes.sizes[filled]
    bars = len(sizes)
    if not 2 <= bars <= MOST_BARS:
        return None
    common = _common_notes(notes, filled)
    shares = common / (sizes[:, None] + sizes - common)
    return float((shares.sum() - bars) / (bars * (bars - 1)))  # each bar is equal to itself


def _common_notes(notes: BarNotes, filled: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return how many notes any two bars that have some have in common: (bars, bars)."""
    bars = int(np.count_nonzero(filled))
    common = np.diag(notes.sizes[filled]).astype(np.float64)
    repeated = np.bincount(notes.kind)[notes.kind] > 1  # others are in no second bar
    row = (np.cumsum(filled) - 1)[notes.bar[repeated]]
    _, column = np.unique(notes.kind[repeated], return_inverse=True)
    width = max(1, MOST_PRODUCTS // bars)
    total = np.zeros((bars, bars))
    for start in range(0, int(column.max(initial=-1)) + 1, width):
        inside = (column >= start) & (column < start + width)
        has = np.zeros((bars, int(column[inside].max()) - start + 1), np.float32)
        has[row[inside], column[inside] - start] = 1
        total += has @ has.T  # (bars, notes) and (notes, bars): notes in common
    np.fill_diagonal(total, 0)
    return common + total
