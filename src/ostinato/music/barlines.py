"""Time signatures that put every barline where the score has it."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.music.arrays import DENOMINATORS, MOST_BEATS
from ostinato.music.piece import TIME_SIGNATURE, Piece, changes

FINEST = DENOMINATORS[-1]  # beyond it a bar's length is rounded up; the next signature cuts it


def signatures_at_barlines(
    barlines: list[int], signatures: NDArray[Any], resolution: int, end: int
) -> NDArray[Any]:
    """Write each bar whose length differs from its time signature as a bar of its own signature.

    A pickup of a quarter note in 4/4 becomes 1/4 at 0, then 4/4. `barlines` are the ticks at which
    bars begin, `signatures` (dtype `TIME_SIGNATURE`) those of the score, `end` the last note's end.
    The last bar may be shorter than its signature. Without barlines the signatures stay. A bar has
    255 beats at most, as in MIDI: one of more than 255 whole notes is cut there.
    """
    lines = sorted({tick for tick in barlines if 0 <= tick < end})
    if not lines or not len(signatures):
        return signatures
    if lines[0] > 0:
        lines = [0, *lines]
    in_force = np.searchsorted(signatures["onset"], lines, side="right") - 1
    rows: list[tuple[int, int, int]] = []
    for index, start in enumerate(lines):
        _, numerator, denominator = signatures[max(in_force[index], 0)].tolist()
        last = index + 1 == len(lines)
        length = Fraction((end if last else lines[index + 1]) - start, 4 * resolution)
        full = Fraction(numerator, denominator)
        if length > full or (length < full and not last):
            numerator, denominator = _signature(length, denominator)
        if not rows or rows[-1][1:] != (numerator, denominator):
            rows.append((start, numerator, denominator))
    return np.array(rows, TIME_SIGNATURE)


def begin_at_first_note(piece: Piece) -> Piece:
    """Return the music without the silence before its first note, its barlines where they were.

    Empty bars go, and the bar in which the first note begins is as much shorter: a pickup, with a
    time signature of its own. So representations that fill a pickup up with rests are undone. A
    piece that ends within that bar keeps its metre.
    """
    start = int(piece.notes["onset"][0]) if len(piece.notes) else 0
    if not start:
        return piece
    begun = piece.cropped(start, piece.end)
    following = [int(line) for line in piece.barlines() if line > start]
    if not following or start in piece.barlines():
        return begun
    signatures = piece.time_signatures
    at = int(np.searchsorted(signatures["onset"], following[0], side="right")) - 1
    metre = signatures[at].tolist()[1:] if at >= 0 else (4, 4)
    length = Fraction(following[0] - start, 4 * piece.resolution)
    rows = [(0, *_signature(length, metre[1])), (following[0] - start, *metre)]
    rows += [(onset - start, *later) for onset, *later in signatures[at + 1 :].tolist()]
    return replace(begun, time_signatures=changes(rows, TIME_SIGNATURE))


def _signature(whole_notes: Fraction, denominator: int) -> tuple[int, int]:
    while (whole_notes * denominator).denominator > 1 and denominator < FINEST:
        denominator *= 2
    while whole_notes * denominator > MOST_BEATS and denominator > 1:
        denominator //= 2
    return min(-int(-whole_notes * denominator // 1), MOST_BEATS), denominator
