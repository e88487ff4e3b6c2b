"""Intervals and tests of figures that vary with the seed and with the test pieces.

The share of the pieces is bootstrapped (Efron and Tibshirani, An Introduction to the Bootstrap,
1993). A bootstrap of two or three seeds would cover far too little, so that the share of the seeds
is their variance, with Student's t and the degrees of freedom of Welch and Satterthwaite. Tests are
corrected after Holm, "A simple sequentially rejective multiple test procedure" (Scandinavian
Journal of Statistics 6, 1979).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS = 5_000
AT_ONCE = 2**22  # numbers in memory
CONFIDENCE = 0.95
LEVEL = 0.05  # of a test
FEWEST_PIECES = 6  # of fewer there is no interval
RANDOM_SEED = 0  # equal figures have equal intervals


@dataclass(frozen=True)
class Figure:
    """A mean over seeds with its 95 % interval; None where there are too few seeds and pieces."""

    mean: float
    low: float | None = None
    high: float | None = None
    seeds: int = 1


@dataclass(frozen=True)
class Variance:
    """The variance of a mean, and how many degrees of freedom its estimate has."""

    value: float
    freedom: int


@dataclass(frozen=True)
class Scored:
    """Likelihoods of the same test pieces by the runs of a row.

    nats: (seeds, pieces); units: (pieces,), the notes, quarter notes or seconds of each piece.
    """

    nats: NDArray[np.float64]
    units: NDArray[np.float64]

    @property
    def by_seed(self) -> NDArray[np.float64]:
        """Return nats per unit of each run: (seeds,)."""
        return np.asarray(self.nats.sum(1) / self.units.sum())

    @property
    def per_unit(self) -> float:
        """Return the mean over runs of nats per unit."""
        return float(self.by_seed.mean())

    def only(self, pieces: NDArray[np.int64]) -> "Scored":
        """Return the same of some of the pieces."""
        return Scored(self.nats[:, pieces], self.units[pieces])


def interval_of_scores(scored: Scored) -> Figure:
    """Return nats per unit with an interval over pieces and, where there are several, seeds."""
    seeds, pieces = scored.nats.shape
    if pieces < FEWEST_PIECES:
        return Figure(scored.per_unit, seeds=seeds)
    drawn = np.concatenate([_drawn(scored, weights) for weights in _draws(pieces)])
    shares = [_of_pieces(drawn, pieces)]
    if seeds > 1:
        shares.append(of_seeds(scored.by_seed))
    return Figure(scored.per_unit, *_interval(scored.per_unit, shares), seeds)


def interval_of_values(values: Sequence[float]) -> Figure:
    """Return the mean of one value a seed, with an interval over seeds where there are several."""
    array = np.array(values, float)
    mean = float(array.mean())
    if len(array) < 2:
        return Figure(mean, seeds=len(array))
    return Figure(mean, *_interval(mean, [of_seeds(array)]), len(array))


def of_seeds(values: NDArray[np.float64]) -> Variance:
    """Return the variance of the mean of one value a seed, of which there are two or more."""
    return Variance(float(values.var(ddof=1)) / len(values), len(values) - 1)


def pool(variances: Sequence[Variance], seeds: int) -> Variance | None:
    """Return what a mean of `seeds` seeds would vary by, as other rows do; None without any.

    variances: those of other rows' single seeds, not of their means.
    """
    freedom = sum(variance.freedom for variance in variances)
    if not freedom:
        return None
    value = sum(variance.value * variance.freedom for variance in variances) / freedom
    return Variance(value / seeds, freedom)


def paired_p_value(one: Scored, other: Scored, seeds: Sequence[Variance]) -> float | None:
    """Return the two-sided p-value of equal nats per unit on the same pieces.

    Pieces are drawn for both at once; `seeds` are the shares of the seeds of each. None for fewer
    than six pieces.
    """
    from scipy.special import stdtr

    pieces = one.nats.shape[1]
    if pieces < FEWEST_PIECES:
        return None
    gaps = np.concatenate([_drawn(one, w) - _drawn(other, w) for w in _draws(pieces)])
    error, freedom = _combine([_of_pieces(gaps, pieces), *seeds])
    gap = abs(one.per_unit - other.per_unit)
    if error == 0:
        return float(gap == 0)
    return float(2 * stdtr(freedom, -gap / error))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number, in the same order."""
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, (len(p_values) - rank) * p_values[index])
        corrected[index] = min(1.0, largest)
    return corrected


def _draws(pieces: int) -> Iterator[NDArray[np.int64]]:
    """Yield how often each piece is drawn, in parts of shape (draws, pieces)."""
    random, left = np.random.default_rng(RANDOM_SEED), DRAWS
    while left:
        count = min(left, max(1, AT_ONCE // pieces))
        yield random.multinomial(pieces, [1 / pieces] * pieces, count)
        left -= count


def _drawn(scored: Scored, weights: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return nats per unit of drawn pieces, the mean over the runs: (draws,)."""
    units = np.maximum(weights @ scored.units, 1e-12)
    return np.asarray((weights @ scored.nats.mean(0)) / units)


def _of_pieces(drawn: NDArray[np.float64], pieces: int) -> Variance:
    """Return the variance by drawn pieces; a bootstrap's is too small by (n - 1) / n."""
    return Variance(float(drawn.var()) * pieces / (pieces - 1), pieces - 1)


def _combine(shares: Sequence[Variance]) -> tuple[float, float]:
    """Return the standard error of independent shares, and its degrees of freedom."""
    total = sum(share.value for share in shares)
    if total == 0:
        return 0.0, float(min(share.freedom for share in shares))
    # shares of the total: squares of small variances are zero
    return total**0.5, 1 / sum((share.value / total) ** 2 / share.freedom for share in shares)


def _interval(mean: float, shares: Sequence[Variance]) -> tuple[float, float]:
    from scipy.special import stdtrit

    error, freedom = _combine(shares)
    reach = float(stdtrit(freedom, 0.5 + CONFIDENCE / 2)) * error
    return mean - reach, mean + reach
