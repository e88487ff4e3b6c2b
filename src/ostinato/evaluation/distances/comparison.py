"""Distances of samples from real music, with intervals, beside real music of as many pieces."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ostinato.evaluation.bootstrap import CONFIDENCE, SEED
from ostinato.evaluation.distances.measures import DISTANCES, Distance, Rows
from ostinato.evaluation.distances.vectors import ComparedSets, PieceVectors, standardise
from ostinato.evaluation.distributions import overlapping_area
from ostinato.evaluation.registry import metrics

RESAMPLED = 200  # times, of our pieces
DRAWN = 100  # times, of real pieces for the control
AVERAGED = 25  # of these draws for a mean, which needs fewer than the ends of a range
FEWEST = 2  # pieces of which distances can be computed
TAIL = (100 - CONFIDENCE) / 2


@dataclass(frozen=True)
class DistanceFigure:
    """A distance of samples from real music.

    low, high: the 95 % interval. control: the mean of as many real pieces as there are samples,
    drawn again and again; control_low, control_high: what 95 % of these draws lie between. None
    where there are no real pieces besides those that are compared with.
    """

    value: float
    low: float
    high: float
    control: float | None = None
    control_low: float | None = None
    control_high: float | None = None


@dataclass(frozen=True)
class SetDistances:
    """Distances between two sets by name, and what they rest on.

    overlaps: by piece metric, the overlapping area of as many real pieces as there are samples with
    the test pieces, the mean of draws. samples, test, control: how many pieces; drawn: how many of
    the control are drawn each time. names: metrics of which distances are; left_out: those that are
    not compared. undefined: how many
    values are missing, of samples and test pieces; distances of vectors take them for the mean.
    """

    distances: Mapping[str, DistanceFigure]
    overlaps: Mapping[str, float]
    samples: int
    test: int
    control: int
    drawn: int
    names: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    undefined: int = 0

    def figures(self) -> dict[str, float]:
        """Return the figures for the MLflow run: distance/NAME, control/NAME."""
        found = {f"distance/{name}": figure.value for name, figure in self.distances.items()}
        for name, figure in self.distances.items():
            if figure.control is not None:
                found[f"control/{name}"] = figure.control
        return found | {f"control/{name}": value for name, value in self.overlaps.items()}

    def metrics(self) -> dict[str, object]:
        """Return the figures for metrics.json."""
        return {
            "distances": {
                name: {key: _round(value) for key, value in vars(figure).items()}
                for name, figure in self.distances.items()
            },
            "distances_of": {
                "samples": self.samples,
                "test_pieces": self.test,
                "control_pieces": self.control,
                "control_drawn": self.drawn,
                "metrics": self.names,
                "metrics_left_out": self.left_out,
                "undefined_values": self.undefined,
            },
        }


def compare_vectors(
    ours: PieceVectors, real: PieceVectors, others: PieceVectors | None
) -> SetDistances | None:
    """Return the distances of our pieces from real ones; None where a set has fewer than two.

    others: further real pieces, for the control.
    """
    if min(len(ours), len(real)) < FEWEST:
        return None
    sets = standardise(ours, real)
    drawn = min(len(ours), len(others)) if others is not None else 0
    control = standardise(others, real) if others is not None and drawn >= FEWEST else None
    figures = {
        distance.name: _measure(distance, sets, control, drawn)
        for distance in DISTANCES
        if sets.names or distance.of_intervals
    }
    return SetDistances(
        {name: figure for name, figure in figures.items() if np.isfinite(figure.value)},
        _overlap_real(others, real, drawn) if others is not None and control else {},
        samples=len(ours),
        test=len(real),
        control=0 if others is None else len(others),
        drawn=drawn,
        names=sets.names,
        left_out=sets.left_out,
        undefined=sets.undefined,
    )


def _measure(
    distance: Distance, sets: ComparedSets, control: ComparedSets | None, drawn: int
) -> DistanceFigure:
    random = np.random.default_rng(SEED)  # equal sets have equal figures
    value = distance.compute(sets, np.arange(sets.count), random)
    low, high = find_interval(
        lambda rows: distance.compute(sets, rows, random), value, sets.count, distance.bounds
    )
    if control is None:
        return DistanceFigure(value, low, high)
    return DistanceFigure(value, low, high, *measure_real(distance, control, drawn))


def measure_real(
    distance: Distance, control: ComparedSets, drawn: int
) -> tuple[float, float, float]:
    """Return the mean distance of so many real pieces, and what 95 % of the draws lie between."""
    random = np.random.default_rng(SEED)
    draws = draw_rows(control.count, drawn)
    values = [distance.compute(control, rows, random) for rows in draws]
    low, high = np.percentile(values, [TAIL, 100 - TAIL])
    return float(np.mean(values)), float(low), float(high)


def find_interval(
    compute: Callable[[Rows], float], value: float, count: int, bounds: tuple[float, float]
) -> tuple[float, float]:
    """Return the 95 % interval of a figure of `count` pieces, which `compute` computes of some.

    The standard deviation is that of pieces drawn with replacement (Efron 1979), and Student's t
    with count - 1 degrees of freedom makes it wider where pieces are few. Percentiles of the draws
    would lie beside the value: repeated pieces are farther from any other set.
    """
    random = np.random.default_rng(SEED)
    draws = [compute(random.integers(0, count, count)) for _ in range(RESAMPLED)]
    reach = float(stats.t.ppf(1 - TAIL / 100, count - 1)) * float(np.std(draws))
    return max(bounds[0], value - reach), min(bounds[1], value + reach)


def draw_rows(count: int, size: int) -> list[Rows]:
    """Return rows of `size` different pieces of `count`, again and again; once where all are."""
    random = np.random.default_rng(SEED)
    times = 1 if size == count else DRAWN
    return [random.choice(count, size, replace=False) for _ in range(times)]


def _overlap_real(others: PieceVectors, real: PieceVectors, drawn: int) -> dict[str, float]:
    """Return by piece metric the overlapping area of `drawn` real pieces with the real set."""
    draws = draw_rows(len(others), drawn)[
        : DRAWN // 4
    ]  # means need fewer draws than ends of ranges
    found = {}
    for name in (metric.name for metric in metrics("piece")):
        theirs = _defined(real, name)
        values = np.array([piece.get(name, np.nan) for piece in others.measured], float)
        areas = [
            overlapping_area(some, theirs)
            for rows in draws
            if len(theirs) and len(some := values[rows][~np.isnan(values[rows])])
        ]
        if areas:
            found[name] = float(np.mean(areas))
    return found


def _defined(vectors: PieceVectors, name: str) -> NDArray[np.float64]:
    return np.array([piece[name] for piece in vectors.measured if name in piece], float)


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
