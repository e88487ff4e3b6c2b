"""Cells as vectors: by what they are, and by how far apart those that are known are."""

from itertools import combinations

import torch
from torch import Tensor, nn

from ostinato.models.masked.cells import CLASSES, OUTSIDE, PITCHES, REST, UNKNOWN, pitch_of

WIDEST = 24  # semitones that are told apart; all beyond are one
INTERVALS = 2 * WIDEST + 2  # from -WIDEST to WIDEST, and one where something is silent or unknown
PITCH_CLASSES = 12
INPUTS = CLASSES + 2
KINDS = 5  # a note begins, rests, goes on, is not known, lies outside


def fill_left(cell: Tensor) -> Tensor:
    """Return the pitch that is known last, at or before each step, else `REST`.

    cell, and what is returned: (batch, steps, voices). A rest that is known counts.
    """
    steps = torch.arange(cell.shape[1], device=cell.device)[:, None]
    known = (cell != UNKNOWN) & (cell != OUTSIDE)
    latest = torch.where(known, steps, -1).cummax(dim=1).values
    found = pitch_of(cell).gather(1, latest.clamp(min=0))
    return torch.where(latest < 0, REST, found)


def fill_right(cell: Tensor) -> Tensor:
    """Return the pitch that is known next, at or after each step, else `REST`, as `fill_left`."""
    return fill_left(cell.flip(1)).flip(1)


class CellInput(nn.Module):
    """Sums learned vectors for the cells of a time step, and for intervals between them.

    The intervals are those between every two voices and from what a voice sounded last to what it
    sounds next, as far as that is known; they are the same in every key. The shares of pitch
    classes among all known cells of the piece are added, and the step within the bar.
    """

    def __init__(self, size: int, voices: int, steps: int) -> None:
        super().__init__()
        self.voices = voices
        self.pairs = list(combinations(range(voices), 2))
        self.cells = _embedding(voices * INPUTS, size, 0.05)
        self.kinds = _embedding(voices * KINDS, size, 0.1)
        # of voices that sound last, and that sound next; and of each voice, from last to next
        rows = 2 * len(self.pairs) + voices
        self.intervals = _embedding(rows * INTERVALS, size, 0.1)
        self.step = _embedding(steps, size, 0.1)
        self.pitch_classes = nn.Linear(PITCH_CLASSES, size)

    def forward(self, cell: Tensor, step: Tensor) -> Tensor:
        """Return vectors (batch, steps, size) of cells (batch, steps, voices), step (batch, steps).

        Cells are those of `models.masked.cells`, the unknown ones among them.
        """
        voice = torch.arange(self.voices, device=cell.device)
        x: Tensor = self.cells(cell + voice * INPUTS).sum(dim=2) + self.step(step)
        x = x + self.kinds(_kind(cell) + voice * KINDS).sum(dim=2)
        last, following = fill_left(cell), fill_right(cell)
        found = [_interval(last, following)]
        for pitch in (last, following) if self.pairs else ():
            high, low = (pitch[..., [pair[end] for pair in self.pairs]] for end in (0, 1))
            found.append(_interval(high, low))
        index = torch.cat(found, dim=-1)  # (batch, steps, rows)
        rows = torch.arange(index.shape[-1], device=cell.device)
        x = x + self.intervals(index + rows * INTERVALS).sum(dim=2)
        shares: Tensor = self.pitch_classes(pitch_class_shares(cell).to(x.dtype))
        return x + shares[:, None]


def pitch_class_shares(cell: Tensor) -> Tensor:
    """Return the share of each pitch class among the known cells that sound: (batch, 12)."""
    pitch = pitch_of(cell).flatten(1)
    counts = torch.zeros(len(cell), PITCH_CLASSES, device=cell.device)
    counts.scatter_add_(1, pitch % PITCH_CLASSES, (pitch < PITCHES).to(counts.dtype))
    return counts / counts.sum(dim=1, keepdim=True).clamp(min=1)


def _kind(cell: Tensor) -> Tensor:
    """Return 0 where a note begins, 1 a rest, 2 goes on, 3 not known, 4 outside."""
    return (
        (cell >= REST).to(torch.int64)
        + (cell > REST).to(torch.int64)
        + (cell >= UNKNOWN).to(torch.int64)
        + (cell >= OUTSIDE).to(torch.int64)
    )


def _interval(one: Tensor, other: Tensor) -> Tensor:
    """Return the semitones from the other pitch up to the one, as an index below INTERVALS."""
    semitones = (one - other).clamp(-WIDEST, WIDEST) + WIDEST
    return torch.where((one == REST) | (other == REST), INTERVALS - 1, semitones)


def _embedding(classes: int, size: int, scale: float) -> nn.Embedding:
    """Return vectors that begin small: of many that are summed none drowns the others."""
    embedding = nn.Embedding(classes, size)
    nn.init.normal_(embedding.weight, std=scale)
    return embedding
