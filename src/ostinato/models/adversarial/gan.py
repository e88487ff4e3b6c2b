"""A generative adversarial network: a generator, and the critic that it is fitted against."""

from collections.abc import Callable
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from ostinato.models.adversarial.critic import Critic
from ostinato.models.adversarial.generator import Generator
from ostinato.models.adversarial.voice import Relaxation
from ostinato.models.adversarial.wasserstein import Wasserstein
from ostinato.models.segments import OneHotRoll, PitchRange, SegmentModel, SegmentSpec
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
        bars: Annotated[int, Field(ge=1, le=64, description="bars to a segment")],
        pitch_range: PitchRange,
        given_bars: Annotated[
            int, Field(ge=0, le=63, description="bars that are given and continued; 0: none")
        ],
        given_voice: Annotated[
            int | None,
            Field(ge=0, le=15, description="voice that is given and accompanied; null: none"),
        ],
        *,
        spec: SequenceSpec,
    ) -> None:
        super().__init__()
        low, high = pitch_range
        self.spec = SegmentSpec(
            spec.voices_per_step, bars, spec.bar, spec.beat, low, high - low + 1
        )
        self.pitch_range, self.objective = pitch_range, objective
        self.condition_mask = create_condition_mask(self.spec, given_bars, given_voice)
        self.given_bars = given_bars
        self.generator = generator(spec=self.spec, condition_mask=self.condition_mask)
        self._critic = critic

    def forward(
        self,
        noise: Tensor,
        relaxation: Relaxation | None = None,
        conditioning: OneHotRoll | None = None,
    ) -> OneHotRoll:
        """Return segments of noise (batch, size), drawn by a relaxation in training.

        See `Generator.forward`.
        """
        roll: OneHotRoll = self.generator(noise, relaxation, conditioning)
        return roll

    def new_critic(self) -> Critic:
        """Return an untrained critic of its segments."""
        return self._critic(spec=self.spec)

    def noise(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """Return normally distributed numbers: (count, size)."""
        return torch.randn(count, self.generator.noise_size, generator=generator)

    @torch.no_grad()
    def draw(self, noise: Tensor, conditioning: OneHotRoll | None = None) -> OneHotRoll:
        """Return the segments of this noise, each choice the likeliest."""
        return self.forward(noise, None, conditioning)


def create_condition_mask(spec: SegmentSpec, bars: int, voice: int | None) -> Tensor | None:
    """Return what of a segment is given, (voices, steps), or None for nothing.

    Raises `ValueError` where nothing would be left to make.
    """
    if bars and voice is not None:
        raise ValueError(
            f"given_bars={bars} does not go with given_voice={voice}: one of them should be given."
        )
    if bars >= spec.bars:
        raise ValueError(f"given_bars={bars} should be less than bars={spec.bars}.")
    if voice is not None and not (voice < spec.voices > 1):
        raise ValueError(
            f"given_voice={voice} should leave a voice to make and be less than their number, "
            f"{spec.voices}."
        )
    if not bars and voice is None:
        return None
    mask = torch.zeros(spec.voices, spec.steps, dtype=torch.bool)
    mask[:, : bars * spec.bar_steps] = True
    if voice is not None:
        mask[voice] = True
    return mask
