"""From what a backbone knows to a distribution over the next step."""

from abc import ABC, abstractmethod
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn


class Head(nn.Module, ABC):
    """Turns what a backbone knows into the parameters of a distribution."""

    @abstractmethod
    def forward(self, y: Tensor) -> Tensor:
        """y: (batch, time, input_size) -> (batch, time, parameters)."""


class Softmax(Head):
    """One token of the vocabulary: categorical."""

    def __init__(
        self,
        dropout: Annotated[float, Field(ge=0, lt=1, description="dropped before the head")] = 0.0,
        *,
        input_size: int,
        vocabulary_size: int,
    ) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.logits = nn.Linear(input_size, vocabulary_size)

    def forward(self, y: Tensor) -> Tensor:
        """y: (batch, time, input_size) -> logits (batch, time, vocabulary)."""
        return self.logits(self.dropout(y))  # type: ignore[no-any-return]
