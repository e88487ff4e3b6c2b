"""Intervals and tests of figures that vary with the seed and with the test pieces.

Efron and Tibshirani, An Introduction to the Bootstrap (1993); Holm, "A simple sequentially
rejective multiple test procedure" (Scandinavian Journal of Statistics 6, 1979).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS = 10_000
AT_ONCE = 2**22  # numbers in memory
CONFIDENCE = 95  # per cent
LEVEL = 0.05  # of a test
FEWEST_PIECES = 6  # of fewer there is no interval
RANDOM_SEED = 0  # equal figures have equal intervals


@dataclass(frozen=True)
class Figure:
    """A mean over runs with its 95 % interval; None where there are too few seeds and pieces."""

    mean: float
    low: float | None = None
    high: float | None = None
    seeds: int = 1


@dataclass(frozen=True)
class Scored:
    """What a row of runs makes of the same test pieces.

    nats: (seeds, pieces); units: (pieces,) or (seeds, pieces), the notes, quarter notes or seconds
    of each piece.
    """

    nats: NDArray[np.float64]
    units: NDArray[np.float64]

    @property
    def per_unit(self) -> float:
        """Return the mean over seeds of all nats by all units."""
        units = np.broadcast_to(self.units, self.nats.shape).sum(1)
        return float((self.nats.sum(1) / units).mean())

    def only(self, pieces: NDArray[np.int64]) -> "Scored":
        """Return the same of some of the pieces."""
        return Scored(self.nats[:, pieces], self.units[..., pieces])


def interval_of_scores(scored: Scored) -> Figure:
    """Return nats per unit with an interval over seeds and pieces, both drawn with replacement.

    With one seed only the pieces are drawn.
    """
    seeds, pieces = scored.nats.shape
    if pieces < FEWEST_PIECES:
        return Figure(scored.per_unit, seeds=seeds)
    values = np.concatenate([_drawn(scored, weights, random) for weights, random in _draws(pieces)])
    return Figure(scored.per_unit, *_interval(values), seeds)


def interval_of_values(values: Sequence[float]) -> Figure:
    """Return the mean of one value a seed, with an interval over seeds where there are several."""
    array = np.array(values, float)
    if len(array) < 2:
        return Figure(float(array.mean()), seeds=len(array))
    random = np.random.default_rng(RANDOM_SEED)
    means = array[random.integers(0, len(array), (DRAWS, len(array)))].mean(1)
    return Figure(float(array.mean()), *_interval(means), len(array))


def paired_p_value(one: Scored, other: Scored) -> float | None:
    """Return the two-sided p-value of equal nats per unit on the same pieces.

    A paired bootstrap: pieces are drawn for both at once, seeds for each by itself. None for
    fewer than six pieces.
    """
    pieces = one.nats.shape[1]
    if pieces < FEWEST_PIECES:
        return None
    gaps = np.concatenate(
        [
            _drawn(one, weights, random) - _drawn(other, weights, random)
            for weights, random in _draws(pieces)
        ]
    )
    below, above = int((gaps <= 0).sum()), int((gaps >= 0).sum())
    # the sample itself counts as a draw, so that no p-value is 0 (Davison and Hinkley, 1997)
    return min(1.0, 2 * (min(below, above) + 1) / (len(gaps) + 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number, in the same order."""
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, (len(p_values) - rank) * p_values[index])
        corrected[index] = min(1.0, largest)
    return corrected


def _draws(pieces: int) -> Iterator[tuple[NDArray[np.int64], np.random.Generator]]:
    """Yield how often each piece is drawn, in parts of shape (draws, pieces)."""
    random, left = np.random.default_rng(RANDOM_SEED), DRAWS
    while left:
        count = min(left, max(1, AT_ONCE // pieces))
        yield random.multinomial(pieces, [1 / pieces] * pieces, count), random
        left -= count


def _drawn(
    scored: Scored, weights: NDArray[np.int64], random: np.random.Generator
) -> NDArray[np.float64]:
    """Return nats per unit of drawn pieces and freshly drawn seeds: (draws,)."""
    seeds = len(scored.nats)
    units = np.broadcast_to(scored.units, scored.nats.shape)
    # of each draw and seed: (draws, seeds)
    per_unit = (weights @ scored.nats.T) / np.maximum(weights @ units.T, 1e-12)
    if seeds == 1:
        return np.asarray(per_unit[:, 0])
    times = random.multinomial(seeds, [1 / seeds] * seeds, len(weights))
    return np.asarray((per_unit * times).sum(1) / seeds)


def _interval(values: NDArray[np.float64]) -> tuple[float, float]:
    outside = (100 - CONFIDENCE) / 2
    low, high = np.percentile(values, [outside, 100 - outside])
    return float(low), float(high)
