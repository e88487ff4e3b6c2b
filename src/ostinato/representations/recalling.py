"""What followed when the last steps were heard before: how pieces repeat themselves."""

import numpy as np
from numpy.typing import NDArray

from ostinato.representations.base import Tokens
from ostinato.representations.monophonic import HOLD, REST


class Recall:
    """Finds where the piece so far went as it went just now, and says how it went on there.

    For each voice by itself, and for all of them together: the longest run of last steps that was
    heard before (of several as long the latest counts), what was said after it, and how long it is:
    0 where it is shorter than the first of `lengths`, 1 from there up to the second, and so on.

    As the short-term model of Conklin & Witten (Multiple viewpoint systems for music prediction,
    1995) and the factor oracle of Assayag & Dubnov (Using factor oracles for machine improvisation,
    2004), for one step at a time. A step takes time in proportion to those before it.
    """

    def __init__(self, batch: int, voices: int, lengths: tuple[int, ...]) -> None:
        self.voices, self.lengths = voices, lengths
        self.steps = np.zeros(batch, np.int64)
        self.tokens = np.full((batch, 64, voices), REST)
        self.state = np.full((batch, 64, voices), -1)  # what sounds, and whether it begins
        # how many steps before each are like the last ones
        self.common = np.zeros((batch, 64, voices + 1), np.int64)

    def hear(self, tokens: Tokens, pitches: Tokens, rows: NDArray[np.int64]) -> None:
        """A step of the sequences numbered `rows`: (heard,).

        tokens: (heard, voices), what the voices said in it; pitches: (heard, voices), what sounds.
        """
        now = self.steps[rows]
        last = int(now.max(initial=0))
        self._make_room(last)
        state = 2 * pitches + ((tokens != HOLD) & (pitches != REST))
        like = self.state[rows, :last] == state[:, None]
        every = np.concatenate([like, like.all(axis=2, keepdims=True)], axis=2)
        self.common[rows, 1 : last + 1] = np.where(every, self.common[rows, :last] + 1, 0)
        self.tokens[rows, now], self.state[rows, now] = tokens, state
        self.steps[rows] += 1

    def forget(self, rows: NDArray[np.int64]) -> None:
        """Begin these sequences anew."""
        self.steps[rows] = self.common[rows] = 0
        self.state[rows] = -1

    def told(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """What followed, and after how much: (batch, 2 * voices) tokens, (batch, voices + 1).

        Tokens of each voice by itself, and of each as all went on together; 128 where nothing is
        recalled.
        """
        voices = self.voices
        common = self.common[:, : max(1, int(self.steps.max(initial=0)))]
        latest = common.shape[1] - 1 - common[:, ::-1].argmax(axis=1)  # (batch, voices + 1)
        length = np.take_along_axis(common, latest[:, None], axis=1)[:, 0]
        level = np.searchsorted(self.lengths, length, side="right")
        of = [*range(voices), *[voices] * voices]
        followed = self.tokens[
            np.arange(len(common))[:, None], latest[:, of], np.arange(2 * voices) % voices
        ]
        return np.where(level[:, of] > 0, followed, REST), level

    def _make_room(self, steps: int) -> None:
        size = self.tokens.shape[1]
        if steps == size:
            more = ((0, 0), (0, size), (0, 0))
            self.tokens = np.pad(self.tokens, more, constant_values=REST)
            self.state = np.pad(self.state, more, constant_values=-1)
            self.common = np.pad(self.common, more)
