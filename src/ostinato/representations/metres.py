"""Time signatures out of a few metres, so that every barline stays where it is."""

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.music.piece import TIME_SIGNATURE, Piece, changes

Metre = tuple[int, int]  # beats in the bar, and what part of a whole note a beat is
COMMON_TIME: Metre = (4, 4)


def fit_signatures(piece: Piece, metres: tuple[Metre, ...]) -> tuple[NDArray[Any], int]:
    """Return the time signatures (dtype `TIME_SIGNATURE`) of a piece, each of some metres and at a
    barline, and how many bars lose theirs.

    A bar that a change cuts short, a pickup too, is named by its length. A metre that is not there
    is written as another of the same length, or else as several bars that last as long; such bars
    are counted, and so are those that no metres last as long as: these stay as they are.
    """
    lines, signatures = piece.barlines(), piece.time_signatures
    named: list[Metre] = [COMMON_TIME, *((n, beat) for _, n, beat in signatures.tolist())]
    ticks = [max(1, round(4 * Fraction(*metre) * piece.resolution)) for metre in named]
    places = np.searchsorted(signatures["onset"], lines, side="right").tolist()
    lengths = [*np.diff(lines).tolist(), ticks[places[-1]]]  # the last bar is whole
    rows: list[tuple[int, int, int]] = []
    lost = 0
    for start, length, place in zip(lines.tolist(), lengths, places, strict=True):
        metre, is_whole = named[place], length == ticks[place]
        size = Fraction(*metre) if is_whole else Fraction(length, 4 * piece.resolution)
        parts = [metre] if is_whole and metre in metres else _spell(size, metre[1], metres)
        lost += parts != [metre] if is_whole else len(parts) != 1
        for part in parts or [metre]:
            rows.append((start, *part))
            start += round(4 * Fraction(*part) * piece.resolution)
    return changes(rows, TIME_SIGNATURE), lost


@cache
def _spell(length: Fraction, beat: int, metres: Sequence[Metre]) -> list[Metre]:
    """Return metres that last as long as a bar together, the longest first; none if none do."""
    parts: list[Metre] = []
    while length:
        shorter = [metre for metre in metres if Fraction(*metre) <= length]
        if not shorter:
            return []
        # of those as long, the one with the beat nearest to the bar's own
        parts.append(max(shorter, key=lambda m: (Fraction(*m), -abs(m[1] - beat))))
        length -= Fraction(*parts[-1])
    return parts
