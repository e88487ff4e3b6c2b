"""Tokens of voices, told by their distance from what sounds."""

from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn

from ostinato.models.heads.base import Head, Sampler
from ostinato.models.heads.softmax import token_nll
from ostinato.models.steps import SequenceSpec
from ostinato.models.voices import CLASSES, PITCHES, Known, layout, read


class Intervals(Head):
    """A softmax over tokens, whose pitches also score by their interval from each sounding voice.

    The scores of intervals are the same in every key, as in transposition-invariant models since
    Conklin & Witten (Multiple viewpoint systems for music prediction, 1995). Where positions say
    how much each pitch class was heard, or what followed when it was like this before, that scores
    too. The context is the logits.
    """

    takes = frozenset({"voices"})

    def __init__(
        self,
        reach: Annotated[
            int, Field(ge=1, le=127, description="the widest interval that scores, in semitones")
        ] = 30,
        dropout: Annotated[float, Field(ge=0, lt=1, description="dropped before the head")] = 0.0,
        *,
        input_size: int,
        steps: SequenceSpec,
    ) -> None:
        super().__init__()
        self.steps, self.voices, self.reach = steps, steps.period, reach
        self.dropout = nn.Dropout(dropout)
        self.logits = nn.Linear(input_size, steps.size)
        self.intervals = nn.Linear(input_size, self.voices * (2 * reach + 1))
        told = layout(steps)
        self.key = nn.Linear(input_size, told.lives) if told.lives else None
        self.again = nn.Linear(input_size, 2 * told.lengths) if told.lengths else None
        for layer in (self.intervals, self.key, self.again):
            if layer is not None:
                nn.init.zeros_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(
        self, y: Tensor, steps: Tensor, positions: Tensor, state: Any = None
    ) -> tuple[Tensor, Any]:
        """y: (batch, time, input_size) -> logits (batch, time, vocabulary), and no state."""
        del steps, state
        y = self.dropout(y)
        logits = self.logits(y)
        known = read(positions, self.steps)
        sounding = known.sounding
        scores = self.intervals(y).reshape(*y.shape[:2], self.voices, 2 * self.reach + 1)
        pitch = torch.arange(PITCHES, device=y.device)
        interval = pitch - sounding[..., None]
        inside = (interval.abs() <= self.reach) & (sounding < PITCHES)[..., None]
        at = interval.clamp(-self.reach, self.reach) + self.reach
        told = (scores.gather(-1, at) * inside).sum(-2)
        if self.key is not None:
            in_key = (self.key(y)[..., None] * known.heard.to(y.dtype)).sum(-2)
            told = told + in_key[..., pitch % CLASSES]
        logits = torch.cat([logits[..., :PITCHES] + told, logits[..., PITCHES:]], dim=-1)
        if self.again is not None:
            logits = self._with_repeats(logits, self.again(y), known)
        return logits, None

    @staticmethod
    def _with_repeats(logits: Tensor, scores: Tensor, known: Known) -> Tensor:
        """With scores (…, 2 * lengths) of what followed when it was like this before."""
        token = torch.stack([known.alone[..., 0], known.together[..., 0]], dim=-1)
        length = torch.stack([known.alone_length[..., 0], known.together_length[..., 0]], dim=-1)
        of_length = scores.reshape(*scores.shape[:-1], 2, -1)
        score = of_length.gather(-1, (length - 1).clamp(min=0)[..., None])[..., 0]
        return logits.scatter_add(-1, token, score.masked_fill(length == 0, 0.0).to(logits.dtype))

    def nll(self, context: Tensor, targets: Tensor) -> Tensor:
        return token_nll(context, targets)

    def draw(self, context: Tensor, sampler: Sampler) -> Tensor:
        return sampler.categorical(context)
