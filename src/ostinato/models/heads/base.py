"""The contract of every head: give the likelihood of the next step, and draw it."""

from abc import ABC, abstractmethod
from typing import Annotated, Any, ClassVar, Protocol

from pydantic import Field
from torch import Tensor, nn

from ostinato.models.steps import SequenceSpec


class Sampler(Protocol):
    """Makes the random draws of a head: temperature, top-k and the generator are its own."""

    def categorical(self, logits: Tensor, notes: Tensor | None = None) -> Tensor:
        """Draw one class of each row of logits (batch, classes): (batch,).

        notes: (classes,) bool, which classes are notes; None where the sampler knows.
        """

    def bernoulli(self, logits: Tensor) -> Tensor:
        """Draw 0 or 1 for each logit by itself, in the shape of the logits."""


class Head(nn.Module, ABC):
    """Gives each next step its likelihood, and draws one.

    `takes` names the kinds of steps that it gives probabilities to: `tokens` or `frames`. The
    constructor takes, by keyword alone, `input_size` (of y) and `spec`, the `SequenceSpec` to
    predict.
    """

    takes: ClassVar[frozenset[str]]
    one_of_many: ClassVar[bool] = True
    """Whether it draws one of many, so that top-k and nucleus sampling mean something."""

    @abstractmethod
    def forward(
        self, y: Tensor, steps: Tensor, positions: Tensor, state: Any = None
    ) -> tuple[Tensor, Any]:
        """Return the context, which `nll` and `draw` need, and the state after the last step.

        y: (batch, time, input_size) of the backbone; steps: (batch, time) tokens or (batch, time,
        width) frames, those that y has seen, each the one before a target; positions: (batch, time,
        features) of the targets; state: what an earlier call returned, to go on with the sequences.
        The context is (batch, time, …); the state is None where nothing must be remembered.
        """

    @abstractmethod
    def nll(self, context: Tensor, targets: Tensor) -> Tensor:
        """Return the exact negative log-likelihood of each whole step in nats: (batch, time).

        targets: as the steps of `forward`, in frames of any number type; 0 where they are IGNORED.
        """

    @abstractmethod
    def draw(self, context: Tensor, sampler: Sampler) -> Tensor:
        """Draw the next step of each sequence: (batch,) tokens or (batch, width) frames.

        context: (batch, …), that of the last step.
        """


class Logits(Head):
    """A head whose context is one number for each token, or for each column of a frame."""

    def __init__(
        self,
        dropout: Annotated[float, Field(ge=0, lt=1, description="dropped before the head")],
        *,
        input_size: int,
        spec: SequenceSpec,
    ) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.logits = nn.Linear(input_size, spec.size)

    def forward(
        self, y: Tensor, steps: Tensor, positions: Tensor, state: Any = None
    ) -> tuple[Tensor, Any]:
        """Return logits (batch, time, size) of y (batch, time, input_size); no state."""
        del steps, positions, state
        return self.logits(self.dropout(y)), None
