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
from ostinato.models.steps import SequenceSpec


class GAN(SegmentModel):
    """Makes segments of so many bars (Goodfellow et al. 2014).

    The network is its generator: `critic` is built for a training alone and is no part of it, and
    `objective` says how both are fitted. The first `given_bars` and the `given_voice` of a segment,
    voices counted from 0, are not made but given, and the generator makes the rest to them, as in
    MuseGAN's track-conditional generation. Raises `ValueError` where nothing would be left to make.
    """

    takes = frozenset({"voices", "pitch"})

    def __init__(
        self,
        generator: Callable[..., Generator],
        critic: Callable[..., Critic],
        objective: Wasserstein,
        bars: Annotated[int, Field(ge=1, le=64, description="bars to a segment")] = 2,
        pitch_range: PitchRange = (36, 83),
        given_bars: Annotated[
            int, Field(ge=0, le=63, description="bars that are given and continued; 0: none")
        ] = 0,
        given_voice: Annotated[
            int | None,
            Field(ge=0, le=15, description="voice that is given and accompanied; null: none"),
        ] = None,
        *,
        spec: SequenceSpec,
    ) -> None:
        super().__init__()
        low, high = pitch_range
        self.shape = Shape(spec.voices_per_step, bars, spec.bar, spec.beat, low, high - low + 1)
        self.pitch_range, self.objective = pitch_range, objective
        self.known = known_of(self.shape, given_bars, given_voice)
        self.given_bars = given_bars
        self.generator = generator(shape=self.shape, known=self.known)
        self._critic = critic

    def forward(
        self, noise: Tensor, choosing: Choosing | None = None, real: Lines | None = None
    ) -> Lines:
        """noise: (batch, size) -> lines, whose choices are drawn while learning.

        See `Generator.forward`.
        """
        lines: Lines = self.generator(noise, choosing, real)
        return lines

    def new_critic(self) -> Critic:
        """An untrained critic of its segments."""
        return self._critic(shape=self.shape)

    def noise(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """Numbers (count, size), normally distributed."""
        return torch.randn(count, self.generator.noise_size, generator=generator)

    @torch.no_grad()
    def draw(self, noise: Tensor, real: Lines | None = None) -> Lines:
        """The segments of this noise, each choice the likeliest."""
        return self.forward(noise, None, real)


def known_of(shape: Shape, bars: int, voice: int | None) -> Tensor | None:
    """Return what of a segment is given, (voices, steps), or None for nothing."""
    if bars and voice is not None:
        raise ValueError(
            f"given_bars={bars} does not go with given_voice={voice}: one of them should be given."
        )
    if bars >= shape.bars:
        raise ValueError(f"given_bars={bars} should be less than bars={shape.bars}.")
    if voice is not None and not (voice < shape.voices > 1):
        raise ValueError(
            f"given_voice={voice} should leave a voice to make and be less than their number, "
            f"{shape.voices}."
        )
    if not bars and voice is None:
        return None
    known = torch.zeros(shape.voices, shape.steps, dtype=torch.bool)
    known[:, : bars * shape.bar] = True
    if voice is not None:
        known[voice] = True
    return known
