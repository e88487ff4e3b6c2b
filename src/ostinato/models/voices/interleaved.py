"""Interleaved voices: one step of time at a time, and within it one voice at a time."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from ostinato.models.backbone import Backbone
from ostinato.models.steps import take_rows


class InterleavedState(NamedTuple):
    """The state: that of the outer backbone, its last output, and the last inputs.

    output: (batch, 0 or 1, size), that for the group that is under way; inputs: (batch, period - 1,
    input_size), of which the last `within` belong to that group.
    """

    outer: Any
    output: Tensor
    inputs: Tensor
    within: int


class Interleaved(Backbone):
    """Takes tokens in groups of `period`, as many as there are voices.

    The outer backbone makes one step a group, on the tokens of the previous group; within a group,
    a hidden layer sums its output and the tokens so far, as in NADE (Larochelle & Murray 2011). So
    time is `period` times shorter for the outer one: the two levels of RQ-Transformer (Lee et al.,
    CVPR 2022) and of the music models since.
    """

    def __init__(
        self,
        hidden_size: Annotated[int, Field(ge=1, le=16384, description="units within")],
        layers: Annotated[int, Field(ge=0, le=16, description="residual layers within")],
        dropout: Annotated[float, Field(ge=0, lt=1, description="dropped within a group")],
        outer_dropout: Annotated[
            float, Field(ge=0, lt=1, description="dropped of the input of the outer backbone")
        ],
        context: Annotated[
            Literal["all", "last"],
            Field(description="which tokens of a group the outer backbone sees: all, or the last"),
        ],
        *,
        outer: Callable[..., Backbone],
        period: int,
        input_size: int,
    ) -> None:
        super().__init__()
        self.period, self.output_size = period, hidden_size
        self.outer = outer(input_size=hidden_size)
        self.context = context
        self.outer_input = nn.Linear((period if context == "all" else 1) * input_size, hidden_size)
        self.outer_output = nn.Linear(self.outer.output_size, hidden_size)
        self.current = nn.Linear(input_size, hidden_size)
        self.previous = nn.ModuleList(nn.Linear(input_size, hidden_size) for _ in range(period - 1))
        self.hidden = nn.ModuleList(nn.Linear(hidden_size, hidden_size) for _ in range(layers))
        self.dropout, self.outer_dropout = nn.Dropout(dropout), nn.Dropout(outer_dropout)

    def forward(self, x: Tensor, state: Any = None) -> tuple[Tensor, InterleavedState]:
        """Return y (batch, time, hidden_size) and the state after x (batch, time, input_size).

        The first x of a sequence, and each `period`-th after it, begins a group.
        """
        batch, time, width = x.shape
        empty = x.new_zeros(batch, self.period - 1, width)
        before = state or InterleavedState(
            None, x.new_zeros(batch, 0, self.outer.output_size), empty, 0
        )
        inputs = torch.cat([before.inputs, x], dim=1)
        outer, state_of_outer = self._outer(inputs, before)
        if time == 1:
            y = self._next(outer[:, -1], inputs, before.within)
            within = (before.within + 1) % self.period
            return y, InterleavedState(state_of_outer, outer[:, -1:], inputs[:, 1:], within)
        # from the first token of the group that is under way, filled up to whole groups
        groups = inputs[:, self.period - 1 - before.within :]
        missing = -groups.shape[1] % self.period
        padded = nn.functional.pad(groups, (0, 0, 0, missing))
        grouped = padded.reshape(batch, -1, self.period, width)
        # of these groups, x is what comes after the `within` tokens of earlier calls
        y = self._within(outer, grouped).flatten(1, 2)[:, before.within : before.within + time]
        last_inputs = inputs[:, inputs.shape[1] - self.period + 1 :]
        within = (before.within + time) % self.period
        return y, InterleavedState(state_of_outer, outer[:, -1:], last_inputs, within)

    def select(self, state: Any, rows: Tensor) -> Any:
        """Return the state of the sequences `rows`; the outer backbone takes its own."""
        if state is None:
            return None
        taken: InterleavedState = take_rows(state._replace(outer=None), rows)
        return taken._replace(outer=self.outer.select(state.outer, rows))

    def _outer(self, inputs: Tensor, before: InterleavedState) -> tuple[Tensor, Any]:
        """Return the outer output for each group that has a token: (batch, groups, size)."""
        # the outer backbone steps on `period` inputs that end with the first token of a group,
        # which is the input of its first prediction
        unseen = inputs[:, -before.within % self.period :]
        output, state = before.output, before.outer
        if unseen.shape[1] >= self.period:
            context = nn.functional.gelu(
                self.outer_input(self.outer_dropout(self._context(unseen)))
            )
            more, state = self.outer(self.outer_dropout(context), state)
            output = torch.cat([output, more], dim=1) if before.within else more
        return output, state

    def _context(self, inputs: Tensor) -> Tensor:
        """Return what the outer backbone sees of each `period` inputs: (batch, groups, …)."""
        if self.context == "last":
            return inputs[:, self.period - 1 :: self.period]
        # (batch, groups, input_size, period) -> (batch, groups, period * input_size)
        return inputs.unfold(1, self.period, self.period).transpose(2, 3).flatten(2)

    def _next(self, outer: Tensor, inputs: Tensor, within: int) -> Tensor:
        """Return what `_within` gives the last of some inputs, alone: (batch, 1, hidden_size).

        outer: (batch, size) of its group; inputs: (batch, period, width), of which `within` before
        the last belong to its group.
        """
        x = self.outer_output(self.dropout(outer)) + self.current(inputs[:, -1])
        if within:
            group = inputs[:, -within:].unbind(1)
            so_far = [layer(one) for layer, one in zip(self.previous, group, strict=False)]
            x = x + torch.stack(so_far).sum(0)
        return self._hidden(nn.functional.relu(x))[:, None]

    def _hidden(self, x: Tensor) -> Tensor:
        for layer in self.hidden:
            x = x + nn.functional.relu(layer(self.dropout(x)))
        return x

    def _within(self, outer: Tensor, grouped: Tensor) -> Tensor:
        """Return (batch, groups, period, hidden_size) of inputs (batch, groups, period, width)."""
        previous = [layer(grouped[:, :, i + 1]) for i, layer in enumerate(self.previous)]
        x = self.outer_output(self.dropout(outer))[:, :, None] + self.current(grouped)
        if previous:
            # position i sums the inputs 1 to i of its group: position 0 none of them
            so_far = torch.stack(previous, dim=2).cumsum(2)
            x = x + nn.functional.pad(so_far, (0, 0, 1, 0))
        return self._hidden(nn.functional.relu(x))
