"""Recurrent backbones: Elman 1990, LSTM (Hochreiter & Schmidhuber 1997), GRU (Cho et al. 2014)."""

from abc import abstractmethod
from typing import Annotated, Any

from pydantic import Field
from torch import Tensor, nn

from ostinato.models.backbone import Backbone
from ostinato.models.steps import take_rows


class Recurrent(Backbone):
    """Stacks layers of one kind of recurrent cell; the state is the cell's own."""

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
        y, state = self.layers(x, state)
        return y, state

    def select(self, state: Any, rows: Tensor) -> Any:
        """Return the state of the sequences `rows`; its tensors are (layers, batch, units)."""
        return take_rows(state, rows, dim=1)


class RNN(Recurrent):
    """Elman's simple recurrent network with tanh (Finding structure in time, 1990)."""

    cell = nn.RNN


class GRU(Recurrent):
    """Gated recurrent units (Cho et al., EMNLP 2014)."""

    cell = nn.GRU


class LSTM(Recurrent):
    """Long short-term memory (Hochreiter & Schmidhuber 1997)."""

    cell = nn.LSTM
