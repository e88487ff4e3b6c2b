"""Features of the piece so far in positions of voices: phrases, pitch classes and repeats."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from ostinato.representations.base import Tokens
from ostinato.representations.batched import Batched
from ostinato.representations.monophonic import HOLD, REST, rotate_to_turn
from ostinato.representations.pitch_class_profile import (
    CLASSES,
    LEVELS,
    PitchClassProfile,
    find_profiles,
)
from ostinato.representations.repeats import RepeatMatcher, find_repeats


def _check_rising(lengths: tuple[int, ...]) -> tuple[int, ...]:
    if any(more <= less for less, more in pairwise(lengths)):
        raise PydanticCustomError("repeats", "each length should be more than the one before it")
    return lengths


@dataclass(frozen=True)
class VoiceHistory:
    """Settings of what positions say of the piece so far.

    With `phrases` they hold the number of the phrase, `position_bars` bars long; the last number
    stands for all later ones. With `repeats` they hold how each voice went on after the last time
    that it went as it went just now, how long it did so, and how it went on after all voices did;
    then how long those did (`RepeatMatcher`). With `half_lives` they hold how much each pitch class
    sounded (`PitchClassProfile`). Always, what sounded in each voice at the end of the previous
    time step.
    """

    phrases: Annotated[
        int, Field(ge=0, le=256, description="numbers of phrases that are told apart; 0: none")
    ]
    half_lives: Annotated[
        tuple[Annotated[float, Field(gt=0, le=65536)], ...],
        Field(max_length=8, description="half-lives, in steps, of the shares of pitch classes"),
    ]
    repeats: Annotated[
        tuple[Annotated[int, Field(ge=1, le=65536)], ...],
        Field(max_length=16, description="lengths, in steps, from which repeats are found"),
        AfterValidator(_check_rising),
    ]

    def features(self, voices: int) -> dict[str, int]:
        """Return the name of each feature, in order, and how many classes it has."""
        features = {"phrase": self.phrases} if self.phrases else {}
        features |= _of_each_voice("previous", voices, REST + 1)
        if self.repeats:
            lengths = len(self.repeats) + 1
            features |= _of_each_voice("per_voice_match", voices, HOLD + 1)
            features |= _of_each_voice("per_voice_match_length", voices, lengths)
            features |= _of_each_voice("joint_match", voices, HOLD + 1)
            features["joint_match_length"] = lengths
        for half_life in range(len(self.half_lives)):
            features |= {f"pitch_classes.{half_life}.{c}": LEVELS for c in range(CLASSES)}
        return features

    def phrase(self, steps: Tokens, position_steps: int) -> NDArray[np.int64]:
        """Return the numbers of the phrases of time steps, (time, 0 or 1)."""
        number = np.minimum(steps // position_steps, self.phrases - 1)
        return number.astype(np.int64)[:, None][:, : min(1, self.phrases)]

    def of_piece(self, tokens: Tokens, pitches: Tokens) -> NDArray[np.int64]:
        """Return the features before each time step of a piece, and after the last, but `phrase`.

        tokens, pitches: (steps, voices), what sounds or `REST`. Returns (steps + 1, features), the
        voices in their own order.
        """
        previous = np.concatenate([np.full((1, tokens.shape[1]), REST), pitches])
        found = [previous]
        if self.repeats:
            found += find_repeats(tokens, pitches, self.repeats)
        if self.half_lives:
            found.append(find_profiles(pitches, self.half_lives))
        return np.concatenate(found, axis=1)

    def rotate_to_turn(
        self, features: Tokens, voice_index: NDArray[np.int64], voices: int
    ) -> NDArray[np.int64]:
        """Return `features` as positions have them: of the voice whose turn it is first.

        features: (time, features), as `of_piece` returns them; voice_index: (time,).
        """
        # what sounded; then per voice: the token after its own run, that after the run of all, the
        # length of its own
        of_voices = 4 if self.repeats else 1
        groups = [features[:, i * voices : (i + 1) * voices] for i in range(of_voices)]
        if self.repeats:
            previous, match, joint, lengths = groups
            groups = [previous, match, lengths, joint]
        turned = [rotate_to_turn(group, voice_index) for group in groups]
        # then the length of the run of all, and the pitch classes
        return np.concatenate([*turned, features[:, of_voices * voices :]], axis=1)

    def transpose(self, positions: Tokens, semitones: Tokens) -> Tokens:
        """Return positions (batch, time, features) with shares of pitch classes moved."""
        if not self.half_lives:
            return positions
        # pitch class c of the moved music was class c - semitones
        first = positions.shape[-1] - CLASSES * len(self.half_lives)
        shape = (*positions.shape[:2], len(self.half_lives), CLASSES)
        source = (np.arange(CLASSES) - semitones[:, None, None, None]) % CLASSES
        shares = np.take_along_axis(positions[..., first:].reshape(shape), source, axis=3)
        moved = positions.copy()
        moved[..., first:] = shares.reshape(*shape[:2], -1)
        return moved


class HistoryFollower(Batched):
    """The features of `VoiceHistory.of_piece`, of a batch of pieces that grow by time steps."""

    of_rows = ("previous", "profile", "matcher", "cached")

    def __init__(self, history: VoiceHistory, batch: int, voices: int) -> None:
        self.previous = np.full((batch, voices), REST)
        self.profile = PitchClassProfile(batch, history.half_lives)
        self.matcher = RepeatMatcher(batch, voices, history.repeats) if history.repeats else None
        self.cached: NDArray[np.int64] | None = None  # they stay the same within a time step

    def update(self, tokens: Tokens, pitches: Tokens, rows: NDArray[np.int64]) -> None:
        """Add a time step of the pieces numbered `rows`; tokens, pitches: (rows, voices)."""
        if not len(rows):
            return
        self.cached = None
        self.previous[rows] = pitches
        self.profile.update(pitches, rows)
        if self.matcher is not None:
            self.matcher.update(tokens, pitches, rows)

    def reset(self, rows: NDArray[np.int64]) -> None:
        """Begin the pieces numbered `rows` anew."""
        if not len(rows):
            return
        self.cached = None
        self.previous[rows] = REST
        self.profile.reset(rows)
        if self.matcher is not None:
            self.matcher.reset(rows)

    def features(self) -> NDArray[np.int64]:
        """Return the features before a time step, (batch, features), voices in their own order."""
        if self.cached is None:
            matches = self.matcher.features() if self.matcher is not None else ()
            groups = [self.previous, *matches, self.profile.features()]
            self.cached = np.concatenate(groups, axis=1)
        return self.cached


def _of_each_voice(name: str, voices: int, classes: int) -> dict[str, int]:
    return {f"{name}.{voice}": classes for voice in range(voices)}
