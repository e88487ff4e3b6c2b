"""Encoders: from a segment to the distribution of its latent vector."""

from abc import ABC, abstractmethod
from typing import Annotated, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from ostinato.models.segments import SegmentSpec
from ostinato.models.variational.voice_tokens import vocabulary_size

NARROWEST = 1e-4  # standard deviation


class Posterior(NamedTuple):
    """Independent normal distributions: mean and standard deviation, (batch, latent_size) each."""

    mean: Tensor
    scale: Tensor

    def sample(self, noise: Tensor) -> Tensor:
        """Return latent vectors by standard normal noise of the same shape."""
        return self.mean + self.scale * noise

    def kl(self) -> Tensor:
        """Return the Kullback-Leibler divergence from the standard normal, in nats.

        Of each number: (batch, latent_size).
        """
        return (self.mean**2 + self.scale**2 - 1) / 2 - self.scale.log()


class Encoder(nn.Module, ABC):
    """Reads segments; the constructor takes, by keyword alone, `latent_size` and their `spec`."""

    @abstractmethod
    def forward(self, tokens: Tensor) -> Posterior:
        """Return the posteriors of tokens (batch, steps, voices) of `voice_tokens.encode`."""


class BidirectionalEncoder(Encoder):
    """Gated recurrent units that read a segment forwards and backwards.

    The distribution comes from their last states and from `step_size` numbers of each step. These
    connect every step directly with the latent vector; without them details are learned late.

    Source: Roberts et al., A Hierarchical Latent Vector Model for Learning Long-Term Structure in
    Music (ICML 2018), who use the last states of LSTMs alone.
    """

    def __init__(
        self,
        embedding_size: Annotated[int, Field(ge=1, le=4096, description="of a step")],
        hidden_size: Annotated[int, Field(ge=1, le=4096, description="units each way")],
        layers: Annotated[int, Field(ge=1, le=16, description="one above the other")],
        step_size: Annotated[
            int, Field(ge=0, le=4096, description="numbers of each step; 0: last states alone")
        ],
        *,
        latent_size: int,
        spec: SegmentSpec,
    ) -> None:
        super().__init__()
        self.step_size = step_size
        self.embed = Embeddings(spec.voices, vocabulary_size(spec), embedding_size)
        self.read = nn.GRU(
            embedding_size, hidden_size, layers, batch_first=True, bidirectional=True
        )
        if step_size:
            self.of_step = nn.Linear(2 * hidden_size, step_size)
        size = 2 * hidden_size + spec.steps * step_size
        self.mean = nn.Linear(size, latent_size)
        self.scale = nn.Linear(size, latent_size)

    def forward(self, tokens: Tensor) -> Posterior:
        # steps: (batch, steps, 2 · hidden_size); states: (2 · layers, batch, hidden_size)
        steps, states = self.read(self.embed(tokens))
        read = [states[-2], states[-1]]
        if self.step_size:
            read.append(torch.tanh(self.of_step(steps)).flatten(1))
        all_read = torch.cat(read, dim=1)
        scale = nn.functional.softplus(self.scale(all_read)) + NARROWEST
        return Posterior(self.mean(all_read), scale)


class Embeddings(nn.Module):
    """Embeds the tokens of all voices at a step as one vector: the sum of one for each voice."""

    def __init__(self, voices: int, vocabulary: int, size: int) -> None:
        super().__init__()
        self.table = nn.Embedding(voices * vocabulary, size)
        offsets = vocabulary * torch.arange(voices)
        self.offsets: Tensor
        self.register_buffer("offsets", offsets, persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the vectors (…, size) of tokens (…, voices)."""
        every: Tensor = self.table(tokens + self.offsets)
        return every.sum(dim=-2)
