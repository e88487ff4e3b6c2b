"""What every head can do: say how likely the next step is, and draw it."""

from abc import ABC, abstractmethod
from typing import Annotated, Any, ClassVar, Protocol

from pydantic import Field
from torch import Tensor, nn

from ostinato.models.steps import Steps


class Choose(Protocol):
    """Where all chance is."""

    def one(self, logits: Tensor) -> Tensor:
        """One of many: logits (batch, many) -> (batch,)."""

    def bits(self, logits: Tensor) -> Tensor:
        """Each bit by itself: logits of any shape -> 0 and 1 in that shape."""


class Head(nn.Module, ABC):
    """Says how likely each next step is, and draws one.

    `takes` names the kinds of steps that it gives probabilities to: `tokens` or `frames`. The
    constructor takes, by keyword alone, `input_size` (of y) and `steps`, the `Steps` to predict.
    """

    takes: ClassVar[frozenset[str]]
    one_of_many: ClassVar[bool] = True
    """Whether it draws one of many, so that top-k and nucleus sampling mean something."""

    @abstractmethod
    def forward(
        self, y: Tensor, steps: Tensor, positions: Tensor, state: Any = None
    ) -> tuple[Tensor, Any]:
        """What `nll` and `draw` need to know of each next step, and the state after the last.

        y: (batch, time, input_size) of the backbone; steps: (batch, time) tokens or (batch, time,
        width) frames, those that y has seen, each the one before a target; positions: (batch, time,
        features) of the targets. Returns the context, (batch, time, …), and what must be remembered
        to go on with the sequences; None where that is nothing.
        """

    @abstractmethod
    def nll(self, context: Tensor, targets: Tensor) -> Tensor:
        """Exact negative log-likelihoods of whole steps in nats: (batch, time).

        targets: as the steps of `forward`, in frames of any number type; 0 where they are IGNORED.
        """

    @abstractmethod
    def draw(self, context: Tensor, choose: Choose) -> Tensor:
        """The next step of each sequence: (batch,) tokens or (batch, width) frames.

        context: (batch, …), that of the last step.
        """


class Logits(Head):
    """A head whose context is one number for each token, or for each column of a frame."""

    def __init__(
        self,
        dropout: Annotated[float, Field(ge=0, lt=1, description="dropped before the head")] = 0.0,
        *,
        input_size: int,
        steps: Steps,
    ) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.logits = nn.Linear(input_size, steps.size)

    def forward(
        self, y: Tensor, steps: Tensor, positions: Tensor, state: Any = None
    ) -> tuple[Tensor, Any]:
        """y: (batch, time, input_size) -> logits (batch, time, size of steps), and no state."""
        del steps, positions, state
        return self.logits(self.dropout(y)), None
