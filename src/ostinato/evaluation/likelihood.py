"""Likelihood of pieces that a model has not seen."""

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ostinato import console
from ostinato.data.store import TokenStore
from ostinato.data.windows import Batch, WholePieces
from ostinato.models.sequence import SequenceModel
from ostinato.models.steps import predicted
from ostinato.representations.base import (
    FrameRepresentation,
    Representation,
    TokenRepresentation,
)


@dataclass(frozen=True)
class Counts:
    """Counts that likelihoods of a set of pieces are divided by.

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
        """Return the counts by name: pieces, tokens or frames, notes and quarters."""
        steps = {f"{self.unit}s": self.steps}
        return {"pieces": self.pieces, **steps, "notes": self.notes, "quarters": self.quarters}


@dataclass(frozen=True)
class PieceLikelihoods:
    """Negative log-likelihood of pieces: `nats` (pieces,), with their `notes` and `quarters`."""

    names: list[str]
    nats: NDArray[np.float64]
    notes: NDArray[np.int64]
    quarters: NDArray[np.float64]
    counts: Counts


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
        notes=int(notes_of_pieces(store, indices, representation).sum()),
        quarters=float(store.quarters[indices].sum()),
        unit=representation.unit,
    )


def notes_of_pieces(
    store: TokenStore,
    indices: NDArray[np.int64],
    representation: TokenRepresentation | FrameRepresentation,
) -> NDArray[np.int64]:
    """Return how many notes begin in each of the pieces at `indices`: (pieces,)."""
    ends = representation.end is not None
    pieces = (store.piece(i) for i in indices)
    counts = [representation.note_count(piece[1 : len(piece) - ends]) for piece in pieces]
    return np.array(counts, np.int64)


def nll_of_pieces(
    network: SequenceModel,
    store: TokenStore,
    indices: NDArray[np.int64],
    batch_size: int,
    representation: Representation | None = None,
    transpose: tuple[int, int] = (0, 0),
) -> NDArray[np.float64]:
    """Return the negative log-likelihood of each of the pieces at `indices`, in nats.

    With `transpose`, the probability of each step is the mean of what the network says of it in
    every transposition from the lowest to the highest, which `representation` makes: one more
    distribution over steps, whose probabilities sum to no more than 1, as a transposition in which
    a pitch of the piece would be out of range counts as saying 0.
    """
    network.eval()
    batches = WholePieces(store, indices, batch_size)
    nats = np.zeros(len(store.names))
    for i in console.track(range(len(batches)), "scoring the test pieces", len(batches)):
        if representation is None or not any(transpose):
            nll = _score(network, batches[i])
        else:
            nll = _mean_over_keys(network, batches, i, representation, transpose)
        nats[batches.batches[i]] = nll.sum(1).numpy()
    return nats[indices]


def _score(network: SequenceModel, batch: Batch) -> torch.Tensor:
    batch = batch.to(next(network.parameters()).device)
    nll = network.score(batch.inputs, batch.positions, batch.targets, batch.semitones)
    return nll.to(torch.float64).cpu()


def _mean_over_keys(
    network: SequenceModel,
    batches: WholePieces,
    index: int,
    representation: Representation,
    transpose: tuple[int, int],
) -> torch.Tensor:
    """Return nats of each step, the mean of its probabilities taken over transpositions."""
    store, rows = batches.store, batches.batches[index]
    log_probabilities = []
    for semitones in range(transpose[0], transpose[1] + 1):
        inside = (store.lowest[rows] + semitones >= representation.lowest) & (
            store.highest[rows] + semitones <= representation.highest
        )
        batch = batches.transpose(index, representation, semitones * inside)
        nll = _score(network, batch)
        log_probabilities.append(torch.where(torch.from_numpy(inside)[:, None], -nll, -torch.inf))
    mean = torch.logsumexp(torch.stack(log_probabilities), dim=0) - math.log(len(log_probabilities))
    return torch.where(predicted(batch.targets), -mean, 0.0)


def per_unit(total: float, counts: Counts) -> dict[str, float]:
    """Return nats per token or frame, per note and per quarter note."""
    units = {counts.unit: counts.steps, "note": counts.notes, "quarter": counts.quarters}
    return {f"nats_per_{unit}": round(total / n, 6) for unit, n in units.items() if n}


def table_of_pieces(
    store: TokenStore,
    indices: NDArray[np.int64],
    nats: NDArray[np.float64],
    unit: str,
    more: Mapping[str, NDArray[Any]] | None = None,
) -> str:
    """Return CSV with a row a piece: its name, its nats, and how many tokens or frames they are of.

    `more` adds columns: values (pieces,) by name.
    """
    text, more = io.StringIO(), more or {}
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["name", "nats", f"{unit}s", *more])
    for index, value, *others in zip(indices, nats, *more.values(), strict=True):
        length = store.offsets[index + 1] - store.offsets[index] - 1
        shown = [f"{x:.6f}" if isinstance(x, np.floating) else x for x in others]
        rows.writerow([store.names[index], f"{value:.6f}", length, *shown])
    return text.getvalue()
