"""Candidates: several pieces are drawn for each that is asked for, and the most typical is kept."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def choose_typical(
    nats_per_note: NDArray[np.float64], ended: NDArray[np.bool_], pieces: int
) -> list[int]:
    """Return which candidate stands for each piece, as places in both arrays.

    nats_per_note, ended: (candidates * pieces,), what the model gives each candidate, nan where it
    has no notes, and whether it ended by itself; candidates i, i + pieces, … are those of piece i.
    One that ended comes before one that did not, one with notes before one without; of these the
    one nearest to the median of all is kept: neither the most likely, which repeats itself, nor the
    least, which has gone astray. As typical sampling does with tokens (Meister et al., TACL 2023).
    """
    counted = ended & np.isfinite(nats_per_note)
    typical = _median(nats_per_note[counted if counted.any() else np.isfinite(nats_per_note)])
    distance = np.nan_to_num(np.abs(nats_per_note - typical), nan=np.inf)
    return [_best(range(i, len(ended), pieces), ended, distance) for i in range(pieces)]


def _best(places: Sequence[int], ended: NDArray[np.bool_], distance: NDArray[np.float64]) -> int:
    return min(places, key=lambda at: (not ended[at], distance[at]))


def _median(values: NDArray[np.float64]) -> float:
    return float(np.median(values)) if len(values) else 0.0
