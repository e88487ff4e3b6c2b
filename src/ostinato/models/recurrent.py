"""Recurrent backbones: Elman 1990, LSTM (Hochreiter & Schmidhuber 1997), GRU (Cho et al. 2014)."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from ostinato.models.backbone import Backbone
from ostinato.models.steps import take_rows

FEW = 32  # sequences; of more, the kernel for whole sequences makes a step faster than the cell's


class Recurrent(Backbone):
    """Stacks layers of one kind of recurrent cell; the state is the cell's own.

    few: a step of at most so many sequences, without gradients, is made by the kernel of one cell.
    That for whole sequences first reorders all weights, each time.
    """

    few = FEW
    step: ClassVar[Callable[..., Any]]
    """The kernel of one cell: torch.lstm_cell, torch.gru_cell, …"""

    @property
    @abstractmethod
    def cell(self) -> type[nn.RNN | nn.GRU | nn.LSTM]:
        """Return the kind of cell."""

    def __init__(
        self,
        hidden_size: Annotated[int, Field(ge=1, le=16384, description="units per layer")],
        layers: Annotated[int, Field(ge=1, le=64, description="layers, one above the other")],
        dropout: Annotated[float, Field(ge=0, lt=1, description="dropped between layers")],
        *,
        input_size: int,
    ) -> None:
        super().__init__()
        self.output_size = hidden_size
        between = dropout if layers > 1 else 0.0
        self.layers = self.cell(input_size, hidden_size, layers, batch_first=True, dropout=between)

    def forward(self, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Return y (batch, time, hidden_size) and the state after x (batch, time, input_size)."""
        batch, time, _ = x.shape
        learning = self.training or torch.is_grad_enabled()
        if time == 1 and batch <= self.few and state is not None and not learning and x.is_cpu:
            return self._step(x[:, 0], state)
        y, state = self.layers(x, state)
        return y, state

    def _step(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Return what `forward` does of one step (batch, input_size)."""
        several = isinstance(state, tuple)  # of an LSTM: outputs and cells
        after = []
        for layer, weights in enumerate(self.layers.all_weights):
            before = tuple(part[layer] for part in state) if several else state[layer]
            made = self.step(x, before, *weights)
            x = made[0] if several else made
            after.append(made)
        if several:
            return x[:, None], tuple(torch.stack(part) for part in zip(*after, strict=True))
        return x[:, None], torch.stack(after)

    def select(self, state: Any, rows: Tensor) -> Any:
        """Return the state of the sequences `rows`; its tensors are (layers, batch, units)."""
        return take_rows(state, rows, dim=1)


class RNN(Recurrent):
    """Elman's simple recurrent network with tanh (Finding structure in time, 1990)."""

    cell = nn.RNN
    step = staticmethod(torch.rnn_tanh_cell)


class GRU(Recurrent):
    """Gated recurrent units (Cho et al., EMNLP 2014)."""

    cell = nn.GRU
    step = staticmethod(torch.gru_cell)


class LSTM(Recurrent):
    """Long short-term memory (Hochreiter & Schmidhuber 1997)."""

    cell = nn.LSTM
    step = staticmethod(torch.lstm_cell)
