"""How much of each pitch class was heard: what there is to know of the key."""

import numpy as np
from numpy.typing import NDArray

from ostinato.representations.base import Tokens
from ostinato.representations.monophonic import REST

CLASSES = 12
LEVELS = 256  # into which the share of a pitch class is divided


class Hearing:
    """The share of each pitch class in what sounded, the last steps counting most.

    For each of `lives` the weight of a step halves after so many steps: a key profile that follows
    the music, as of Krumhansl and Schmuckler (1990).
    """

    def __init__(self, batch: int, lives: tuple[float, ...]) -> None:
        self.lives = lives
        self.decay = 0.5 ** (1 / np.array(lives, np.float64))[:, None]
        self.heard = np.zeros((batch, len(lives), CLASSES))
        self.weight = np.zeros((batch, len(lives), 1))

    def hear(self, pitches: Tokens, rows: NDArray[np.int64]) -> None:
        """A step of the sequences numbered `rows`; pitches: (heard, voices), 128 in silence."""
        each = np.where(pitches < REST, pitches % CLASSES, CLASSES)[..., None]
        share = (each == np.arange(CLASSES)).mean(axis=1)[:, None]
        self.heard[rows] = self.heard[rows] * self.decay + share * (1 - self.decay)
        self.weight[rows] = self.weight[rows] * self.decay + (1 - self.decay)

    def forget(self, rows: NDArray[np.int64]) -> None:
        """Begin these sequences anew."""
        self.heard[rows] = self.weight[rows] = 0

    def levels(self) -> NDArray[np.int64]:
        """Shares from 0 to 255, a pitch class after the other for each life: (batch, features)."""
        share = self.heard / np.maximum(self.weight, 1e-12)
        return np.rint(share * (LEVELS - 1)).astype(np.int64).reshape(len(share), -1)
