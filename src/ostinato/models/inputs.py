"""How one step of a sequence enters a network."""

from abc import ABC, abstractmethod
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn


class Input(nn.Module, ABC):
    """Turns a step into a vector.

    `takes` names what fits: the kind of a representation (`tokens`, `frames`) or its name.
    """

    takes: ClassVar[frozenset[str]]
    output_size: int

    @abstractmethod
    def forward(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """(batch, time), (batch, time, features) -> (batch, time, output_size)."""


class Embedding(Input):
    """The sum of a learned vector for the token and one for each feature of its position."""

    takes = frozenset({"tokens"})

    def __init__(
        self,
        embedding_size: Annotated[
            int, Field(ge=1, le=8192, description="length of the vectors")
        ] = 128,
        dropout: Annotated[float, Field(ge=0, lt=1, description="share of inputs dropped")] = 0.0,
        *,
        vocabulary_size: int,
        position_sizes: tuple[int, ...],
    ) -> None:
        super().__init__()
        self.output_size = embedding_size
        self.token = nn.Embedding(vocabulary_size, embedding_size)
        self.position = nn.ModuleList(nn.Embedding(n, embedding_size) for n in position_sizes)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """tokens (batch, time), positions (batch, time, features) -> (batch, time, size)."""
        x: Tensor = self.token(tokens)
        for feature, embedding in enumerate(self.position):
            x = x + embedding(positions[..., feature])
        return self.dropout(x)  # type: ignore[no-any-return]


class OneHot(Input):
    """The token as a one-hot vector, and nothing else: the classic input for a single line."""

    takes = frozenset({"pitch"})

    def __init__(self, *, vocabulary_size: int, position_sizes: tuple[int, ...]) -> None:
        del position_sizes
        super().__init__()
        self.output_size = vocabulary_size

    def forward(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """tokens: (batch, time) -> (batch, time, vocabulary)."""
        del positions
        return nn.functional.one_hot(tokens, self.output_size).to(torch.get_default_dtype())
