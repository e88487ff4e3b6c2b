"""What interleaved voices know of the steps before: what was heard, and what is recalled."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.representations.base import Tokens
from ostinato.representations.hearing import Hearing
from ostinato.representations.monophonic import rotate_to_turn
from ostinato.representations.recalling import Recall


class Past:
    """What positions tell of the steps before, of a batch of sequences."""

    def __init__(
        self, batch: int, voices: int, history: tuple[float, ...], repeats: tuple[int, ...]
    ) -> None:
        self.voices, self.recalls = voices, bool(repeats)
        self.hearing = Hearing(batch, history)
        self.recall = Recall(batch, voices, repeats)

    def hear(self, tokens: Tokens, pitches: Tokens, rows: NDArray[np.int64]) -> None:
        """A step of the sequences numbered `rows`; tokens, pitches: (heard, voices)."""
        self.hearing.hear(pitches, rows)
        if self.recalls:
            self.recall.hear(tokens, pitches, rows)

    def forget(self, rows: NDArray[np.int64]) -> None:
        """Begin these sequences anew."""
        self.hearing.forget(rows)
        self.recall.forget(rows)

    def told(self) -> NDArray[np.int64]:
        """What is known before a step, voices in their own order: (batch, features)."""
        recalled = self.recall.told() if self.recalls else ()
        return np.concatenate([*recalled, self.hearing.levels()], axis=1)

    def features(self, told: Tokens, turn: Tokens) -> list[NDArray[Any]]:
        """What was told, (batch, features), as positions have it: of voices in turn."""
        if not self.recalls:
            return [told]
        voices = self.voices
        alone, together, lengths = (told[:, i * voices : (i + 1) * voices] for i in range(3))
        of_voices = [rotate_to_turn(part, turn) for part in (alone, lengths, together)]
        return [*of_voices, told[:, 3 * voices :]]
