"""A distribution over tokens."""

from torch import Tensor, nn

from ostinato.models.heads.base import Choose, Logits
from ostinato.models.steps import IGNORED


class Softmax(Logits):
    """One token of the vocabulary: categorical. The context is its logits."""

    takes = frozenset({"tokens"})

    def nll(self, context: Tensor, targets: Tensor) -> Tensor:
        return token_nll(context, targets)

    def draw(self, context: Tensor, choose: Choose) -> Tensor:
        return choose.one(context)


def token_nll(logits: Tensor, targets: Tensor) -> Tensor:
    """Nats of each target, 0 where it is IGNORED: (batch, time), of logits with a vocabulary."""
    return nn.functional.cross_entropy(
        logits.flatten(0, 1), targets.flatten(), reduction="none", ignore_index=IGNORED
    ).view_as(targets)
