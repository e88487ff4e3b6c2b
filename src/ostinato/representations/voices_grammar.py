"""Grammar of interleaved voices."""

import numpy as np
from numpy.typing import NDArray

from ostinato.representations.base import Tokens
from ostinato.representations.monophonic import REST, LineGrammar, rotate_to_turn


class VoicesGrammar(LineGrammar):
    """Follows interleaved voices; positions count over `position_steps` and hold what sounds."""

    def __init__(
        self,
        batch: int,
        voices: int,
        bar_steps: int,
        steps_per_quarter: int,
        end: bool,
        position_steps: int,
    ) -> None:
        super().__init__(batch, voices, bar_steps, steps_per_quarter, hold=True, end=end)
        self.position_steps = position_steps

    def positions(self) -> NDArray[np.int64]:
        """Return positions as those of `Voices`: (batch, features)."""
        voice_index = self.count % self.lines
        step = self.count // self.lines % self.position_steps
        sounding = rotate_to_turn(self.sounding_pitches(), voice_index)
        return np.concatenate([np.stack([voice_index, step], axis=1), sounding], axis=1)

    def sounding_pitches(self) -> Tokens:
        """Return what sounds in each voice, a pitch or `REST`: (batch, voices)."""
        return np.where(self.sounding, self.pitch, REST)
