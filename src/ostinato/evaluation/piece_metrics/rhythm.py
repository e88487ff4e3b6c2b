"""Metrics of rhythm: muspy's by muspy's names, and those of our own where muspy's mislead.

muspy's rates by beat and by bar, and its groove consistency, count a bar or a beat after the last
that may not be there, take a note that ends on a barline into the next bar, and know one length of
bar for the whole piece. They are kept to compare figures with others'. `empty_quarter_rate`,
`empty_bar_rate` and `groove_similarity` are free of that.
"""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from ostinato.evaluation.piece_metrics.views import STEPS_PER_QUARTER, PieceViews
from ostinato.evaluation.registry import register
from ostinato.music.piece import Piece

# muspy's patterns of drums depend on the resolution: on this one both kinds are on the grid
DRUM_STEPS = 24
DUPLE, TRIPLE = DRUM_STEPS // 4, DRUM_STEPS // 3  # steps between the places of a pattern
GROOVE = 'Wu and Yang, "The Jazz Transformer on the Front Line" (ISMIR 2020)'

_register = partial(register, "piece", group="rhythm")
_from_muspy = partial(_register, source="muspy")


@_register(unit="share", description="quarter notes in which nothing sounds")
def empty_quarter_rate(piece: PieceViews) -> float:
    """Return the share of quarter notes in which nothing sounds."""
    return _empty_rate(piece.grid, np.arange(0, piece.grid.end, STEPS_PER_QUARTER))


@_register(unit="share", description="bars in which nothing sounds")
def empty_bar_rate(piece: PieceViews) -> float:
    """Return the share of bars in which nothing sounds."""
    return _empty_rate(piece.grid, piece.bars)


@_register(
    unit="share",
    description="steps at which neighbouring bars both have an onset, or neither has",
    source=GROOVE,
)
def groove_similarity(piece: PieceViews) -> float | None:
    """Return how similar the onsets of neighbouring bars are, from 0 to 1; None below two bars.

    The mean, over neighbouring bars of one length, of the share of grid steps at which both bars
    have an onset or neither has: the grooving pattern similarity of Wu and Yang, "The Jazz
    Transformer on the Front Line" (ISMIR 2020), between neighbours. Pickups and a last bar that is
    not full have no neighbour. It depends on the grid, which must be the same for what is compared.
    """
    grid = piece.grid
    lines = np.append(piece.bars, grid.end)
    lengths = np.diff(lines)
    onsets = np.zeros(grid.end, bool)
    onsets[grid.notes["onset"]] = True
    shares = [
        float(np.mean(onsets[a : a + n] == onsets[b : b + n]))
        for a, b, n, m in zip(lines, lines[1:], lengths, lengths[1:], strict=False)
        if n == m
    ]
    return sum(shares) / len(shares) if shares else None


# the next three are of the piece as written: rounding to the grid would lengthen ornaments
@_register(unit="notes per quarter note", description="how densely notes begin")
def note_density(piece: PieceViews) -> float:
    """Return how many notes there are per quarter note."""
    return len(piece.written.notes) / piece.written.quarters


@_register(unit="quarter notes", description="mean duration of a note")
def mean_duration(piece: PieceViews) -> float:
    """Return the mean duration of a note in quarter notes."""
    return float(piece.written.notes["duration"].mean()) / piece.written.resolution


@_register(unit="quarter notes", description="length of the piece")
def length(piece: PieceViews) -> float:
    """Return the length in quarter notes."""
    return piece.written.quarters


@_from_muspy(
    unit="share",
    description="as empty_quarter_rate, with one more quarter note after a last one that is full, "
    "and notes counted into the quarter note in which they end; to compare with figures of muspy",
)
def empty_beat_rate(piece: PieceViews) -> float:
    """Return muspy's rate of empty beats on a grid of sixteenths; its beat is a quarter note."""
    return _touched_rate(piece.grid, STEPS_PER_QUARTER)


