"""Repeats: the tokens that followed when the last time steps occurred before."""

import numpy as np
from numpy.typing import NDArray

from ostinato.representations.base import Tokens
from ostinato.representations.batched import Batched
from ostinato.representations.monophonic import HOLD, REST


class RepeatMatcher(Batched):
    """Finds where the piece so far went as it went just now, and returns how it went on there.

    For each voice by itself, and for all of them together: the longest run of last steps that
    occurred before (of several as long the latest counts), which token followed it, and the level
    of its length: 0 where it is shorter than the first of `lengths`, 1 from there up to the second,
    and so on.

    As the short-term model of Conklin & Witten (Multiple viewpoint systems for music prediction,
    1995) and the factor oracle of Assayag & Dubnov (Using factor oracles for machine improvisation,
    2004), for one step at a time. A step takes time in proportion to those before it.
    """

    of_rows = ("steps", "tokens", "state", "common")

    def __init__(self, batch: int, voices: int, lengths: tuple[int, ...]) -> None:
        self.voices, self.lengths = voices, lengths
        self.steps = np.zeros(batch, np.int64)
        self.tokens = np.full((batch, 64, voices), REST)
        self.state = np.full((batch, 64, voices), -1)  # what sounds, and whether it begins
        # common[:, t, v]: how many steps before step t are as the last ones of all, in voice v;
        # the last column is for all voices together
        self.common = np.zeros((batch, 64, voices + 1), np.int64)

    def update(self, tokens: Tokens, pitches: Tokens, rows: NDArray[np.int64]) -> None:
        """Add a time step of the sequences numbered `rows`.

        tokens: (rows, voices), those of the step; pitches: (rows, voices), what sounds, or `REST`.
        """
        current = self.steps[rows]
        last = int(current.max(initial=0))
        self._make_room(last)
        state = _note_states(tokens, pitches)
        equal = self.state[rows, :last] == state[:, None]
        equal = np.concatenate([equal, equal.all(axis=2, keepdims=True)], axis=2)
        # a run that ended before step t ends, one longer, before step t + 1 where step t is equal
        self.common[rows, 1 : last + 1] = np.where(equal, self.common[rows, :last] + 1, 0)
        self.tokens[rows, current], self.state[rows, current] = tokens, state
        self.steps[rows] += 1

    def reset(self, rows: NDArray[np.int64]) -> None:
        """Begin the sequences numbered `rows` anew."""
        self.steps[rows] = self.common[rows] = 0
        self.state[rows] = -1

    def features(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return what followed, (batch, 2 * voices), and levels of length, (batch, voices + 1).

        What followed are tokens: of each voice after its own longest run, then of each voice after
        the longest run of all together; 128 where no run is long enough.
        """
        common = self.common[:, : max(1, int(self.steps.max(initial=0)))]
        # argmax finds the first of equals: reversed in time, that is the latest
        latest = common.shape[1] - 1 - common[:, ::-1].argmax(axis=1)  # (batch, voices + 1)
        length = np.take_along_axis(common, latest[:, None], axis=1)[:, 0]
        level = np.searchsorted(self.lengths, length, side="right")
        run, voice = _columns(self.voices)
        followed = self.tokens[np.arange(len(common))[:, None], latest[:, run], voice]
        return np.where(level[:, run] > 0, followed, REST), level

    def _make_room(self, steps: int) -> None:
        """Double the arrays where they hold `steps` steps and no more."""
        size = self.tokens.shape[1]
        if steps == size:
            more = ((0, 0), (0, size), (0, 0))
            self.tokens = np.pad(self.tokens, more, constant_values=REST)
            self.state = np.pad(self.state, more, constant_values=-1)
            self.common = np.pad(self.common, more)


def find_repeats(
    tokens: Tokens, pitches: Tokens, lengths: tuple[int, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return what `RepeatMatcher.features` gives before each time step, and after the last.

    tokens, pitches: (steps, voices) of one piece. Returns (steps + 1, 2 * voices) and
    (steps + 1, voices + 1). It takes time in proportion to the square of the steps.
    """
    steps, voices = tokens.shape
    state = _note_states(tokens, pitches).T.copy()  # (voices, steps)
    # common[v, t]: how many steps before step t are as the last ones, in voice v; the last row is
    # for all voices together
    common = np.zeros((voices + 1, steps + 1), np.int64)
    latest, length = np.zeros((2, steps + 1, voices + 1), np.int64)
    equal = np.zeros((voices + 1, steps), np.bool_)
    for last in range(steps):
        np.equal(state[:, :last], state[:, last : last + 1], out=equal[:-1, :last])
        np.all(equal[:-1, :last], axis=0, out=equal[-1, :last])
        common[:, 1 : last + 1] = (common[:, :last] + 1) * equal[:, :last]
        # argmax finds the first of equals: reversed in time, that is the latest
        known = common[:, last::-1]
        back = known.argmax(axis=1)
        latest[last + 1] = last - back
        length[last + 1] = known[np.arange(voices + 1), back]
    level = np.searchsorted(lengths, length, side="right")
    run, voice = _columns(voices)
    followed = tokens[latest[:, run], voice] if steps else latest[:, run]
    return np.where(level[:, run] > 0, followed, REST), level


def _note_states(tokens: Tokens, pitches: Tokens) -> NDArray[np.int64]:
    """Return what sounds and whether it begins, as one number: in the shape of the tokens.

    A note that begins and one that is held are not the same, whatever their pitch.
    """
    state: NDArray[np.int64] = 2 * pitches.astype(np.int64)
    state += (tokens != HOLD) & (pitches != REST)
    return state


def _columns(voices: int) -> tuple[list[int], list[int]]:
    """Return which run each of the 2 * voices tokens follows, and of which voice it is."""
    return [*range(voices), *[voices] * voices], [*range(voices), *range(voices)]
