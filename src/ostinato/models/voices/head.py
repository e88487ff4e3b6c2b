"""Tokens of voices, scored by their interval from what sounds."""

from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn

from ostinato.models.heads.base import Head, Sampler
from ostinato.models.heads.softmax import token_nll
from ostinato.models.steps import SequenceSpec
from ostinato.models.voices.features import (
    CLASSES,
    HOLD,
    PITCHES,
    VoiceFeatures,
    half_lives,
    has_previous,
    match_lengths,
    read_features,
)
from ostinato.models.voices.voice_leading import VoiceLeading


class VoicesHead(Head):
    """Predicts tokens by a softmax in which pitches also score by their interval from each voice.

    The scores of intervals are the same in every key, as in transposition-invariant models since
    Conklin & Witten (Multiple viewpoint systems for music prediction, 1995). Where positions hold
    the shares of pitch classes, what followed earlier, or what sounded in the time step before,
    these score too: shares by their logarithms, how voices move together by `VoiceLeading`. Where
    the tokens of a time step fall (`spec.falling`), those that do not have probability 0. The
    context is the logits.
    """

    takes = frozenset({"voices"})

    def __init__(
        self,
        reach: Annotated[
            int, Field(ge=1, le=127, description="the widest interval that scores, in semitones")
        ],
        voice_leading: Annotated[
            bool, Field(description="score how each voice moves with those before it in a step")
        ],
        dropout: Annotated[float, Field(ge=0, lt=1, description="dropped before the head")],
        *,
        input_size: int,
        spec: SequenceSpec,
    ) -> None:
        super().__init__()
        self.spec, self.voices, self.reach = spec, spec.voices_per_step, reach
        self.dropout = nn.Dropout(dropout)
        self.logits = nn.Linear(input_size, spec.size)
        self.intervals = nn.Linear(input_size, self.voices * (2 * reach + 1))
        lives, lengths = half_lives(spec), match_lengths(spec)
        self.pitch_classes = nn.Linear(input_size, lives) if lives else None
        self.matches = nn.Linear(input_size, 2 * lengths) if lengths else None
        leads = voice_leading and has_previous(spec) and self.voices > 1
        self.voice_leading = VoiceLeading(self.voices) if leads else None
        # the network begins as a plain softmax
        for layer in (self.intervals, self.pitch_classes, self.matches):
            if layer is not None:
                nn.init.zeros_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(
        self, y: Tensor, steps: Tensor, positions: Tensor, state: Any = None
    ) -> tuple[Tensor, Any]:
        """Return logits (batch, time, vocabulary) of y (batch, time, input_size); no state."""
        del steps, state
        y = self.dropout(y)
        logits = self.logits(y)
        features = read_features(positions, self.spec)
        scores = self._interval_scores(y, features.sounding)
        if self.pitch_classes is not None:
            # one weight for each half-life, summed over them: (…, half-lives, 12) -> (…, 12)
            shares = features.pitch_classes.to(y.dtype)
            of_classes = (self.pitch_classes(y)[..., None] * shares).sum(-2)
            pitch = torch.arange(PITCHES, device=y.device)
            scores = scores + of_classes[..., pitch % CLASSES]
        if self.voice_leading is not None:
            scores = scores + self.voice_leading(
                features.sounding, features.previous, features.voice_index
            )
        logits = torch.cat([logits[..., :PITCHES] + scores, logits[..., PITCHES:]], dim=-1)
        if self.matches is not None:
            logits = self._add_matches(logits, self.matches(y), features)
        if self.spec.falling:
            logits = logits.masked_fill(_does_not_fall(features, self.spec.size), -torch.inf)
        return logits, None

    def _interval_scores(self, y: Tensor, sounding: Tensor) -> Tensor:
        """Return the score of each pitch, summed over the voices: (batch, time, 128)."""
        scores = self.intervals(y).reshape(*y.shape[:2], self.voices, 2 * self.reach + 1)
        interval = torch.arange(PITCHES, device=y.device) - sounding[..., None]
        # (batch, time, voices, 128): nothing beyond the reach, and nothing from a silent voice
        inside = (interval.abs() <= self.reach) & (sounding < PITCHES)[..., None]
        index = interval.clamp(-self.reach, self.reach) + self.reach
        total: Tensor = (scores.gather(-1, index) * inside).sum(-2)
        return total

    @staticmethod
    def _add_matches(logits: Tensor, scores: Tensor, features: VoiceFeatures) -> Tensor:
        """Add scores (…, 2 * lengths) to the logits of the tokens that followed earlier."""
        # of the voice whose turn it is, by itself and with all voices: (…, 2)
        token = torch.stack([features.per_voice_match, features.joint_match], dim=-1)[..., 0, :]
        length = torch.stack(
            [features.per_voice_match_length[..., 0], features.joint_match_length[..., 0]], dim=-1
        )
        of_lengths = scores.reshape(*scores.shape[:-1], 2, -1)
        score = of_lengths.gather(-1, (length - 1).clamp(min=0)[..., None])[..., 0]
        return logits.scatter_add(-1, token, score.masked_fill(length == 0, 0.0).to(logits.dtype))

    def nll(self, context: Tensor, targets: Tensor) -> Tensor:
        return token_nll(context, targets)

    def draw(self, context: Tensor, sampler: Sampler) -> Tensor:
        return sampler.categorical(context)


def _does_not_fall(features: VoiceFeatures, size: int) -> Tensor:
    """Return the tokens that cannot come next where pitches fall: (batch, time, size).

    Within a time step these are the pitches from the one before on up, and after a rest all
    pitches; a hold never comes.
    """
    token = torch.arange(size, device=features.voice_index.device)
    # the voice before the one whose turn it is has come last, but for the first of a time step
    before = features.sounding[..., -1]
    lowest = torch.where(before < PITCHES, before, 0)
    lowest = torch.where(features.voice_index > 0, lowest, PITCHES)[..., None]
    return ((token < PITCHES) & (token >= lowest)) | (token == HOLD)
