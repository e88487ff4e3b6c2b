"""The notes of each bar as sets, so that bars can be compared."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ostinato.music.piece import Piece, order_by


class BarNotes(NamedTuple):
    """Notes of bars as sets, each pair of a bar and a note once, by note and then by bar.

    bar, kind: (pairs,), the number of the bar, and of the note as pitch, duration and place.
    sizes: (bars,), how many notes each bar has.
    """

    bar: NDArray[np.int64]
    kind: NDArray[np.int64]
    sizes: NDArray[np.int64]


def find_bar_notes(piece: Piece, lines: NDArray[np.int64]) -> BarNotes:
    """Return the notes of each bar, drums too.

    piece: on the grid; lines: (bars,), the ticks at which bars begin.
    """
    notes = piece.notes
    bar = np.maximum(np.searchsorted(lines, notes["onset"], side="right") - 1, 0)
    place = notes["onset"] - lines[bar]
    columns = (notes["drum"], notes["pitch"], notes["duration"], place)
    rows = np.stack([*(column.astype(np.int64) for column in columns), bar])
    rows = rows[:, order_by(*rows)]
    new = np.ones(rows.shape[1], bool)  # a note that two tracks have counts once
    new[1:] = (rows[:, 1:] != rows[:, :-1]).any(axis=0)
    rows = rows[:, new]
    other = np.append(False, (rows[:-1, 1:] != rows[:-1, :-1]).any(axis=0))
    return BarNotes(rows[-1], np.cumsum(other), np.bincount(rows[-1], minlength=len(lines)))