@_from_muspy(
    unit="share",
    description="as empty_bar_rate, with one more bar after a last one that is full, notes counted "
    "into the bar in which they end, and all bars as long as the first time signature says; to "
    "compare with figures of muspy",
)
def empty_measure_rate(piece: PieceViews) -> float:
    """Return muspy's rate of empty measures on a grid of sixteenths."""
    return _touched_rate(piece.grid, _first_bar(piece.grid))


@_from_muspy(
    unit="share",
    description="as groove_similarity, with one more bar, empty, after a last one that is full, "
    "and all bars as long as the first time signature says; to compare with figures of muspy",
)
def groove_consistency(piece: PieceViews) -> float | None:
    """Return muspy's groove consistency on a grid of sixteenths; None below two bars."""
    bar = _first_bar(piece.grid)
    bars = piece.grid.end // bar + 1
    if bars < 2:
        return None
    patterns = np.zeros(bars * bar, bool)
    patterns[piece.grid.notes["onset"]] = True
    different = np.count_nonzero(patterns[:-bar] != patterns[bar:])
    return 1 - different / (bar * (bars - 1))


@_from_muspy(
    unit="share",
    description="notes of drums on a sixteenth note: in the pattern that muspy calls duple, on a "
    "grid of 24 steps a quarter note",
)
def drum_in_pattern_rate(piece: PieceViews) -> float | None:
    """Return the share of drum notes in muspy's duple pattern; None without drums."""
    return _pattern_rate(piece.written, DUPLE)


@_from_muspy(
    unit="share",
    description="notes of drums on sixteenth notes, or on thirds of a quarter note where these are "
    "more, on a grid of 24 steps a quarter note",
)
def drum_pattern_consistency(piece: PieceViews) -> float | None:
    """Return the share of drum notes in the better of muspy's two patterns; None without drums."""
    rates = [_pattern_rate(piece.written, steps) for steps in (DUPLE, TRIPLE)]
    return max((rate for rate in rates if rate is not None), default=None)


def _empty_rate(grid: Piece, lines: NDArray[np.int64]) -> float:
    """Return the share of the spans that begin at `lines` in which nothing sounds."""
    changes = np.zeros(len(lines) + 1, np.int64)
    first = np.searchsorted(lines, grid.notes["onset"], side="right") - 1
    last = np.searchsorted(lines, grid.notes["onset"] + grid.notes["duration"], side="left")
    np.add.at(changes, np.maximum(first, 0), 1)
    np.add.at(changes, last, -1)
    return float(np.mean(np.cumsum(changes)[:-1] == 0))


def _touched_rate(grid: Piece, span: int) -> float:
    """Return the share of spans of so many steps in which no note is, nor ends, after muspy."""
    spans = grid.end // span + 1
    first = grid.notes["onset"] // span
    after = (grid.notes["onset"] + grid.notes["duration"]) // span + 1
    changes = np.bincount(first, minlength=spans + 1) - np.bincount(after, minlength=spans + 1)
    return 1 - int(np.count_nonzero(np.cumsum(changes[:-1]))) / spans


def _first_bar(grid: Piece) -> int:
    """Return the length in steps of a bar of the time signature at the beginning."""
    signatures = grid.time_signatures
    if not len(signatures) or signatures["onset"][0] > 0:
        return 4 * STEPS_PER_QUARTER
    quarters = 4 * int(signatures["numerator"][0]) / int(signatures["denominator"][0])
    return max(1, round(quarters * STEPS_PER_QUARTER))


def _pattern_rate(piece: Piece, steps: int) -> float | None:
    """Return the share of drum notes at multiples of so many of the `DRUM_STEPS` of a quarter."""
    drums = piece.notes["drum"]
    if not drums.any():
        return None
    onsets = piece.times_at(DRUM_STEPS)[0][drums]
    return float(np.count_nonzero(onsets % steps == 0) / len(onsets))
