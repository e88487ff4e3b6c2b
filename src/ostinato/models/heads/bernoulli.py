"""Frames whose columns are independent."""

from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn

from ostinato.models.heads.base import Choose, Head
from ostinato.models.steps import Steps, predicted


class Bernoulli(Head):
    """Each column of a frame by itself, as if no pitch knew of the others at the same moment.

    The classic baseline of Boulanger-Lewandowski, Bengio & Vincent, Modeling temporal dependencies
    in high-dimensional sequences (ICML 2012). The context is the logits of the columns.
    """

    takes = frozenset({"frames"})

    def __init__(
        self,
        dropout: Annotated[float, Field(ge=0, lt=1, description="dropped before the head")] = 0.0,
        *,
        input_size: int,
        steps: Steps,
    ) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.logits = nn.Linear(input_size, steps.size)

    def forward(
        self, y: Tensor, steps: Tensor, positions: Tensor, state: Any = None
    ) -> tuple[Tensor, Any]:
        """y: (batch, time, input_size) -> logits (batch, time, width), and no state."""
        del steps, positions, state
        return self.logits(self.dropout(y)), None

    def nll(self, context: Tensor, targets: Tensor) -> Tensor:
        bits = nn.functional.binary_cross_entropy_with_logits(
            context, targets.clamp(min=0).to(context.dtype), reduction="none"
        )
        return torch.where(predicted(targets), bits.sum(-1), 0.0)

    def draw(self, context: Tensor, choose: Choose) -> Tensor:
        return choose.bits(context)
