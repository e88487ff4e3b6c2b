"""Encoders: from a segment to the distribution of its latent vector."""

from abc import ABC, abstractmethod
from typing import Annotated, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from ostinato.models.segments import Shape
from ostinato.models.variational.saying import choices

NARROWEST = 1e-4  # standard deviation


class Posterior(NamedTuple):
    """Independent normal distributions: mean and standard deviation, (batch, latent_size) each."""

    mean: Tensor
    scale: Tensor

    def drawn(self, noise: Tensor) -> Tensor:
        """Latent vectors by standard normal noise of the same shape."""
        return self.mean + self.scale * noise

    def kl(self) -> Tensor:
        """The Kullback-Leibler divergence from the standard normal, in nats, of each number."""
        return (self.mean**2 + self.scale**2 - 1) / 2 - self.scale.log()


class Encoder(nn.Module, ABC):
    """Reads segments; the constructor takes, by keyword alone, `latent_size` and their `shape`."""

    @abstractmethod
    def forward(self, tokens: Tensor) -> Posterior:
        """tokens: (batch, steps, voices), as `saying.said` gives them."""


class BidirectionalEncoder(Encoder):
    """Gated recurrent units that read a segment forwards and backwards; their last states count.

    Source: Roberts et al., A Hierarchical Latent Vector Model for Learning Long-Term Structure in
    Music (ICML 2018), who use LSTMs.
    """

    def __init__(
        self,
        embedding_size: Annotated[int, Field(ge=1, le=4096, description="of a step")] = 64,
        hidden_size: Annotated[int, Field(ge=1, le=4096, description="units each way")] = 256,
        layers: Annotated[int, Field(ge=1, le=16, description="one above the other")] = 1,
        *,
        latent_size: int,
        shape: Shape,
    ) -> None:
        super().__init__()
        self.embed = Embeddings(shape.voices, choices(shape), embedding_size)
        self.read = nn.GRU(
            embedding_size, hidden_size, layers, batch_first=True, bidirectional=True
        )
        self.mean = nn.Linear(2 * hidden_size, latent_size)
        self.scale = nn.Linear(2 * hidden_size, latent_size)

    def forward(self, tokens: Tensor) -> Posterior:
        last = self.read(self.embed(tokens))[1][-2:]
        both = torch.cat([last[0], last[1]], dim=1)
        return Posterior(self.mean(both), nn.functional.softplus(self.scale(both)) + NARROWEST)


class Embeddings(nn.Module):
    """Choices of several voices at once as one vector: the sum of one a voice."""

    def __init__(self, voices: int, many: int, size: int) -> None:
        super().__init__()
        self.table = nn.Embedding(voices * many, size)
        offsets = many * torch.arange(voices)
        self.offsets: Tensor
        self.register_buffer("offsets", offsets, persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens: (…, voices) -> (…, size)."""
        every: Tensor = self.table(tokens + self.offsets)
        return every.sum(dim=-2)
