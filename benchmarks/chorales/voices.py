"""Voices whose positions also hold the pitch classes so far and what followed earlier."""

from itertools import pairwise
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from chorales.grammar import HistoryVoicesGrammar
from chorales.history import HistoryFeatures
from chorales.pitch_classes import CLASSES, LEVELS
from ostinato.representations.base import Tokens
from ostinato.representations.monophonic import HOLD, REST, rotate_to_turn
from ostinato.representations.voices import Voices
from ostinato.representations.voices_grammar import VoicesGrammar

FIRST = np.zeros(1, np.int64)  # the number of the only sequence of a batch


def _check_rising(lengths: tuple[int, ...]) -> tuple[int, ...]:
    if any(more <= less for less, more in pairwise(lengths)):
        raise PydanticCustomError("repeats", "each length should be more than the one before it")
    return lengths


class HistoryVoices(Voices):
    """Encodes as `Voices`; positions also hold features of the time steps before.

    With `history` or `repeats` positions hold what sounded in each voice at the end of the previous
    time step, from the voice whose turn it is on. With `repeats` they hold, in that order, how each
    voice went on after the last time it went as it went just now, how long it did so, and how it
    went on after all voices did; then how long those did (`RepeatMatcher`). With `history` they
    hold how much each pitch class sounded so far (`PitchClassProfile`).
    """

    pitch_features: ClassVar[tuple[str, ...]] = (
        "sounding",
        "previous",
        "per_voice_match",
        "joint_match",
    )

    def __init__(
        self,
        voices: Annotated[int, Field(ge=1, le=16, description="how many voices there are")],
        steps_per_quarter: Annotated[
            int, Field(ge=1, le=64, description="time steps to the quarter note")
        ],
        bar_steps: Annotated[
            int, Field(ge=1, le=256, description="steps to the bar, for positions")
        ],
        history: Annotated[
            tuple[Annotated[float, Field(gt=0, le=65536)], ...],
            Field(max_length=8, description="half-lives, in steps, of pitch classes in positions"),
        ],
        repeats: Annotated[
            tuple[Annotated[int, Field(ge=1, le=65536)], ...],
            Field(max_length=16, description="lengths, in steps, from which repeats are found"),
            AfterValidator(_check_rising),
        ],
        position_bars: Annotated[
            int, Field(ge=1, le=64, description="through how many bars positions count: a phrase")
        ],
        by_track: Annotated[
            tuple[Annotated[int, Field(ge=1, le=16)], ...] | None,
            Field(min_length=1, description="voices of each track, [1, 1, 4]; null: one each"),
        ],
        end_token: Annotated[bool, Field(description="learn where pieces end")] = True,
    ) -> None:
        super().__init__(voices, steps_per_quarter, bar_steps, position_bars, by_track, end_token)
        self.history, self.repeats = history, repeats
        self.position_features = {**self.position_features, **self._history_features()}

    def _history_features(self) -> dict[str, int]:
        """Return the features that positions hold besides those of `Voices`, in order."""
        features: dict[str, int] = {}
        if self.history or self.repeats:
            features |= self._of_each_voice("previous", REST + 1)
        if self.repeats:
            lengths = len(self.repeats) + 1
            features |= self._of_each_voice("per_voice_match", HOLD + 1)
            features |= self._of_each_voice("per_voice_match_length", lengths)
            features |= self._of_each_voice("joint_match", HOLD + 1)
            features["joint_match_length"] = lengths
        for half_life in range(len(self.history)):
            features |= {f"pitch_classes.{half_life}.{c}": LEVELS for c in range(CLASSES)}
        return features

    def _of_each_voice(self, name: str, classes: int) -> dict[str, int]:
        return {f"{name}.{voice}": classes for voice in range(self.voices)}

    def positions(self, tokens: Tokens) -> NDArray[np.uint8]:
        known = super().positions(tokens)
        if not (self.history or self.repeats):
            return known
        return np.concatenate([known, self._history(tokens)], axis=1).astype(np.uint8)

    def _history(self, tokens: Tokens) -> NDArray[Any]:
        """Return the features of the time steps before each token: (time, features)."""
        count = np.arange(len(tokens)) - self.last_end(tokens)
        voice_index, sounding = count % self.voices, self.sounding(tokens)
        last_tokens = np.flatnonzero(voice_index == 0)  # of each time step; or the end token
        history = HistoryFeatures(1, self.voices, self.history, self.repeats)
        features = [history.features()]
        for at in last_tokens:
            if count[at]:
                step = tokens[at + 1 - self.voices : at + 1]
                history.update(step[None], sounding[at : at + 1], FIRST)
            else:
                history.reset(FIRST)
            features.append(history.features())
        # row 0 holds for what comes before the first complete time step
        previous = np.concatenate([np.full((1, self.voices), REST), sounding[last_tokens]])
        row = np.searchsorted(last_tokens, np.arange(len(tokens)), side="right")
        of_steps = history.rotate_to_turn(np.concatenate(features)[row], voice_index)
        return np.concatenate([rotate_to_turn(previous[row], voice_index), *of_steps], axis=1)

    def transpose_positions(self, positions: Tokens, semitones: Tokens) -> Tokens:
        moved = super().transpose_positions(positions, semitones)
        if self.history:
            # pitch class c of the moved music was class c - semitones
            first = len(self.position_features) - CLASSES * len(self.history)
            shape = (*positions.shape[:2], len(self.history), CLASSES)
            source = (np.arange(CLASSES) - semitones[:, None, None, None]) % CLASSES
            shares = np.take_along_axis(positions[..., first:].reshape(shape), source, axis=3)
            moved[..., first:] = shares.reshape(*shape[:2], -1)
        return moved

    def grammar(self, batch: int) -> VoicesGrammar:
        if not (self.history or self.repeats):
            return super().grammar(batch)
        return HistoryVoicesGrammar(
            batch,
            self.voices,
            self.bar_steps,
            self.steps_per_quarter,
            self.end_token,
            self.position_steps,
            history=HistoryFeatures(batch, self.voices, self.history, self.repeats),
        )
