"""Pictures of a sweep: parallel coordinates, and the score along each value that is swept over."""

import logging
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ostinato.files import atomic_file
from ostinato.sweeps.jobs import FINISHED
from ostinato.sweeps.results import Row, name_varied

COORDINATES, SLICES = "parallel_coordinates.png", "slices.png"
FEWEST = 2  # jobs
WIDE = 50  # numbers that differ by more than this factor are shown on a logarithmic axis
WIDTH, HEIGHT = 3.2, 4.8  # inches: of a value, of a picture
NARROWEST = 6.4
DPI = 120


def draw_sweep(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Draw the finished jobs of a sweep by Optuna's plots; returns the pictures.

    None are drawn of fewer than two jobs, or of jobs that differ in no value.
    """
    points = _points(rows)
    keys = list(points[0][0]) if points else []
    if len(points) < FEWEST or not keys:
        return []
    import matplotlib as mpl

    mpl.use("Agg")
    import optuna
    from matplotlib import pyplot
    from optuna.visualization.matplotlib import plot_parallel_coordinate, plot_slice

    for noisy in ("optuna", "matplotlib.font_manager"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    study = _study(points)
    pictures = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        warnings.simplefilter("ignore", UserWarning)
        for name, draw in ((COORDINATES, plot_parallel_coordinate), (SLICES, plot_slice)):
            draw(study, params=keys, target_name="score")
            figure = pyplot.gcf()
            figure.set_size_inches(max(NARROWEST, WIDTH * len(keys)), HEIGHT)
            with atomic_file(folder / name, within=folder) as part:
                figure.savefig(part, dpi=DPI, bbox_inches="tight", format="png")
            pyplot.close(figure)
            pictures.append(folder / name)
    return pictures


def _points(rows: Sequence[Row]) -> list[tuple[dict[str, str], float]]:
    """Return the values of each finished job by key, those that all of them have, and its score."""
    kept = [row for row in rows if row["state"] == FINISHED and row["score"] is not None]
    values = [
        dict(word.split("=", 1) for word in varied.split(" ") if "=" in word)
        for varied in name_varied(kept)
    ]
    keys = [key for key in values[0] if all(key in own for own in values)] if values else []
    return [
        ({key: own[key] for key in keys}, float(row["score"]))
        for own, row in zip(values, kept, strict=True)
    ]


def _study(points: Sequence[tuple[Mapping[str, str], float]]) -> Any:
    import optuna

    study = optuna.create_study(direction="minimize")
    axes = {key: _axis([own[key] for own, _ in points]) for key in points[0][0]}
    for own, score in points:
        params = {
            key: float(value) if _is_number(axes[key]) else value for key, value in own.items()
        }
        trial = optuna.trial.create_trial(params=params, distributions=axes, value=score)
        study.add_trial(trial)
    return study


def _axis(values: Sequence[str]) -> Any:
    """Return the axis of values: of numbers where all are, of words otherwise."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    try:
        numbers = [float(value) for value in values]
    except ValueError:
        return CategoricalDistribution(list(dict.fromkeys(values)))
    low, high = min(numbers), max(numbers)
    return FloatDistribution(low, high, log=low > 0 and high / low > WIDE)


def _is_number(axis: Any) -> bool:
    from optuna.distributions import FloatDistribution

    return isinstance(axis, FloatDistribution)
