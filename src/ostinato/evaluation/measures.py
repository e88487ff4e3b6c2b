"""Metrics of one piece, on a grid of sixteenth notes.

muspy's metrics are kept where they are right and are called by muspy's names. Its rates by beat and
by bar count a bar that is not there and depend on the resolution: what replaces them here has names
of its own, so that no figure is mistaken for one of muspy's.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import UserError
from ostinato.evaluation.registry import Metric, add_metric, metrics, register
from ostinato.music import conversion
from ostinato.music.piece import Piece

STEPS_PER_QUARTER = 4
FROM_MUSPY = {  # unit and description of each
    "pitch_range": ("semitones", "from the lowest to the highest pitch"),
    "n_pitches_used": ("count", "different pitches"),
    "n_pitch_classes_used": ("count", "different pitch classes"),
    "pitch_entropy": ("bits", "entropy of the pitches"),
    "pitch_class_entropy": ("bits", "entropy of the pitch classes"),
    "scale_consistency": ("share", "notes in the best-fitting major or minor scale"),
    "polyphony": ("count", "pitches sounding at once, where any sounds"),
    "polyphony_rate": ("share", "sixteenths with more than two pitches"),
}


@dataclass(frozen=True)
class PieceViews:
    """A piece as metrics read it; what several of them need is made once.

    written: the piece as it is, in ticks of its own resolution.
    """

    written: Piece

    @cached_property
    def grid(self) -> Piece:
        """Return the piece in sixteenth notes, `STEPS_PER_QUARTER` ticks a quarter note."""
        return self.written.at_resolution(STEPS_PER_QUARTER)

    @cached_property
    def music(self) -> Any:
        """Return the piece in sixteenth notes as a `muspy.Music`."""
        return conversion.to_muspy(self.grid)

    @property
    def pitched(self) -> bool:
        """Return whether any note is not of drums."""
        return bool(np.any(~self.grid.notes["drum"]))


def measure(piece: Piece) -> dict[str, float]:
    """Return the registered metrics of a piece by name, in order of registration.

    Pitches are those of pitched tracks; drums count as sound, as onsets and as notes. A metric
    that is undefined for the piece (the entropy of no pitches, the similarity of a single bar) is
    left out, and all are for a piece without notes. Raises `UserError` for an infinite value.
    """
    views = PieceViews(piece)
    if not len(views.grid.notes):
        return {}
    computed = {metric.name: metric.compute(views) for metric in metrics("piece")}
    values = {n: float(v) for n, v in computed.items() if v is not None and not math.isnan(v)}
    for name, value in values.items():
        if math.isinf(value):
            raise UserError(
                f"the metric {name} of {piece.name} is {value}: it should be a finite number, or "
                "None where it is undefined."
            )
    return values


def _by_muspy(name: str) -> Callable[[PieceViews], float | None]:
    """Return a function that calls muspy's metric, which is undefined without pitched notes."""

    def compute(piece: PieceViews) -> float | None:
        import muspy

        return float(getattr(muspy, name)(piece.music)) if piece.pitched else None

    return compute


for _name, (_unit, _description) in FROM_MUSPY.items():
    add_metric(
        Metric(
            name=_name,
            scope="piece",
            unit=_unit,
            description=_description,
            source="muspy",
            compute=_by_muspy(_name),
        )
    )


@register("piece", unit="share", description="quarter notes in which nothing sounds")
def empty_quarter_rate(piece: PieceViews) -> float:
    """Return the share of quarter notes in which nothing sounds."""
    return _empty_rate(piece.grid, np.arange(0, piece.grid.end, STEPS_PER_QUARTER))


@register("piece", unit="share", description="bars in which nothing sounds")
def empty_bar_rate(piece: PieceViews) -> float:
    """Return the share of bars in which nothing sounds."""
    return _empty_rate(piece.grid, _barlines(piece.grid))


@register(
    "piece",
    unit="share",
    description="steps at which neighbouring bars both have an onset, or neither has",
    source='Wu and Yang, "The Jazz Transformer on the Front Line" (ISMIR 2020)',
)
def groove_similarity(piece: PieceViews) -> float | None:
    """Return how similar the onsets of neighbouring bars are, from 0 to 1; None below two bars.

    The mean, over neighbouring bars of one length, of the share of grid steps at which both bars
    have an onset or neither has: the grooving pattern similarity of Wu and Yang, "The Jazz
    Transformer on the Front Line" (ISMIR 2020), between neighbours. Pickups and a last bar that is
    not full have no neighbour. It depends on the grid, which must be the same for what is compared.
    """
    grid = piece.grid
    lines = np.append(_barlines(grid), grid.end)
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
@register("piece", unit="notes per quarter note", description="how densely notes begin")
def note_density(piece: PieceViews) -> float:
    """Return how many notes there are per quarter note."""
    return len(piece.written.notes) / piece.written.quarters


@register("piece", unit="quarter notes", description="mean duration of a note")
def mean_duration(piece: PieceViews) -> float:
    """Return the mean duration of a note in quarter notes."""
    return float(piece.written.notes["duration"].mean()) / piece.written.resolution


@register("piece", unit="quarter notes", description="length of the piece")
def length(piece: PieceViews) -> float:
    """Return the length in quarter notes."""
    return piece.written.quarters


def _barlines(grid: Piece) -> NDArray[np.int64]:
    lines = grid.barlines()
    return lines[lines < grid.end]


def _empty_rate(grid: Piece, lines: NDArray[np.int64]) -> float:
    """Return the share of the spans that begin at `lines` in which nothing sounds."""
    changes = np.zeros(len(lines) + 1, np.int64)
    first = np.searchsorted(lines, grid.notes["onset"], side="right") - 1
    last = np.searchsorted(lines, grid.notes["onset"] + grid.notes["duration"], side="left")
    np.add.at(changes, np.maximum(first, 0), 1)
    np.add.at(changes, last, -1)
    return float(np.mean(np.cumsum(changes)[:-1] == 0))
