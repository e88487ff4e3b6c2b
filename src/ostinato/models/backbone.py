"""Backbones carry information along time: their contract."""

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor, nn

from ostinato.models.steps import take_rows


class Backbone(nn.Module, ABC):
    """Carries information along time."""

    output_size: int
    period: int = 1
    """Training windows begin at a multiple of so many steps of their piece."""

    @abstractmethod
    def forward(self, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Return y, (batch, time, output_size), and the state after x, (batch, time, input_size).

        Passing the state on continues the sequence: one step at a time, or in chunks of any
        length, gives what the whole pass gives.
        """

    def select(self, state: Any, rows: Tensor) -> Any:
        """Return the state of the sequences numbered `rows`, (batch,) int64, which may repeat.

        A backbone whose tensors do not all begin with the batch says here where it is.
        """
        return take_rows(state, rows)
