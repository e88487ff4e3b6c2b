"""Distributions of piece metrics as small panels, drawn as SVG."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ostinato.evaluation.bootstrap import FEWEST
from ostinato.evaluation.registry import OTHER, find_metric
from ostinato.evaluation.verdict import label_of, number

SAMPLES, HELD_OUT, TRAINING = "samples", "held-out music", "training music"
# by metric, then by set, the values of pieces for which the metric is defined
SetValues = Mapping[str, Mapping[str, Sequence[float]]]
MOST = 12  # panels
OF_A_GROUP = 2  # metrics of each group that have a panel, before others
POINTS = 60  # of a curve
MOST_VALUES = 2000  # of a set that a curve is drawn from, so that memory does not grow with it
MOST_MARKS = 60  # samples that have a mark of their own
WIDTH, HEIGHT = 100.0, 40.0  # of a panel, in its own units
NARROWEST = 0.02  # bandwidth of a curve, as a share of the axis


@dataclass(frozen=True)
class Panel:
    """A metric of all sets on one axis.

    unit: of the axis, which goes from `low` to `high`. curves: by set, an SVG path from the left to
    the right whose highest point is the top; marks: an SVG path with a stroke for each sample.
    means: by set, in figures.
    """

    name: str
    unit: str
    low: str
    high: str
    curves: Mapping[str, str]
    marks: str
    means: Mapping[str, str]

    @property
    def words(self) -> str:
        """Return what the panel shows, for those who do not see it."""
        means = ", ".join(f"{name} {mean}" for name, mean in self.means.items())
        return f"{self.name}: {means}{f' ({self.unit})' if self.unit else ''}"


def draw_panels(values: SetValues) -> list[Panel]:
    """Return the panels of the metrics in which samples are farthest from held-out music."""
    return [_draw_panel(name, values[name]) for name in choose_metrics(values)]


def choose_metrics(values: SetValues) -> list[str]:
    """Return the metrics worth a panel, in their order: of each group the two farthest, then more.

    How far a metric is: the difference of means in standard deviations of held-out music. A metric
    that is the same for all pieces, or defined for fewer than two of a set, has no panel.
    """
    far = {name: found for name, sets in values.items() if (found := _find_distance(sets))}
    ordered = sorted(far, key=lambda name: -far[name])
    places: dict[str, int] = {}
    ranks = {}
    for name in ordered:
        group = metric.group if (metric := find_metric("piece", name)) else OTHER
        places[group] = places.get(group, 0) + 1
        ranks[name] = places[group]
    first = [name for name in ordered if ranks[name] <= OF_A_GROUP]
    others = [name for name in ordered if ranks[name] > OF_A_GROUP]
    chosen = {*(first + others)[:MOST]}
    return [name for name in values if name in chosen]


def _find_distance(sets: Mapping[str, Sequence[float]]) -> float:
    """Return how far samples are from held-out music; 0 where there is nothing to be seen."""
    ours, real = (np.asarray(sets.get(name, ()), float) for name in (SAMPLES, HELD_OUT))
    if min(len(ours), len(real)) < 2 or np.ptp(np.concatenate([ours, real])) < 1e-9:
        return 0.0
    # a little above 0, so that sets of one mean and different shapes are not left out
    gap = abs(float(ours.mean() - real.mean())) + 1e-9
    return gap / float(real.std()) if real.std() > 1e-9 else math.inf


def _draw_panel(name: str, sets: Mapping[str, Sequence[float]]) -> Panel:
    arrays = {key: np.sort(np.asarray(found, float)) for key, found in sets.items() if len(found)}
    everything = np.concatenate(list(arrays.values()))
    low, high = float(everything.min()), float(everything.max())
    margin = 0.04 * (high - low)
    axis = np.linspace(low - margin, high + margin, POINTS)
    metric = find_metric("piece", name)
    return Panel(
        label_of(name),
        metric.unit if metric else "",
        _label_axis(low),
        _label_axis(high),
        {key: _draw_curve(found, axis) for key, found in arrays.items()},
        _draw_marks(arrays[SAMPLES], axis),
        {key: _show_mean(found) for key, found in arrays.items()},
    )


def _show_mean(values: NDArray[np.float64]) -> str:
    """Return the mean, and the standard deviation where there are enough pieces for one."""
    deviation = f" ± {number(float(values.std()))}" if len(values) >= FEWEST else ""
    return f"{number(float(values.mean()))}{deviation}"


def _draw_curve(values: NDArray[np.float64], axis: NDArray[np.float64]) -> str:
    """Return the path of a density over the axis, by Gaussian kernels.

    The bandwidth is Scott's, and at least a fiftieth of the axis: equal values have a peak. values:
    in order; of very many, evenly spread ones stand for all.
    """
    span = float(axis[-1] - axis[0])
    bandwidth = max(float(values.std()) * len(values) ** -0.2, NARROWEST * span)
    values = _spread(values, MOST_VALUES)
    # (points, values): how far each point of the axis is from each piece
    steps = (axis[:, None] - values[None, :]) / bandwidth
    density = np.exp(-0.5 * steps**2).sum(axis=1)
    heights = HEIGHT * (1 - 0.96 * density / density.max())
    places = WIDTH * (axis - axis[0]) / span
    points = (f"{x:.1f} {y:.1f}" for x, y in zip(places, heights, strict=True))
    return "M" + "L".join(points)


def _draw_marks(values: NDArray[np.float64], axis: NDArray[np.float64]) -> str:
    """Return a short stroke for each sample; of many, as many as can be seen, evenly spread."""
    places = WIDTH * (_spread(values, MOST_MARKS) - axis[0]) / (axis[-1] - axis[0])
    return "".join(f"M{x:.1f} 1v6" for x in places)


def _spread(values: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    """Return at most so many values, evenly spread."""
    count = min(len(values), most)
    return values[np.arange(count) * len(values) // count]


def _label_axis(value: float) -> str:
    """Return an end of an axis with as many digits as are worth reading."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
