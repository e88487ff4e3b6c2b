"""Nats of the frames that chords write, as published figures count them: no frame is an end."""

from typing import Any

import torch
from torch import Tensor, nn

from ostinato.data.windows import WholePieces
from ostinato.models.steps import IGNORED

BATCH = 16  # pieces side by side


class WithoutEnd(nn.Module):
    """A head whose end token has probability 0: what is said of a piece that is known to go on."""

    def __init__(self, head: Any, end: int) -> None:
        super().__init__()
        self.head, self.end = head, end

    def forward(self, *arguments: Any) -> tuple[Tensor, Any]:
        """Return logits (batch, time, vocabulary) and the state, as the head does."""
        logits, state = self.head(*arguments)
        end = torch.arange(logits.shape[-1], device=logits.device) == self.end
        return logits.masked_fill(end, -torch.inf), state

    def nll(self, context: Tensor, targets: Tensor) -> Tensor:
        """Return the nats of each target, as the head does."""
        nll: Tensor = self.head.nll(context, targets)
        return nll


@torch.no_grad()
def score_frames(bundle: Any, store: Any, indices: Any, first: int = 0) -> list[dict[str, Any]]:
    """Return the nats and the frames of each piece, from its frame `first` on.

    A row has `name`, `nats` and `frames`.
    """
    representation, network = bundle.representation, bundle.network.eval()
    head, width = network.head, representation.voices_per_step
    network.head = WithoutEnd(head, representation.end)
    rows = []
    try:
        batches = WholePieces(store, indices, BATCH)
        for number, members in enumerate(batches.batches):
            batch = batches[number]
            targets = batch.targets.masked_fill(batch.targets == representation.end, IGNORED)
            nll = network.score(batch.inputs, batch.positions, targets, batch.semitones)
            nats = nll[:, first * width :].double().sum(1).tolist()
            tokens = (targets != IGNORED).sum(1).tolist()
            rows += [
                {"name": store.names[i], "nats": n, "frames": t // width - first}
                for i, n, t in zip(members, nats, tokens, strict=True)
            ]
    finally:
        network.head = head
    return rows
