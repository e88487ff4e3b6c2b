"""Nats of the frames that chords write, as published figures count them: no frame is an end."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ostinato.data.windows import WholePieces
from ostinato.models.sequence import SequenceModel
from ostinato.models.steps import IGNORED

BATCH = 16  # pieces side by side
COLUMNS = ("name", "nats", "frames", "first")


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
def score_frames(bundle: Any, store: Any, indices: Any) -> list[dict[str, Any]]:
    """Return a row for each piece: `COLUMNS`, of which `first` are the nats of its first frame."""
    representation, network = bundle.representation, bundle.network.eval()
    head, width = network.head, representation.voices_per_step
    if isinstance(network, SequenceModel):  # a masked model knows how long the piece is
        network.head = WithoutEnd(head, representation.end)
    rows = []
    try:
        batches = WholePieces(store, indices, BATCH)
        for number, members in enumerate(batches.batches):
            batch = batches[number]
            targets = batch.targets.masked_fill(batch.targets == representation.end, IGNORED)
            nll = network.score(batch.inputs, batch.positions, targets, batch.semitones)
            nats, first = nll.double().sum(1).tolist(), nll[:, :width].double().sum(1).tolist()
            frames = ((targets != IGNORED).sum(1) // width).tolist()
            names = [store.names[i] for i in members]
            columns = zip(names, nats, frames, first, strict=True)
            rows += [dict(zip(COLUMNS, row, strict=True)) for row in columns]
    finally:
        network.head = head
    return rows


def leave_out_first(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of `score_frames` without the piece's first frame."""
    return {**row, "nats": row["nats"] - row["first"], "frames": row["frames"] - 1}
