"""A distribution over tokens."""

from torch import Tensor, nn

from ostinato.models.heads.base import Logits, Sampler
from ostinato.models.steps import IGNORED


class Softmax(Logits):
    """Predicts one token of the vocabulary. The context is the logits."""

    takes = frozenset({"tokens"})

    def nll(self, context: Tensor, targets: Tensor) -> Tensor:
        return token_nll(context, targets)

    def draw(self, context: Tensor, sampler: Sampler) -> Tensor:
        return sampler.categorical(context)


def token_nll(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the nats of each target, 0 where it is IGNORED: (batch, time).

    logits: (batch, time, vocabulary); targets: (batch, time).
    """
    return nn.functional.cross_entropy(
        logits.flatten(0, 1), targets.flatten(), reduction="none", ignore_index=IGNORED
    ).view_as(targets)
