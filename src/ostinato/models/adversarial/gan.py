"""A generative adversarial network: a generator, and the critic that it is fitted against."""

from collections.abc import Callable
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from ostinato.models.adversarial.critic import Critic
from ostinato.models.adversarial.generator import Choosing, Generator
from ostinato.models.adversarial.wasserstein import Wasserstein
from ostinato.models.segments import Lines, PitchRange, SegmentModel, Shape
from ostinato.models.steps import Steps


class GAN(SegmentModel):
    """Makes segments of so many bars (Goodfellow et al. 2014).

    The network is its generator: `critic` is built for a training alone and is no part of it, and
    `objective` says how both are fitted. Raises `ValueError` where the steps know no bars.
    """

    takes = frozenset({"voices", "pitch"})

    def __init__(
        self,
        generator: Callable[..., Generator],
        critic: Callable[..., Critic],
        objective: Wasserstein,
        bars: Annotated[int, Field(ge=1, le=64, description="bars to a segment")] = 2,
        pitch_range: PitchRange = (36, 83),
        *,
        steps: Steps,
    ) -> None:
        super().__init__()
        low, high = pitch_range
        self.shape = Shape(steps.period, bars, steps.bar, steps.beat, low, high - low + 1)
        self.pitch_range, self.objective = pitch_range, objective
        self.generator, self._critic = generator(shape=self.shape), critic

    def forward(self, noise: Tensor, choosing: Choosing | None = None) -> Lines:
        """noise: (batch, size) -> lines, whose choices are drawn while learning.

        See `Generator.forward`.
        """
        lines: Lines = self.generator(noise, choosing)
        return lines

    def new_critic(self) -> Critic:
        """An untrained critic of its segments."""
        return self._critic(shape=self.shape)

    def noise(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """Numbers (count, size), normally distributed."""
        return torch.randn(count, self.generator.noise_size, generator=generator)

    @torch.no_grad()
    def draw(self, noise: Tensor) -> Lines:
        """The segments of this noise, each choice the likeliest."""
        return self.forward(noise)
