"""Inputs: embeddings of one step of a sequence."""

from abc import ABC, abstractmethod
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from ostinato.models.steps import SequenceSpec

FARTHEST = 24  # semitones of transposition that are told apart; all beyond are one


class Input(nn.Module, ABC):
    """Turns a step into a vector.

    `takes` names what fits: the kind of a representation (`tokens`, `frames`) or its name. The
    constructor takes, by keyword alone, `spec`, the `SequenceSpec` of what comes in.
    """

    takes: ClassVar[frozenset[str]]
    output_size: int

    @abstractmethod
    def forward(self, steps: Tensor, positions: Tensor, semitones: Tensor | None = None) -> Tensor:
        """Return steps as vectors (batch, time, output_size).

        steps: (batch, time) tokens or (batch, time, width) frames; positions: (batch, time,
        features); semitones: (batch,), how far each sequence was transposed, None for not at all.
        """


class Embedding(Input):
    """Sums a learned vector for the token and one for each feature of the next position."""

    takes = frozenset({"tokens"})

    def __init__(
        self,
        embedding_size: Annotated[int, Field(ge=1, le=8192, description="length of the vectors")],
        dropout: Annotated[float, Field(ge=0, lt=1, description="share of inputs dropped")] = 0.0,
        *,
        spec: SequenceSpec,
    ) -> None:
        super().__init__()
        self.output_size = embedding_size
        self.token = nn.Embedding(spec.size, embedding_size)
        self.position = nn.ModuleList(
            nn.Embedding(n, embedding_size) for n in spec.features.values()
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, steps: Tensor, positions: Tensor, semitones: Tensor | None = None) -> Tensor:
        """Return vectors (batch, time, size) of tokens and positions (batch, time, features)."""
        del semitones
        x: Tensor = self.token(steps)
        for feature, embedding in enumerate(self.position):
            x = x + embedding(positions[..., feature])
        return self.dropout(x)  # type: ignore[no-any-return]


class Frames(Input):
    """Sums a learned vector for each column that is on, and one for each position feature.

    With `shift` also one for the transposition of the sequence, so that the network can keep apart
    what it learns of a window in another key from the keys that music is in.
    """

    takes = frozenset({"frames"})

    def __init__(
        self,
        embedding_size: Annotated[int, Field(ge=1, le=8192, description="length of the vectors")],
        dropout: Annotated[float, Field(ge=0, lt=1, description="share of inputs dropped")],
        shift: Annotated[
            bool, Field(description="tell the network how far a training window was transposed")
        ],
        *,
        spec: SequenceSpec,
    ) -> None:
        super().__init__()
        self.output_size = embedding_size
        self.frame = nn.Linear(spec.size, embedding_size)
        self.position = nn.ModuleList(
            nn.Embedding(n, embedding_size) for n in spec.features.values()
        )
        self.shift = nn.Embedding(2 * FARTHEST + 1, embedding_size) if shift else None
        # as embeddings begin they would drown the few columns that are on
        for embedding in [*self.position, *([self.shift] if self.shift else [])]:
            nn.init.zeros_(embedding.weight)
        self.dropout = nn.Dropout(dropout)

    def forward(self, steps: Tensor, positions: Tensor, semitones: Tensor | None = None) -> Tensor:
        """Return vectors (batch, time, size) of frames and positions (batch, time, features)."""
        x: Tensor = self.frame(steps.to(self.frame.weight.dtype))
        for feature, embedding in enumerate(self.position):
            x = x + embedding(positions[..., feature])
        if self.shift is not None:
            if semitones is None:  # music as it is
                semitones = torch.zeros(len(steps), dtype=torch.long, device=steps.device)
            x = x + self.shift(semitones.clamp(-FARTHEST, FARTHEST) + FARTHEST)[:, None]
        return self.dropout(x)  # type: ignore[no-any-return]


class OneHot(Input):
    """Encodes the token as a one-hot vector, and nothing else: the classic input of melodies."""

    takes = frozenset({"pitch"})

    def __init__(self, *, spec: SequenceSpec) -> None:
        super().__init__()
        self.output_size = spec.size

    def forward(self, steps: Tensor, positions: Tensor, semitones: Tensor | None = None) -> Tensor:
        """Return one-hot vectors (batch, time, vocabulary) of tokens (batch, time)."""
        del positions, semitones
        return nn.functional.one_hot(steps, self.output_size).to(torch.get_default_dtype())
