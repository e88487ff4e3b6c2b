"""Interleaved voices: one step of time at a time, and within it one voice at a time."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from ostinato.models.backbone import Backbone


class State(NamedTuple):
    """What to go on with: the outer state and output, the last inputs, how many of them are new.

    inputs: (batch, period - 1, input_size); `within` of them belong to the group that is under way.
    """

    outer: Any
    output: Tensor
    inputs: Tensor
    within: int


class Interleaved(Backbone):
    """Takes tokens in groups of `period`, as many as there are voices.

    The outer backbone makes one step a group, on the tokens of the group before; within a group, a
    hidden layer sums its output and the tokens said so far, as in NADE (Larochelle & Murray 2011).
    So time is `period` times shorter for the outer one: the two levels of RQ-Transformer (Lee et
    al., CVPR 2022) and of the music models since.
    """

    def __init__(
        self,
        outer: Callable[..., Backbone],
        period: Annotated[int, Field(ge=1, le=64, description="tokens to a group")] = 4,
        hidden_size: Annotated[int, Field(ge=1, le=16384, description="units within")] = 256,
        layers: Annotated[int, Field(ge=0, le=16, description="residual layers within")] = 2,
        dropout: Annotated[float, Field(ge=0, lt=1, description="of what is handed on")] = 0.0,
        outer_dropout: Annotated[
            float, Field(ge=0, lt=1, description="of what the outer backbone is given")
        ] = 0.0,
        joined: Annotated[
            Literal["all", "last"],
            Field(description="which tokens of a group it is given; last: the one before the next"),
        ] = "all",
        *,
        input_size: int,
    ) -> None:
        super().__init__()
        self.period, self.output_size = period, hidden_size
        self.outer = outer(input_size=hidden_size)
        self.joined = joined
        self.join = nn.Linear((period if joined == "all" else 1) * input_size, hidden_size)
        self.start = nn.Linear(self.outer.output_size, hidden_size)
        self.now = nn.Linear(input_size, hidden_size)
        self.said = nn.ModuleList(nn.Linear(input_size, hidden_size) for _ in range(period - 1))
        self.hidden = nn.ModuleList(nn.Linear(hidden_size, hidden_size) for _ in range(layers))
        self.dropout, self.outer_dropout = nn.Dropout(dropout), nn.Dropout(outer_dropout)

    def forward(self, x: Tensor, state: Any = None) -> tuple[Tensor, State]:
        """x: (batch, time, input_size) -> (batch, time, hidden_size) and the state after it.

        The first x of a sequence, and each `period`-th after it, begins a group.
        """
        batch, time, width = x.shape
        empty = x.new_zeros(batch, self.period - 1, width)
        before = state or State(None, x.new_zeros(batch, 0, self.outer.output_size), empty, 0)
        known = torch.cat([before.inputs, x], dim=1)
        outer, state_of_outer = self._outer(known, before)
        groups = known[:, self.period - 1 - before.within :]
        short = -groups.shape[1] % self.period
        filled = nn.functional.pad(groups, (0, 0, 0, short))
        grouped = filled.reshape(batch, -1, self.period, width)
        y = self._within(outer, grouped).flatten(1, 2)[:, before.within : before.within + time]
        kept = known[:, known.shape[1] - self.period + 1 :]
        within = (before.within + time) % self.period
        return y, State(state_of_outer, outer[:, -1:], kept, within)

    def _outer(self, known: Tensor, before: State) -> tuple[Tensor, Any]:
        """The outer output for each group of which there is a token: (batch, groups, size)."""
        after = known[:, -before.within % self.period :]  # up to the first token of the next group
        output, state = before.output, before.outer
        if after.shape[1] >= self.period:
            joined = nn.functional.gelu(self.join(self.outer_dropout(self._joined(after))))
            more, state = self.outer(self.outer_dropout(joined), state)
            output = torch.cat([output, more], dim=1) if before.within else more
        return output, state

    def _joined(self, after: Tensor) -> Tensor:
        """What the outer backbone is given of whole groups: (batch, groups, …)."""
        if self.joined == "last":
            return after[:, self.period - 1 :: self.period]
        return after.unfold(1, self.period, self.period).transpose(2, 3).flatten(2)

    def _within(self, outer: Tensor, grouped: Tensor) -> Tensor:
        """grouped: (batch, groups, period, input_size) -> (batch, groups, period, hidden_size)."""
        said = [layer(grouped[:, :, i + 1]) for i, layer in enumerate(self.said)]
        x = self.start(self.dropout(outer))[:, :, None] + self.now(grouped)
        if said:
            so_far = torch.stack(said, dim=2).cumsum(2)
            x = x + nn.functional.pad(so_far, (0, 0, 1, 0))
        x = nn.functional.relu(x)
        for layer in self.hidden:
            x = x + nn.functional.relu(layer(self.dropout(x)))
        return x
