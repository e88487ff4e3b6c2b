"""Frames whose columns are independent."""

import torch
from torch import Tensor, nn

from ostinato.models.heads.base import Logits, Sampler
from ostinato.models.steps import predicted


class Bernoulli(Logits):
    """Predicts each column of a frame by itself, as if pitches at one time step were independent.

    The classic baseline of Boulanger-Lewandowski, Bengio & Vincent, Modeling temporal dependencies
    in high-dimensional sequences (ICML 2012). The context is the logits of the columns.
    """

    takes = frozenset({"frames"})
    one_of_many = False

    def nll(self, context: Tensor, targets: Tensor) -> Tensor:
        # targets of padding are IGNORED; they are clamped to 0 here and masked below
        columns = nn.functional.binary_cross_entropy_with_logits(
            context, targets.clamp(min=0).to(context.dtype), reduction="none"
        )
        return torch.where(predicted(targets), columns.sum(-1), 0.0)

    def draw(self, context: Tensor, sampler: Sampler) -> Tensor:
        return sampler.bernoulli(context)
