"""What positions hold of the time steps before: pitch classes and repeats."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chorales.pitch_classes import PitchClassProfile
from chorales.repeats import RepeatMatcher
from ostinato.representations.base import Tokens
from ostinato.representations.monophonic import rotate_to_turn


class HistoryFeatures:
    """Features of the time steps before, of a batch of sequences.

    half_lives: those of `PitchClassProfile`; repeats: the lengths of `RepeatMatcher`; either may be
    empty.
    """

    def __init__(
        self, batch: int, voices: int, half_lives: tuple[float, ...], repeats: tuple[int, ...]
    ) -> None:
        self.voices = voices
        self.profile = PitchClassProfile(batch, half_lives)
        self.matcher = RepeatMatcher(batch, voices, repeats) if repeats else None

    def update(self, tokens: Tokens, pitches: Tokens, rows: NDArray[np.int64]) -> None:
        """Add a time step of the sequences numbered `rows`; tokens, pitches: (rows, voices)."""
        self.profile.update(pitches, rows)
        if self.matcher is not None:
            self.matcher.update(tokens, pitches, rows)

    def reset(self, rows: NDArray[np.int64]) -> None:
        """Begin the sequences numbered `rows` anew."""
        self.profile.reset(rows)
        if self.matcher is not None:
            self.matcher.reset(rows)

    def features(self) -> NDArray[np.int64]:
        """Return the features before a time step, (batch, features), voices in their own order."""
        matches = self.matcher.features() if self.matcher is not None else ()
        return np.concatenate([*matches, self.profile.features()], axis=1)

    def rotate_to_turn(self, features: Tokens, voice_index: Tokens) -> list[NDArray[Any]]:
        """Return `features` as positions have them: of the voice whose turn it is first.

        features: (time, features), as `features` returns them; voice_index: (time,).
        """
        if self.matcher is None:
            return [features]
        voices = self.voices
        # per voice: the token after its own run, that after the run of all, the length of its own
        match, joint, lengths = (features[:, i * voices : (i + 1) * voices] for i in range(3))
        of_voices = [rotate_to_turn(part, voice_index) for part in (match, lengths, joint)]
        # then the length of the run of all, and the pitch classes
        return [*of_voices, features[:, 3 * voices :]]
