"""Grammar of interleaved voices."""

import numpy as np
from numpy.typing import NDArray

from ostinato.representations.base import Tokens
from ostinato.representations.monophonic import REST, LineGrammar, rotate_to_turn
from ostinato.representations.voice_history import HistoryFollower, VoiceHistory


class VoicesGrammar(LineGrammar):
    """Follows interleaved voices, and what their positions hold."""

    of_rows = (*LineGrammar.of_rows, "tokens", "follower")

    def __init__(
        self,
        batch: int,
        voices: int,
        bar_steps: int,
        steps_per_quarter: int,
        end: bool,
        position_steps: int,
        history: VoiceHistory | None = None,
    ) -> None:
        super().__init__(batch, voices, bar_steps, steps_per_quarter, hold=True, end=end)
        self.position_steps, self.history = position_steps, history
        self.follower = HistoryFollower(history, batch, voices) if history else None
        self.tokens = np.full((batch, voices), REST)  # the last token of each voice

    def positions(self) -> NDArray[np.int64]:
        """Return positions as those of `Voices`: (batch, features)."""
        voice_index = self.count % self.lines
        steps = self.count // self.lines
        sounding = rotate_to_turn(self.sounding_pitches(), voice_index)
        features = [np.stack([voice_index, steps % self.position_steps], axis=1), sounding]
        if self.history is not None and self.follower is not None:
            features.append(self.history.phrase(steps, self.position_steps))
            of_history = self.follower.features()
            features.append(self.history.rotate_to_turn(of_history, voice_index, self.lines))
        return np.concatenate(features, axis=1)

    def advance(self, tokens: Tokens) -> None:
        self.tokens[self.rows, self.count % self.lines] = tokens
        super().advance(tokens)
        if self.follower is not None:
            # the end token completes no time step: it begins a new piece
            rows = np.flatnonzero((self.count % self.lines == 0) & (self.count > 0))
            self.follower.update(self.tokens[rows], self.sounding_pitches()[rows], rows)
            self.follower.reset(np.flatnonzero(self.count == 0))

    def sounding_pitches(self) -> Tokens:
        """Return what sounds in each voice, a pitch or `REST`: (batch, voices)."""
        return np.where(self.sounding, self.pitch, REST)
