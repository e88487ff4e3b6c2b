"""How well a model predicts pieces it has not seen."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ostinato import console
from ostinato.batches.store import TokenStore
from ostinato.batches.windows import WholePieces
from ostinato.models.sequence import SequenceModel
from ostinato.representations.base import TokenRepresentation


@dataclass(frozen=True)
class Counts:
    """What likelihoods of a set of pieces are divided by.

    `tokens` are the predicted ones: every token of every piece and its end token; where the
    representation has no end token, the first of each piece is not predicted.
    """

    pieces: int
    tokens: int
    notes: int
    quarters: float


def count(
    store: TokenStore, indices: NDArray[np.int64], representation: TokenRepresentation
) -> Counts:
    """Count the pieces at `indices`."""
    begins = representation.note_counts()
    pieces = [store.piece(i)[1:] for i in indices]
    return Counts(
        pieces=len(pieces),
        tokens=sum(map(len, pieces)),
        notes=sum(int(begins[p].sum()) for p in pieces),
        quarters=float(store.quarters[indices].sum()),
    )


def total_nll(
    network: SequenceModel, store: TokenStore, indices: NDArray[np.int64], batch_size: int
) -> float:
    """The negative log-likelihood of the pieces at `indices`, in nats, summed over all of them."""
    network.eval()
    device = next(network.parameters()).device
    batches = WholePieces(store, indices, batch_size)
    total = 0.0
    for i in console.track(range(len(batches)), "scoring the test pieces", len(batches)):
        batch = batches[i].to(device)
        nll = network.score(batch.inputs, batch.positions, batch.targets)
        total += float(nll.to(torch.float64).sum())
    return total


def per_unit(total: float, counts: Counts) -> dict[str, float]:
    """Nats per token, per note and per quarter note."""
    units = {"token": counts.tokens, "note": counts.notes, "quarter": counts.quarters}
    return {f"nats_per_{unit}": round(total / n, 6) for unit, n in units.items() if n}
