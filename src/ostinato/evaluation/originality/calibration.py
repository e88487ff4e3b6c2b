"""Real music to calibrate on: validation pieces, and training pieces as if they were held out."""

from collections.abc import Iterable, Iterator

import numpy as np

from ostinato.corpora import duplicates
from ostinato.evaluation.originality.index import Index
from ostinato.evaluation.originality.measure import (
    Originality,
    cut_excerpts,
    measure_excerpts,
    measure_originality,
)
from ostinato.music.piece import Piece

ENOUGH = 200  # excerpts: the quantile of fewer depends on which pieces happen to be held out


def measure_held_out(
    index: Index, training: Iterable[Piece], validation: Iterable[Piece], quarters: float
) -> list[Originality]:
    """Return the originality of validation pieces, cut to a length in quarter notes.

    Where these are fewer than `ENOUGH` excerpts, one excerpt each of evenly chosen training pieces
    is measured too, without the piece itself and those that are alike, as the split groups them.
    `training` is the music of the index, in its order; it is read twice.
    """
    found = list(measure_excerpts(index, validation, quarters))
    missing = min(ENOUGH - len(found), len(index.names))
    return found + list(_measure_hidden(index, training, quarters, missing) if missing > 0 else ())


def _measure_hidden(
    index: Index, training: Iterable[Piece], quarters: float, count: int
) -> Iterator[Originality]:
    alike = {place: group for group in duplicates.groups(training) for place in group}
    chosen = set(np.linspace(0, len(index.names) - 1, count).astype(int).tolist())
    for place, piece in enumerate(training):
        if place in chosen:
            excerpts = cut_excerpts(piece, quarters)
            middle = excerpts[len(excerpts) // 2]
            yield measure_originality(index, middle, alike[place])
