"""From what a backbone knows to a distribution over the next step."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from ostinato.models.steps import IGNORED, Steps, predicted

Choose = Callable[[Tensor], Tensor]


class Head(nn.Module, ABC):
    """Says how likely each next step is, and draws one.

    `takes` names the kinds of steps that it gives probabilities to: `tokens` or `frames`. The
    constructor takes, by keyword alone, `input_size` (of y) and `steps`, the `Steps` to predict.
    """

    takes: ClassVar[frozenset[str]]

    @abstractmethod
    def forward(self, y: Tensor, steps: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """What `nll` and `draw` need to know of each next step, and the state after the last.

        y: (batch, time, input_size) of the backbone; steps: (batch, time) tokens or (batch, time,
        width) frames, those that y has seen, each the one before a target. Returns the context,
        (batch, time, …), and what must be remembered to go on with the sequences; None where that
        is nothing.
        """

    @abstractmethod
    def nll(self, context: Tensor, targets: Tensor) -> Tensor:
        """Exact negative log-likelihoods of whole steps in nats: (batch, time).

        targets: as the steps of `forward`, in frames of any number type; 0 where they are IGNORED.
        """

    @abstractmethod
    def draw(self, context: Tensor, choose: Choose) -> Tensor:
        """The next step of each sequence: (batch,) tokens or (batch, width) frames.

        context: (batch, …), that of the last step. All chance is in `choose`: given logits over
        tokens, (batch, vocabulary), it returns tokens (batch,); given logits of single bits of any
        shape, it returns as many 0 and 1 in that shape.
        """


class Softmax(Head):
    """One token of the vocabulary: categorical. The context is its logits."""

    takes = frozenset({"tokens"})

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

    def forward(self, y: Tensor, steps: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """y: (batch, time, input_size) -> logits (batch, time, vocabulary), and no state."""
        del steps, state
        return self.logits(self.dropout(y)), None

    def nll(self, context: Tensor, targets: Tensor) -> Tensor:
        return nn.functional.cross_entropy(
            context.flatten(0, 1), targets.flatten(), reduction="none", ignore_index=IGNORED
        ).view_as(targets)

    def draw(self, context: Tensor, choose: Choose) -> Tensor:
        return choose(context)


class Bernoulli(Head):
    """Each column of a frame by itself, as if no pitch knew of the others at the same moment.

    The classic baseline of Boulanger-Lewandowski, Bengio & Vincent, Modeling temporal dependencies
    in high-dimensional sequences (ICML 2012). The context is the logits of the columns.
    """

    takes = frozenset({"frames"})

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

    def forward(self, y: Tensor, steps: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """y: (batch, time, input_size) -> logits (batch, time, width), and no state."""
        del steps, state
        return self.logits(self.dropout(y)), None

    def nll(self, context: Tensor, targets: Tensor) -> Tensor:
        bits = nn.functional.binary_cross_entropy_with_logits(
            context, targets.clamp(min=0).to(context.dtype), reduction="none"
        )
        return torch.where(predicted(targets), bits.sum(-1), 0.0)

    def draw(self, context: Tensor, choose: Choose) -> Tensor:
        return choose(context)
