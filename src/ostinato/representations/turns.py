"""What may come next in interleaved voices, which take turns."""

import numpy as np
from numpy.typing import NDArray

from ostinato.representations.base import Tokens
from ostinato.representations.monophonic import REST, LineGrammar, rotate_to_turn
from ostinato.representations.past import Past


class VoicesGrammar(LineGrammar):
    """A grammar of lines whose positions also say what sounds, and what there was."""

    def __init__(
        self,
        batch: int,
        voices: int,
        bar_steps: int,
        steps_per_quarter: int,
        end: bool,
        position_steps: int,
        past: Past | None,
    ) -> None:
        super().__init__(batch, voices, bar_steps, steps_per_quarter, hold=True, end=end)
        self.position_steps, self.past = position_steps, past
        self.before = np.full((batch, voices), REST)
        self.said = np.full((batch, voices), REST)

    def positions(self) -> NDArray[np.int64]:
        """As those of `Voices`: (batch, features)."""
        turn = self.count % self.lines
        step = self.count // self.lines % self.position_steps
        features = [np.stack([turn, step], axis=1), rotate_to_turn(self._now(), turn)]
        if self.past is not None:
            told = self.past.features(self.past.told(), turn)
            features += [rotate_to_turn(self.before, turn), *told]
        return np.concatenate(features, axis=1)

    def advance(self, tokens: Tokens) -> None:
        self.said[self.rows, self.count % self.lines] = tokens
        super().advance(tokens)
        if self.past is None:
            return
        done = self.count % self.lines == 0
        self.before[done] = self._now()[done]
        heard_now = np.flatnonzero(done & (self.count > 0))
        self.past.hear(self.said[heard_now], self.before[heard_now], heard_now)
        self.past.forget(np.flatnonzero(self.count == 0))

    def _now(self) -> Tokens:
        return np.where(self.sounding, self.pitch, REST)
