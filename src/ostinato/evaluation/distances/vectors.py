"""Sets of pieces as vectors: of the registered piece metrics, and of intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True)
class PieceVectors:
    """Features by which a set of pieces is compared.

    measured: for each piece, its metrics by name; one that is undefined is not there.
    intervals: (pieces, features), as `intervals.count_intervals` gives them.
    """

    measured: Sequence[Mapping[str, float]]
    intervals: Values

    def __len__(self) -> int:
        return len(self.measured)


@dataclass(frozen=True)
class ComparedSets:
    """A set of pieces beside real ones, both standardised by the real ones.

    ours, real: metrics (pieces, metrics), NaN where one is undefined; each has mean 0 and standard
    deviation 1 over the real pieces. our_intervals, real_intervals: (pieces, features).
    left_out: metrics that are not compared, as most real pieces have no value or all have the same.
    undefined: how many values of both sets are missing among those that are compared.
    """

    names: list[str]
    ours: Values
    real: Values
    our_intervals: Values
    real_intervals: Values
    left_out: list[str] = field(default_factory=list)
    undefined: int = 0

    @property
    def count(self) -> int:
        """Return the number of our pieces."""
        return len(self.ours)


def standardise(ours: PieceVectors, real: PieceVectors) -> ComparedSets:
    """Return two sets as vectors that are standardised by the real one."""
    everything = list(dict.fromkeys(name for piece in real.measured for name in piece))
    columns = {name: _column(real.measured, name) for name in everything}
    names = [name for name, values in columns.items() if _is_spread(values)]
    means = {name: np.nanmean(columns[name]) for name in names}
    deviations = {name: np.nanstd(columns[name]) for name in names}

    def scale(measured: Sequence[Mapping[str, float]]) -> Values:
        scaled = [(_column(measured, n) - means[n]) / deviations[n] for n in names]
        return np.stack(scaled, axis=1) if scaled else np.zeros((len(measured), 0))

    both = scale(ours.measured), scale(real.measured)
    return ComparedSets(
        names,
        *both,
        ours.intervals,
        real.intervals,
        [name for name in everything if name not in names],
        int(sum(np.isnan(values).sum() for values in both)),
    )


def _column(measured: Sequence[Mapping[str, float]], name: str) -> Values:
    return np.array([piece.get(name, np.nan) for piece in measured], float)


def _is_spread(values: Values) -> bool:
    """Return whether most pieces have a value, and not all the same."""
    defined = values[~np.isnan(values)]
    if 2 * len(defined) < len(values) or len(defined) < 2:
        return False
    return float(defined.std()) > 1e-9 * max(1.0, float(np.abs(defined).max()))
