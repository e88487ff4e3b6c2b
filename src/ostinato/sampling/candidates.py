"""Candidates: several pieces are drawn for each that is asked for, and the best of them is kept."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def choose(cost: NDArray[np.float64], ended: NDArray[np.bool_], pieces: int) -> list[int]:
    """Return which candidate stands for each piece, as places in both arrays.

    cost, ended: (candidates * pieces,), what speaks against each candidate, nan where it has no
    notes, and whether it ended by itself; candidates i, i + pieces, … are those of piece i. One
    that ended comes before one that did not, one with notes before one without; of these the one
    of the least cost is kept.
    """
    finite = np.nan_to_num(cost, nan=np.inf)
    return [_best(range(i, len(ended), pieces), ended, finite) for i in range(pieces)]


def typicality_cost(
    nats_per_note: NDArray[np.float64], ended: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return how far each candidate is from the median of all that ended: (candidates,).

    The nearest is neither the most likely one, which repeats itself, nor the least likely, which
    has gone astray. As typical sampling does with tokens (Meister et al., TACL 2023).
    """
    counted = ended & np.isfinite(nats_per_note)
    typical = _median(nats_per_note[counted if counted.any() else np.isfinite(nats_per_note)])
    distance: NDArray[np.float64] = np.abs(nats_per_note - typical)
    return distance


def _best(places: Sequence[int], ended: NDArray[np.bool_], distance: NDArray[np.float64]) -> int:
    return min(places, key=lambda at: (not ended[at], distance[at]))


def _median(values: NDArray[np.float64]) -> float:
    return float(np.median(values)) if len(values) else 0.0
