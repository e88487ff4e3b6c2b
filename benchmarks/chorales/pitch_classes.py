"""How much of each pitch class sounded of late: what there is to know of the key."""

import numpy as np
from numpy.typing import NDArray

from ostinato.representations.base import Tokens
from ostinato.representations.monophonic import REST

CLASSES = 12
LEVELS = 256  # into which the share of a pitch class is divided


class PitchClassProfile:
    """The share of each pitch class in what sounded, the last time steps counting most.

    For each of `half_lives` the weight of a time step halves after so many steps: a key profile
    that follows the music, as of Krumhansl and Schmuckler (1990).
    """

    def __init__(self, batch: int, half_lives: tuple[float, ...]) -> None:
        self.half_lives = half_lives
        self.decay = 0.5 ** (1 / np.array(half_lives, np.float64))[:, None]
        # decaying sums: of the shares of each class, and of the weights of all steps
        self.shares = np.zeros((batch, len(half_lives), CLASSES))
        self.weight = np.zeros((batch, len(half_lives), 1))

    def update(self, pitches: Tokens, rows: NDArray[np.int64]) -> None:
        """Add a time step of the sequences numbered `rows`; pitches: (rows, voices), or `REST`."""
        classes = np.where(pitches < REST, pitches % CLASSES, CLASSES)[..., None]
        share = (classes == np.arange(CLASSES)).mean(axis=1)[:, None]
        self.shares[rows] = self.shares[rows] * self.decay + share * (1 - self.decay)
        self.weight[rows] = self.weight[rows] * self.decay + (1 - self.decay)

    def reset(self, rows: NDArray[np.int64]) -> None:
        """Begin the sequences numbered `rows` anew."""
        self.shares[rows] = self.weight[rows] = 0

    def features(self) -> NDArray[np.int64]:
        """Return shares from 0 to 255: (batch, half_lives * 12), a half-life after the other."""
        share = self.shares / np.maximum(self.weight, 1e-12)
        return np.rint(share * (LEVELS - 1)).astype(np.int64).reshape(len(share), -1)
