"""Distances between two sets of pieces: what each is, and whether it can be trusted."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ostinato.evaluation.distances.densities import pair_densities
from ostinato.evaluation.distances.vectors import ComparedSets, Values

BALANCED = 20  # draws of as many real pieces as there are of ours
SMALLEST = 1e-9  # a density, so that a divergence is finite

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Distance:
    """A distance between our pieces and real ones.

    compute: takes the sets, which of our pieces to use, and a generator of random numbers.
    higher: whether more is nearer to real music. bounds: the lowest and the highest value.
    of_intervals: whether it is of intervals, and not of the piece metrics.
    headline: whether every control of `benchmarks/controls.py` ranks below real music by it.
    """

    name: str
    description: str
    source: str
    compute: Callable[[ComparedSets, Rows, np.random.Generator], float]
    higher: bool
    bounds: tuple[float, float]
    headline: bool
    of_intervals: bool = False


def distance_overlap(sets: ComparedSets, rows: Rows, random: np.random.Generator) -> float:
    """Return how much distances within real music overlap with those from ours to it, 0 to 1.

    By each metric, and then their mean; NaN without metrics.
    """
    del random
    p, q = pair_densities(sets.ours[rows], sets.real)
    return float(np.minimum(p, q).sum(axis=1).mean()) if len(p) else float("nan")


def distance_divergence(sets: ComparedSets, rows: Rows, random: np.random.Generator) -> float:
    """Return the Kullback-Leibler divergence of distances within real music from those to ours.

    In nats; by each metric, and then their mean; NaN without metrics. Densities below `SMALLEST`
    count as that.
    """
    del random
    p, q = (np.maximum(density, SMALLEST) for density in pair_densities(sets.ours[rows], sets.real))
    p, q = (density / density.sum(axis=1, keepdims=True) for density in (p, q))
    return float((p * np.log(p / q)).sum(axis=1).mean()) if len(p) else float("nan")


def frechet(sets: ComparedSets, rows: Rows, random: np.random.Generator) -> float:
    """Return the Fréchet distance of the piece metrics, each in standard deviations, squared."""
    del random
    return frechet_distance(np.nan_to_num(sets.ours[rows]), np.nan_to_num(sets.real))


def interval_frechet(sets: ComparedSets, rows: Rows, random: np.random.Generator) -> float:
    """Return the Fréchet distance of the shares of intervals."""
    del random
    return frechet_distance(sets.our_intervals[rows], sets.real_intervals)


def frechet_distance(ours: Values, real: Values) -> float:
    """Return the squared Fréchet distance of two normal distributions, by two sets of vectors.

    ours, real: (pieces, features). |m - n|^2 + tr(C + D - 2 (C D)^1/2), of means m, n and
    covariances C, D.
    """
    means = ours.mean(0), real.mean(0)
    covariances = [
        (values - mean).T @ (values - mean) / max(1, len(values) - 1)
        for values, mean in zip((ours, real), means, strict=True)
    ]
    # C D has the eigenvalues of D^1/2 C D^1/2, which is symmetric
    eigenvalues, vectors = np.linalg.eigh(covariances[1])
    root = (vectors * np.sqrt(np.maximum(eigenvalues, 0))) @ vectors.T
    product = np.linalg.eigvalsh(root @ covariances[0] @ root)
    traces = float(np.trace(covariances[0]) + np.trace(covariances[1]))
    gap = float(((means[0] - means[1]) ** 2).sum())
    return max(0.0, gap + traces - 2 * float(np.sqrt(np.maximum(product, 0)).sum()))


def nearest_neighbour(sets: ComparedSets, rows: Rows, random: np.random.Generator) -> float:
    """Return how often a piece's nearest neighbour, by the metrics, is of its own set."""
    ours, real = (np.nan_to_num(values) for values in (sets.ours, sets.real))
    return nearest_neighbour_accuracy(ours, real, rows, random)


