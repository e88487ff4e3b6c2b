"""A sequence model is an input, a backbone and a head."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ostinato.models.backbone import Backbone
from ostinato.models.heads import Head
from ostinato.models.inputs import Input

IGNORED = -100  # a target that is padding


class SequenceModel(nn.Module):
    """Predicts each token from those before it."""

    def __init__(
        self,
        input: Callable[..., Input],
        backbone: Callable[..., Backbone],
        head: Callable[..., Head],
        *,
        vocabulary_size: int,
        position_sizes: tuple[int, ...],
    ) -> None:
        super().__init__()
        self.input = input(vocabulary_size=vocabulary_size, position_sizes=position_sizes)
        self.backbone = backbone(input_size=self.input.output_size)
        self.head = head(input_size=self.backbone.output_size, vocabulary_size=vocabulary_size)

    def forward(self, tokens: Tensor, positions: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """tokens: (batch, time), positions: (batch, time, features) -> logits of the next token.

        Returns logits (batch, time, vocabulary) and the state after the last step; given that
        state, the next call continues the sequences.
        """
        y, state = self.backbone(self.input(tokens, positions), state)
        return self.head(y), state

    @torch.no_grad()
    def score(
        self, tokens: Tensor, positions: Tensor, targets: Tensor, chunk: int = 1024
    ) -> Tensor:
        """Negative log-likelihood of each target in nats, (batch, time); 0 where it is ignored.

        Sequences of any length are scored whole, `chunk` steps at a time with the state carried.
        """
        parts, state = [], None
        for start in range(0, tokens.shape[1], chunk):
            part = slice(start, start + chunk)
            logits, state = self(tokens[:, part], positions[:, part], state)
            parts.append(
                nn.functional.cross_entropy(
                    logits.flatten(0, 1),
                    targets[:, part].flatten(),
                    reduction="none",
                    ignore_index=IGNORED,
                ).view_as(targets[:, part])
            )
        return torch.cat(parts, dim=1)
