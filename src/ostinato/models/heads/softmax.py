"""A distribution over tokens."""

from typing import Annotated, Any

from pydantic import Field
from torch import Tensor, nn

from ostinato.models.heads.base import Choose, Head
from ostinato.models.steps import IGNORED, Steps


class Softmax(Head):
    """One token of the vocabulary: categorical. The context is its logits."""

    takes = frozenset({"tokens"})

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
        """y: (batch, time, input_size) -> logits (batch, time, vocabulary), and no state."""
        del steps, positions, state
        return self.logits(self.dropout(y)), None

    def nll(self, context: Tensor, targets: Tensor) -> Tensor:
        return token_nll(context, targets)

    def draw(self, context: Tensor, choose: Choose) -> Tensor:
        return choose.one(context)


def token_nll(logits: Tensor, targets: Tensor) -> Tensor:
    """Nats of each target, 0 where it is IGNORED: (batch, time), of logits with a vocabulary."""
    return nn.functional.cross_entropy(
        logits.flatten(0, 1), targets.flatten(), reduction="none", ignore_index=IGNORED
    ).view_as(targets)
