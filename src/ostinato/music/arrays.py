"""Rows as a parser gave them -> arrays of `Piece`.

A note that cannot be is a reason to refuse the file; a tempo or a signature that cannot be is left
out, because the notes are right without it.
"""

from collections.abc import Iterable
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import UnreadableError
from ostinato.music import limits
from ostinato.music.piece import KEY_SIGNATURE, NOTE, TEMPO, TIME_SIGNATURE, array, changes

SLOWEST = 60_000_000 / 0xFFFFFF  # quarter notes per minute: MIDI has three bytes of microseconds
FASTEST = 10_000.0  # quarter notes per minute: 6 ms each
DENOMINATORS = (1, 2, 4, 8, 16, 32, 64)
MOST_BEATS = 255  # in a bar: MIDI has one byte
MOST_FIFTHS = 7


def notes(rows: list[tuple[Any, ...]]) -> NDArray[Any]:
    """Return rows in the order of `NOTE`.

    Raises `UnreadableError` where one is out of MIDI's range.
    """
    limits.check_counts(len(rows), 0)
    if not rows:
        return np.zeros(0, NOTE)
    assert NOTE.names is not None
    try:
        columns = dict(zip(NOTE.names, np.array(rows, np.int64).T, strict=True))
    except OverflowError:
        raise UnreadableError("it has a number of more than 64 bits") from None
    for name in ("pitch", "program"):
        check_range(name, columns[name])
    return array(NOTE, **columns)


def check_range(name: str, values: NDArray[Any]) -> None:
    """Raise `UnreadableError` for values of a name that MIDI does not have."""
    lowest, highest = values.min(initial=0), values.max(initial=0)
    if lowest < 0 or highest > 127:
        worst = lowest if lowest < 0 else highest
        raise UnreadableError(f"it has a {name} of {worst}: MIDI's go from 0 to 127")


def tempos(rows: Iterable[tuple[int, float]], resolution: int) -> NDArray[Any]:
    """Return rows (onset, quarter notes per minute) that make sense, dtype `TEMPO`."""
    kept = [row for row in rows if isfinite(row[1]) and SLOWEST <= row[1] <= FASTEST]
    return changes(_in_time(kept, resolution), TEMPO)


def time_signatures(rows: Iterable[tuple[int, int, int]], resolution: int) -> NDArray[Any]:
    """Return rows (onset, numerator, denominator) whose bars last a tick at least."""
    kept = [
        (onset, numerator, denominator)
        for onset, numerator, denominator in rows
        if denominator in DENOMINATORS
        and 1 <= numerator <= MOST_BEATS
        and 4 * numerator * resolution >= denominator
    ]
    return changes(_in_time(kept, resolution), TIME_SIGNATURE)


def key_signatures(rows: Iterable[tuple[int, int, bool]], resolution: int) -> NDArray[Any]:
    """Return rows (onset, sharps or negative flats, minor) with up to seven of either."""
    kept = [row for row in rows if abs(row[1]) <= MOST_FIFTHS]
    return changes(_in_time(kept, resolution), KEY_SIGNATURE)


def _in_time(rows: Iterable[tuple[Any, ...]], resolution: int) -> list[tuple[Any, ...]]:
    last = min(limits.LONGEST * resolution, limits.LAST_TICK)
    return [row for row in rows if 0 <= row[0] <= last]
