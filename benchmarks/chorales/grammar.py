"""What may come next in interleaved voices, with positions that hold a history."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chorales.history import HistoryFeatures
from ostinato.representations.base import Tokens
from ostinato.representations.monophonic import REST, rotate_to_turn
from ostinato.representations.voices_grammar import VoicesGrammar


class HistoryVoicesGrammar(VoicesGrammar):
    """Follows interleaved voices as `VoicesGrammar`, and what `HistoryFeatures` needs of them."""

    def __init__(self, *grammar: Any, history: HistoryFeatures) -> None:
        super().__init__(*grammar)
        self.history = history
        shape = self.pitch.shape
        self.previous = np.full(shape, REST)  # what sounded at the end of the previous time step
        self.tokens = np.full(shape, REST)  # the last token of each voice

    def positions(self) -> NDArray[np.int64]:
        """Return positions as those of `HistoryVoices`: (batch, features)."""
        voice_index = self.count % self.lines
        history = self.history.rotate_to_turn(self.history.features(), voice_index)
        previous = rotate_to_turn(self.previous, voice_index)
        return np.concatenate([super().positions(), previous, *history], axis=1)

    def advance(self, tokens: Tokens) -> None:
        self.tokens[self.rows, self.count % self.lines] = tokens
        super().advance(tokens)
        complete = self.count % self.lines == 0
        self.previous[complete] = self.sounding_pitches()[complete]
        # the end token completes no time step: it begins a new piece
        rows = np.flatnonzero(complete & (self.count > 0))
        self.history.update(self.tokens[rows], self.previous[rows], rows)
        self.history.reset(np.flatnonzero(self.count == 0))
