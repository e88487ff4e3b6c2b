"""Profiles of pitch classes: the share of each in the music so far, which shows the key."""

import numpy as np
from numpy.typing import NDArray

from ostinato.representations.base import Tokens
from ostinato.representations.batched import Batched
from ostinato.representations.monophonic import REST

CLASSES = 12
LEVELS = 256  # into which the share of a pitch class is divided


class PitchClassProfile(Batched):
    """The share of each pitch class in what sounded, the last time steps counting most.

    For each of `half_lives` the weight of a time step halves after so many steps: a key profile
    that follows the music, as of Krumhansl and Schmuckler (1990).
    """

    of_rows = ("shares", "weight")

    def __init__(self, batch: int, half_lives: tuple[float, ...]) -> None:
        self.half_lives = half_lives
        self.decay = 0.5 ** (1 / np.array(half_lives, np.float64))[:, None]
        # decaying sums: of the shares of each class, and of the weights of all steps
        self.shares = np.zeros((batch, len(half_lives), CLASSES))
        self.weight = np.zeros((batch, len(half_lives), 1))

    def update(self, pitches: Tokens, rows: NDArray[np.int64]) -> None:
        """Add a time step of the sequences numbered `rows`; pitches: (rows, voices), or `REST`."""
        share = _shares(pitches)[:, None]
        self.shares[rows] = self.shares[rows] * self.decay + share * (1 - self.decay)
        self.weight[rows] = self.weight[rows] * self.decay + (1 - self.decay)

    def reset(self, rows: NDArray[np.int64]) -> None:
        """Begin the sequences numbered `rows` anew."""
        self.shares[rows] = self.weight[rows] = 0

    def features(self) -> NDArray[np.int64]:
        """Return shares from 0 to 255: (batch, half_lives * 12), a half-life after the other."""
        return _levels(self.shares, self.weight)


def find_profiles(pitches: Tokens, half_lives: tuple[float, ...]) -> NDArray[np.int64]:
    """Return what `PitchClassProfile.features` gives before each time step, and after the last.

    pitches: (steps, voices) of one piece, or `REST`. Returns (steps + 1, half_lives * 12).
    """
    decay = 0.5 ** (1 / np.array(half_lives, np.float64))[:, None]
    added = _shares(pitches)[:, None] * (1 - decay)
    shares = np.zeros((len(pitches) + 1, len(half_lives), CLASSES))
    weight = np.zeros((len(pitches) + 1, len(half_lives), 1))
    for step in range(len(pitches)):
        shares[step + 1] = shares[step] * decay + added[step]
        weight[step + 1] = weight[step] * decay + (1 - decay)
    return _levels(shares, weight)


def _shares(pitches: Tokens) -> NDArray[np.float64]:
    """Return the share of the voices (rows, voices) in each pitch class: (rows, 12)."""
    classes = np.where(pitches < REST, pitches % CLASSES, CLASSES)[..., None]
    share: NDArray[np.float64] = (classes == np.arange(CLASSES)).mean(axis=1)
    return share


def _levels(shares: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.int64]:
    share = shares / np.maximum(weight, 1e-12)
    return np.rint(share * (LEVELS - 1)).astype(np.int64).reshape(len(share), -1)
