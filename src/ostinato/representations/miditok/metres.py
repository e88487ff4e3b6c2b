"""Time signatures that MidiTok's tokens can express, so that every barline stays where it is.

MidiTok takes a metre that it does not know for 4/4, and moves a change within a bar to the next
one. Here each bar is named by a metre of its own length.
"""

from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ostinato.music.piece import TIME_SIGNATURE, Piece

Metre = tuple[int, int]  # beats in the bar, and what part of a whole note a beat is

NUMERATORS: dict[int, list[int]] = {
    2: [*range(1, 7)],
    4: [*range(1, 13)],
    8: [*range(1, 16)],
    16: [*range(1, 16)],
}
"""The metres that there are, by beat: what pickups and the music of our corpora need."""
METRES: tuple[Metre, ...] = tuple((n, beat) for beat, ns in NUMERATORS.items() for n in ns)


class Fitted(NamedTuple):
    """Time signatures (dtype `TIME_SIGNATURE`) of `METRES`, and how many bars lose theirs."""

    signatures: NDArray[Any]
    lost: int


def fit_signatures(piece: Piece) -> Fitted:
    """Return the time signatures of a piece, each of `METRES` and at a barline.

    A bar that a change cuts short, a pickup too, is named by its length. A metre that is not there
    is written as another of the same length, or else as several bars that last as long; such bars
    are counted, and so are those of no whole sixteenths, which stay as they are.
    """
    if _fit(piece.time_signatures, piece.resolution):
        return Fitted(piece.time_signatures, 0)
    rows: list[tuple[int, int, int]] = []
    lost = 0
    for start, length, metre in _bars(piece):
        parts = _spell(length, metre)
        cut_short = length < Fraction(*metre)
        lost += parts != [metre] and not (cut_short and len(parts) == 1)
        for part in parts or [metre]:
            if not rows or rows[-1][1:] != part:
                rows.append((start, *part))
            start += round(4 * Fraction(*part) * piece.resolution)
    return Fitted(np.array(rows, TIME_SIGNATURE), lost)


def _fit(signatures: NDArray[Any], resolution: int) -> bool:
    rows = signatures.tolist()
    if rows and rows[0][0] > 0:
        rows = [(0, 4, 4), *rows]
    return all((n, beat) in METRES for _, n, beat in rows) and all(
        (following - onset) % (4 * Fraction(n, beat) * resolution) == 0
        for (onset, n, beat), (following, _, _) in pairwise(rows)
    )


def _bars(piece: Piece) -> list[tuple[int, Fraction, Metre]]:
    """Return when each bar begins, its length in whole notes, its metre; the last is whole."""
    lines = piece.barlines().tolist()
    signatures = piece.time_signatures
    named: list[Metre] = [(4, 4), *((n, beat) for _, n, beat in signatures.tolist())]
    metres = [named[place] for place in np.searchsorted(signatures["onset"], lines, side="right")]
    lengths = [Fraction(b - a, 4 * piece.resolution) for a, b in pairwise(lines)]
    lengths.append(Fraction(*metres[-1]))
    return list(zip(lines, lengths, metres, strict=True))


def _spell(length: Fraction, metre: Metre) -> list[Metre]:
    """Return metres that last as long as a bar together, the longest first; none if none do."""
    if length == Fraction(*metre) and metre in METRES:
        return [metre]
    parts: list[Metre] = []
    while length:
        shorter = [metre for metre in METRES if Fraction(*metre) <= length]
        if not shorter:
            return []
        # of those as long, the one with the beat nearest to the bar's own
        parts.append(max(shorter, key=lambda m: (Fraction(*m), -abs(m[1] - metre[1]))))
        length -= Fraction(*parts[-1])
    return parts
