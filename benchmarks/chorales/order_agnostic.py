"""The voices of a time step in any order."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from chorales.reorder import Sequences, pad_time_steps, reorder_voices
from ostinato.models.backbone import Backbone
from ostinato.models.heads.base import Head
from ostinato.models.inputs import Input
from ostinato.models.sequence import SequenceModel
from ostinato.models.steps import SequenceSpec
from ostinato.models.voices import VoiceParts


@dataclass(frozen=True)
class OrderedParts(VoiceParts):
    """Parts for interleaved voices, and how many orders of them a score is the mean over."""

    orders: Annotated[
        int, Field(ge=1, le=24, description="the orders that a score is the mean over")
    ]


class OrderAgnostic(SequenceModel):
    """Learns the voices of a time step in every order, and scores by the mean over some.

    In training each time step has an order of its own, drawn by torch's generator. Scored, the
    probability of a time step, of all its tokens together, is the mean of its probabilities in
    `voices.orders` different orders: again a distribution. Pieces are drawn in the order of the
    representation, which is the first of them. Sources: Uria, Murray & Larochelle, A Deep and
    Tractable Density Estimator (ICML 2014); of chorales Huang et al., Counterpoint by Convolution
    (ISMIR 2017). Raises `ValueError` where steps are no interleaved voices.
    """

    def __init__(
        self,
        input: Callable[..., Input],
        backbone: Callable[..., Backbone],
        head: Callable[..., Head],
        frame_input: Callable[..., Input] | None,
        frame_head: Callable[..., Head] | None,
        voices: OrderedParts,
        *,
        spec: SequenceSpec,
    ) -> None:
        super().__init__(input, backbone, head, frame_input, frame_head, voices, spec=spec)
        if spec.kind != "tokens" or spec.voices_per_step == 1 or spec.falling:
            raise ValueError(
                "it takes interleaved voices alone, two or more: say representation=voices."
            )
        if self.controls is not None:
            raise ValueError("it has no controls: say model.voices.controls.names=[].")
        self.orders = torch.tensor(list(spread_orders(spec.voices_per_step, voices.orders)))

    def nll(
        self,
        steps: Tensor,
        positions: Tensor,
        targets: Tensor,
        semitones: Tensor | None = None,
        levels: Tensor | None = None,
    ) -> Tensor:
        """Return the nats of each target, (batch, time), in an order drawn for each time step.

        That is while training; else the result is that of `score`. There are no controls.
        """
        del levels
        if not self.training:
            return self.score(steps, positions, targets, semitones)
        sequences, shape = self._time_steps(steps, positions, targets)
        order = torch.rand(shape, device=steps.device).argsort(dim=-1)
        reordered, places = reorder_voices(sequences, order, self.spec)
        nll = super().nll(*reordered, semitones).reshape(shape)
        # each back to the place of its target, without the padding
        return torch.zeros_like(nll).scatter(-1, places, nll).flatten(1)[:, : targets.shape[1]]

    @torch.no_grad()
    def score(
        self,
        steps: Tensor,
        positions: Tensor,
        targets: Tensor,
        semitones: Tensor | None = None,
        chunk: int = 1024,
    ) -> Tensor:
        """Return the nats of each time step at its first target, and 0 at the others.

        The probability of a time step is the mean over orders. Returns (batch, time).
        """
        sequences, shape = self._time_steps(steps, positions, targets)
        of_orders = []
        for order in self.orders.to(steps.device):
            reordered, _ = reorder_voices(sequences, order.expand(shape), self.spec)
            nll = super().score(*reordered, semitones, chunk)
            of_orders.append(nll.reshape(shape).sum(dim=-1).double())
        # the negative log of the mean of exp(-nll), without leaving logarithms
        mean = math.log(len(of_orders)) - torch.logsumexp(-torch.stack(of_orders), dim=0)
        at_first = mean.to(nll.dtype)[..., None] * torch.eye(shape[-1], device=nll.device)[0]
        return at_first.flatten(1)[:, : targets.shape[1]]

    def _time_steps(
        self, steps: Tensor, positions: Tensor, targets: Tensor
    ) -> tuple[Sequences, tuple[int, int, int]]:
        """Return whole time steps, and their shape: (batch, time steps, voices)."""
        voices = self.spec.voices_per_step
        padded = pad_time_steps(Sequences(steps, positions, targets), voices)
        return padded, (len(steps), padded.steps.shape[1] // voices, voices)


def spread_orders(voices: int, count: int) -> Iterator[list[int]]:
    """Yield `count` orders of the voices, spread evenly over all in lexicographic order.

    The first is 0, 1, …, the last its reverse; of more orders than there are, all.
    """
    every = math.factorial(voices)
    count = min(count, every)
    for i in range(count):
        # the digits of its number in the factorial system say which voice comes next
        number, left = i * (every - 1) // max(1, count - 1), list(range(voices))
        order = []
        for remaining in range(voices, 0, -1):
            at, number = divmod(number, math.factorial(remaining - 1))
            order.append(left.pop(at))
        yield order
