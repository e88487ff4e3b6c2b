"""How well a model predicts pieces it has not seen."""

import csv
import io
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ostinato import console
from ostinato.batches.store import TokenStore
from ostinato.batches.windows import WholePieces
from ostinato.models.sequence import SequenceModel
from ostinato.representations.base import FrameRepresentation, TokenRepresentation


@dataclass(frozen=True)
class Counts:
    """What likelihoods of a set of pieces are divided by.

    `steps` are the predicted ones, by name `unit`. Of tokens: every token of every piece and its
    end token; where the representation has no end token, the first of each piece is not predicted.
    Of frames: every frame, the first included.
    """

    pieces: int
    steps: int
    notes: int
    quarters: float
    unit: str

    def table(self) -> dict[str, float]:
        """The counts by name: pieces, tokens or frames, notes and quarters."""
        steps = {f"{self.unit}s": self.steps}
        return {"pieces": self.pieces, **steps, "notes": self.notes, "quarters": self.quarters}


def count(
    store: TokenStore,
    indices: NDArray[np.int64],
    representation: TokenRepresentation | FrameRepresentation,
) -> Counts:
    """Count the pieces at `indices`."""
    lengths = store.offsets[indices + 1] - store.offsets[indices] - 1
    return Counts(
        pieces=len(indices),
        steps=int(lengths.sum()),
        notes=_notes(store, indices, representation),
        quarters=float(store.quarters[indices].sum()),
        unit=representation.unit,
    )


def _notes(
    store: TokenStore,
    indices: NDArray[np.int64],
    representation: TokenRepresentation | FrameRepresentation,
) -> int:
    pieces = (store.piece(i)[1:] for i in indices)
    if isinstance(representation, FrameRepresentation):
        return sum(map(representation.note_count, pieces))
    begins = representation.note_counts()
    return sum(int(begins[piece].sum()) for piece in pieces)


def nll_of_pieces(
    network: SequenceModel, store: TokenStore, indices: NDArray[np.int64], batch_size: int
) -> NDArray[np.float64]:
    """The negative log-likelihood of each of the pieces at `indices`, in nats."""
    network.eval()
    device = next(network.parameters()).device
    batches = WholePieces(store, indices, batch_size)
    nats = np.zeros(len(store.names))
    for i in console.track(range(len(batches)), "scoring the test pieces", len(batches)):
        batch = batches[i].to(device)
        nll = network.score(batch.inputs, batch.positions, batch.targets)
        nats[batches.batches[i]] = nll.to(torch.float64).sum(1).cpu().numpy()
    return nats[indices]


def per_unit(total: float, counts: Counts) -> dict[str, float]:
    """Nats per token or frame, per note and per quarter note."""
    units = {counts.unit: counts.steps, "note": counts.notes, "quarter": counts.quarters}
    return {f"nats_per_{unit}": round(total / n, 6) for unit, n in units.items() if n}


def table_of_pieces(
    store: TokenStore, indices: NDArray[np.int64], nats: NDArray[np.float64], unit: str
) -> str:
    """CSV with a row a piece: its name, its nats, and how many tokens or frames they are of."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["name", "nats", f"{unit}s"])
    for index, value in zip(indices, nats, strict=True):
        length = store.offsets[index + 1] - store.offsets[index] - 1
        rows.writerow([store.names[index], f"{value:.6f}", length])
    return text.getvalue()
