"""Voices of a moment in any order."""

import math
from collections.abc import Callable, Iterator
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from ostinato.models.backbone import Backbone
from ostinato.models.heads.base import Head
from ostinato.models.inputs import Input
from ostinato.models.sequence import SequenceModel
from ostinato.models.steps import SequenceSpec
from ostinato.models.voices import Sequences, reordered, whole_moments


class Orderless(SequenceModel):
    """Learns the voices of a moment in every order, and is scored by the mean over some.

    In training each moment has an order of its own, drawn by torch's generator. Scored, the
    probability of a moment, of all its tokens together, is the mean of its probabilities in
    `orders` different orders: again a distribution. Pieces are drawn in the order of the
    representation, which is the first of them. Sources: Uria, Murray & Larochelle, A Deep and
    Tractable Density Estimator (ICML 2014); of chorales Huang et al., Counterpoint by Convolution
    (ISMIR 2017). Raises `ValueError` where steps are no interleaved voices.
    """

    def __init__(
        self,
        input: Callable[..., Input],
        backbone: Callable[..., Backbone],
        head: Callable[..., Head],
        frame_input: Callable[..., Input] | None = None,
        frame_head: Callable[..., Head] | None = None,
        orders: Annotated[
            int, Field(ge=1, le=24, description="the orders that a score is the mean over")
        ] = 4,
        *,
        steps: SequenceSpec,
    ) -> None:
        super().__init__(input, backbone, head, frame_input, frame_head, steps=steps)
        if steps.kind != "tokens" or steps.period == 1:
            raise ValueError("it takes interleaved voices alone: say representation=voices.")
        self.orders = torch.tensor(list(spread(steps.period, orders)))

    def nll(
        self,
        steps: Tensor,
        positions: Tensor,
        targets: Tensor,
        semitones: Tensor | None = None,
    ) -> Tensor:
        """Nats of each target, (batch, time), in an order that is drawn for each moment.

        Not while training: see `score`.
        """
        if not self.training:
            return self.score(steps, positions, targets, semitones)
        given, shape = self._moments(steps, positions, targets)
        order = torch.rand(shape, device=steps.device).argsort(dim=-1)
        other, stood = reordered(given, order, self.steps)
        nll = super().nll(*other, semitones).reshape(shape)
        return torch.zeros_like(nll).scatter(-1, stood, nll).flatten(1)[:, : targets.shape[1]]

    @torch.no_grad()
    def score(
        self,
        steps: Tensor,
        positions: Tensor,
        targets: Tensor,
        semitones: Tensor | None = None,
        chunk: int = 1024,
    ) -> Tensor:
        """Nats of each moment, the mean taken over orders, at its first target; 0 at the others."""
        given, shape = self._moments(steps, positions, targets)
        said = []
        for order in self.orders.to(steps.device):
            other, _ = reordered(given, order.expand(shape), self.steps)
            nll = super().score(*other, semitones, chunk)
            said.append(nll.reshape(shape).sum(dim=-1).double())
        mean = math.log(len(said)) - torch.logsumexp(-torch.stack(said), dim=0)
        alone = mean.to(nll.dtype)[..., None] * torch.eye(shape[-1], device=nll.device)[0]
        return alone.flatten(1)[:, : targets.shape[1]]

    def _moments(
        self, steps: Tensor, positions: Tensor, targets: Tensor
    ) -> tuple[Sequences, tuple[int, int, int]]:
        """Whole moments, and how many there are: (batch, moments, voices)."""
        given = whole_moments(Sequences(steps, positions, targets), self.steps.period)
        return given, (len(steps), given.steps.shape[1] // self.steps.period, self.steps.period)


def spread(voices: int, count: int) -> Iterator[list[int]]:
    """So many orders of the voices, evenly from first to last voice first to the reverse."""
    every = math.factorial(voices)
    count = min(count, every)
    for i in range(count):
        number, left = i * (every - 1) // max(1, count - 1), list(range(voices))
        order = []
        for remaining in range(voices, 0, -1):
            at, number = divmod(number, math.factorial(remaining - 1))
            order.append(left.pop(at))
        yield order
