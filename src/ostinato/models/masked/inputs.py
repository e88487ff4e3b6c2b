"""Cells as vectors: by their kind, and by how far apart those that are known are."""

from itertools import combinations

import torch
from torch import Tensor, nn

from ostinato.models.masked.cells import CLASSES, OUTSIDE, PITCHES, REST, UNKNOWN, pitch_of

WIDEST = 30  # semitones that are told apart; all beyond are one
INTERVALS = 2 * WIDEST + 2  # from -WIDEST to WIDEST, and one where something is silent or unknown
PITCH_CLASSES = 12
INPUTS = CLASSES + 2
KINDS = 5  # a note begins, rests, goes on, is not known, lies outside
FLOOR = 1 / 256  # the least share of a pitch class, so that logarithms are finite
SCALE = 5.5  # about the largest logarithm of a share


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
    """Sums learned vectors for the kinds of cells, and for intervals between what is known.

    Of each voice there is, at every step, the pitch that is known last and the one that is known
    next. The intervals are those between voices, from last to next, and from each step to the one
    after it. The shares of pitch classes among all known cells, counted from what each voice sounds
    last, are added, and the step within the bar. All of it is the same in every key (Conklin &
    Witten 1995), unless `absolute` vectors of the cells themselves enter as well.
    """

    def __init__(self, size: int, voices: int, steps: int, absolute: bool = False) -> None:
        super().__init__()
        self.voices = voices
        self.cells = _embedding(voices * INPUTS, size) if absolute else None
        self.pairs = list(combinations(range(voices), 2))
        self.kinds = _embedding(voices * KINDS, size)
        # pairs that sound last, and next; and of each voice: last to next, and two ways to move
        rows = 2 * len(self.pairs) + 3 * voices
        self.intervals = _embedding(rows * INTERVALS, size)
        self.step = _embedding(steps, size)
        self.pitch_classes = nn.Linear(voices * PITCH_CLASSES, size)

    def forward(self, cell: Tensor, step: Tensor) -> Tensor:
        """Return vectors (batch, steps, size) of cells (batch, steps, voices), step (batch, steps).

        Cells are those of `models.masked.cells`, the unknown ones among them.
        """
        voice = torch.arange(self.voices, device=cell.device)
        x: Tensor = self.kinds(_kind(cell) + voice * KINDS).sum(dim=2) + self.step(step)
        if self.cells is not None:
            x = x + self.cells(cell + voice * INPUTS).sum(dim=2)
        last, following = fill_left(cell), fill_right(cell)
        # (batch, steps, rows), each row with vectors of its own
        index = torch.cat(self._intervals(last, following), dim=-1)
        rows = torch.arange(index.shape[-1], device=cell.device)
        x = x + self.intervals(index + rows * INTERVALS).sum(dim=2)
        shares: Tensor = self.pitch_classes(_shares_from(cell, last).to(x.dtype))
        return x + shares

    def _intervals(self, last: Tensor, following: Tensor) -> list[Tensor]:
        """Return indices of the intervals of each step: (batch, steps, some) each."""
        found = [_interval(last, following)]
        for pitch in (last, following):
            before = nn.functional.pad(pitch, (0, 0, 1, 0), value=REST)[:, :-1]
            found.append(_interval(pitch, before))
            if self.pairs:
                high, low = (pitch[..., [pair[end] for pair in self.pairs]] for end in (0, 1))
                found.append(_interval(high, low))
        return found


def _shares_from(cell: Tensor, last: Tensor) -> Tensor:
    """Return logarithms of the shares of pitch classes, from each voice's own up, near 0 to 1.

    cell, last: (batch, steps, voices). Returns (batch, steps, voices * 12), 0 of a silent voice.
    """
    pitch = pitch_of(cell).flatten(1)
    counts = torch.zeros(len(cell), PITCH_CLASSES, device=cell.device)
    counts.scatter_add_(1, pitch % PITCH_CLASSES, (pitch < PITCHES).to(counts.dtype))
    shares = counts / counts.sum(dim=1, keepdim=True).clamp(min=1)
    levels = (shares + FLOOR).log() / SCALE + 1
    classes = torch.arange(PITCH_CLASSES, device=cell.device)
    source = (last[..., None] + classes) % PITCH_CLASSES  # (batch, steps, voices, 12)
    found = levels[:, None, None].expand(*last.shape, PITCH_CLASSES).gather(-1, source)
    return found.masked_fill((last == REST)[..., None], 0.0).flatten(-2)


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


def _embedding(classes: int, size: int) -> nn.Embedding:
    """Return vectors that begin small: of many that are summed none drowns the others."""
    embedding = nn.Embedding(classes, size)
    nn.init.normal_(embedding.weight, std=0.1)
    return embedding