def interval_nearest_neighbour(
    sets: ComparedSets, rows: Rows, random: np.random.Generator
) -> float:
    """Return how often a piece's nearest neighbour, by its intervals, is of its own set."""
    return nearest_neighbour_accuracy(sets.our_intervals, sets.real_intervals, rows, random)


def nearest_neighbour_accuracy(
    ours: Values, real: Values, rows: Rows, random: np.random.Generator
) -> float:
    """Return the leave-one-out accuracy of a classifier that tells the sets by the nearest piece.

    ours, real: (pieces, features); rows: which of ours, some perhaps repeatedly. Of the larger set
    as many are drawn as the smaller has, `BALANCED` times, and the mean is returned. A piece is no
    neighbour of itself, not of its repetitions in `rows` either. Among equally near ones all count.
    """
    size = min(len(rows), len(real))
    labels = np.repeat([0, 1], size)
    found = []
    for _ in range(1 if size == len(rows) == len(real) else BALANCED):
        mine = random.choice(rows, size, replace=False)
        theirs = random.choice(len(real), size, replace=False)
        points = np.concatenate([ours[mine], real[theirs]])
        numbers = np.concatenate([mine, len(ours) + theirs])
        gaps = _squared_distances(points)
        gaps[numbers[:, None] == numbers[None, :]] = np.inf
        nearest = gaps <= gaps.min(axis=1, keepdims=True) + 1e-9
        nearest &= np.isfinite(gaps)
        same = nearest & (labels[:, None] == labels[None, :])
        counts = nearest.sum(axis=1)
        found.append(float((same.sum(axis=1)[counts > 0] / counts[counts > 0]).mean()))
    return float(np.mean(found))


def _squared_distances(points: Values) -> Values:
    """Return the squared distances between all points (n, features): (n, n)."""
    lengths = (points**2).sum(axis=1)
    squares: Values = lengths[:, None] + lengths[None, :] - 2 * points @ points.T
    return np.maximum(squares, 0)


YANG = "Yang and Lerch, On the evaluation of generative models in music (2020)"
HEUSEL = "Heusel et al., GANs trained by a two time-scale update rule (NeurIPS 2017)"
LOPEZ = "Lopez-Paz and Oquab, Revisiting classifier two-sample tests (ICLR 2017)"
DISTANCES = (
    Distance(
        "distance_overlap",
        "area that distances within real music and from samples to it share, mean over metrics",
        YANG,
        distance_overlap,
        higher=True,
        bounds=(0.0, 1.0),
        headline=True,
    ),
    Distance(
        "distance_divergence",
        "Kullback-Leibler divergence of the same two distributions, nats, mean over metrics",
        YANG,
        distance_divergence,
        higher=False,
        bounds=(0.0, np.inf),
        headline=True,
    ),
    Distance(
        "frechet",
        "squared Fréchet distance of the piece metrics, in standard deviations of real music",
        HEUSEL,
        frechet,
        higher=False,
        bounds=(0.0, np.inf),
        headline=False,
    ),
    Distance(
        "nearest_neighbour",
        "how often the nearest piece by the metrics is of the same set; 0.5: cannot be told apart",
        LOPEZ,
        nearest_neighbour,
        higher=False,
        bounds=(0.0, 1.0),
        headline=True,
    ),
    Distance(
        "interval_frechet",
        "squared Fréchet distance of the shares of melodic and harmonic intervals",
        HEUSEL,
        interval_frechet,
        higher=False,
        bounds=(0.0, np.inf),
        headline=False,
        of_intervals=True,
    ),
    Distance(
        "interval_nearest_neighbour",
        "how often the nearest piece by its intervals is of the same set; 0.5: cannot be told "
        "apart",
        LOPEZ,
        interval_nearest_neighbour,
        higher=False,
        bounds=(0.0, 1.0),
        headline=True,
        of_intervals=True,
    ),
)
HEADLINES = tuple(distance.name for distance in DISTANCES if distance.headline)
