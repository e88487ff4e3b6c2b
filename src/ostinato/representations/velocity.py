"""Velocities in bins of (nearly) equal width, for the vocabularies that hold them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.music.piece import LOUDNESS

VELOCITIES = 128


def encode_velocities(velocities: NDArray[Any], bins: int) -> NDArray[np.int64]:
    """Return the bin of each velocity, 0 the softest."""
    numbers: NDArray[np.int64] = velocities.astype(np.int64) * bins // VELOCITIES
    return numbers


def decode_velocities(numbers: NDArray[np.int64], bins: int) -> NDArray[np.int64]:
    """Return the velocity in force at each token, the middle of its bin: (time,).

    numbers: (time,) the bin that a token names, or -1. Before the first, and without bins, it is
    the usual loudness.
    """
    if not bins:
        return np.full(len(numbers), LOUDNESS)
    edges = -(-np.arange(bins + 1) * VELOCITIES // bins)
    middles = np.maximum((edges[:-1] + edges[1:] - 1) // 2, 1)
    has_number = numbers >= 0
    latest = np.append(LOUDNESS * bins // VELOCITIES, numbers[has_number])
    velocities: NDArray[np.int64] = middles[latest][np.cumsum(has_number)]
    return velocities
