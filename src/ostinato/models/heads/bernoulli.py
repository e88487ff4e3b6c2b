"""Frames whose columns are independent."""

import torch
from torch import Tensor, nn

from ostinato.models.heads.base import Choose, Logits
from ostinato.models.steps import predicted


class Bernoulli(Logits):
    """Each column of a frame by itself, as if no pitch knew of the others at the same moment.

    The classic baseline of Boulanger-Lewandowski, Bengio & Vincent, Modeling temporal dependencies
    in high-dimensional sequences (ICML 2012). The context is the logits of the columns.
    """

    takes = frozenset({"frames"})
    one_of_many = False

    def nll(self, context: Tensor, targets: Tensor) -> Tensor:
        bits = nn.functional.binary_cross_entropy_with_logits(
            context, targets.clamp(min=0).to(context.dtype), reduction="none"
        )
        return torch.where(predicted(targets), bits.sum(-1), 0.0)

    def draw(self, context: Tensor, choose: Choose) -> Tensor:
        return choose.bits(context)
