"""The objective of a Wasserstein GAN with gradient penalty, and its settings."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from ostinato.models.adversarial.voice import Relaxation
from ostinato.models.segments import OneHotRoll

SETTLED = 0.9  # of the training
Score = Callable[[OneHotRoll], Tensor]


class CriticLoss(NamedTuple):
    """Loss of the critic, the gap that it sees, and the penalty before it is weighed."""

    loss: Tensor
    gap: Tensor
    penalty: Tensor


@dataclass(frozen=True)
class Wasserstein:
    """Objective of a generator and its critic.

    Sources: Gulrajani et al., Improved Training of Wasserstein GANs (NeurIPS 2017); choices by
    straight-through Gumbel-softmax, Jang, Gu and Poole (ICLR 2017).
    """

    critic_steps: Annotated[
        int, Field(ge=1, le=100, description="updates of the critic to one of the generator")
    ]
    penalty: Annotated[
        float, Field(ge=0, description="weight of the gradient penalty; 0: leave it out")
    ]
    temperature: Annotated[
        tuple[
            Annotated[float, Field(gt=0, le=10)],
            Annotated[float, Field(gt=0, le=10)],
        ],
        Field(description="of soft choices, when training begins and when it ends"),
    ]
    noise_scale: Annotated[
        tuple[
            Annotated[float, Field(ge=0, le=1)],
            Annotated[float, Field(ge=0, le=1)],
        ],
        Field(
            description="how much noise is added to choices, when training begins and when it ends"
        ),
    ]

    def critic_loss(self, critic: Score, real: OneHotRoll, fake: OneHotRoll) -> CriticLoss:
        """Return the critic's loss: minus its gap, plus the penalty of its gradients."""
        gap = critic(real).mean() - critic(fake).mean()
        if not self.penalty:
            return CriticLoss(-gap, gap.detach(), torch.zeros_like(gap))
        mix = torch.rand(len(real.onset), device=real.onset.device)
        penalty = gradient_penalty(critic, real, fake, mix)
        return CriticLoss(self.penalty * penalty - gap, gap.detach(), penalty.detach())

    def relaxation_at(self, share: float) -> Relaxation:
        """Return how choices are relaxed after a share of the training.

        The temperature falls by even factors, the scale of the noise by even steps, which has its
        last value for the last tenth of the training.
        """
        first, last = self.temperature
        most, least = self.noise_scale
        settled = min(1.0, share / SETTLED)
        return Relaxation(
            float(first * (last / first) ** min(1.0, share)), most + (least - most) * settled
        )


def gradient_penalty(critic: Score, real: OneHotRoll, fake: OneHotRoll, mix: Tensor) -> Tensor:
    """Return how far the critic's gradient is from length 1 between real and generated: ().

    mix: (batch,), where between them: 1 is at the real one. It is the mean over the batch of the
    squared difference; the gradient of a segment is that of its sound and its onsets together.
    """
    # points between real and generated sound and onset, as leaves that gradients are taken of
    places = [
        (m * r + (1 - m) * f).detach().requires_grad_()
        for r, f in zip(real, fake, strict=True)
        for m in [mix.reshape(-1, *(1,) * (r.ndim - 1))]
    ]
    score = critic(OneHotRoll(*places)).sum()
    gradients = torch.autograd.grad(score, places, create_graph=True)
    every = torch.cat([gradient.flatten(1) for gradient in gradients], dim=1)
    lengths = (every.square().sum(dim=1) + 1e-12).sqrt()  # at 0 its root has no gradient
    return (lengths - 1).square().mean()
