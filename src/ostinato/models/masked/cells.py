"""Cells: what each voice does in each time step, as one class that says all of it.

A cell is one of 257: 0 to 127 begin a note of that pitch, 128 is silence, and 129 + p goes on with
a note of pitch p. Unlike a token that holds, a cell means the same without the cells before it.
Inputs have two more: a cell that is not known, and one outside of the piece.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from ostinato.models.steps import IGNORED, SequenceSpec

PITCHES = 128
REST = 128  # as a token and as a cell
HOLD = 129  # the token that goes on with what sounds
CLASSES = 129 + PITCHES  # of what a cell can be
UNKNOWN = CLASSES  # is to be predicted
OUTSIDE = CLASSES + 1  # before the first step of a piece, or after its last


class Cells(NamedTuple):
    """Pieces, or windows of them, side by side, with a step more at either end.

    cell: (batch, steps, voices); real: the same shape, false before a piece and after it; step:
    (batch, steps) within the bars that positions count.
    """

    cell: Tensor
    real: Tensor
    step: Tensor


def read_cells(steps: Tensor, positions: Tensor, targets: Tensor, spec: SequenceSpec) -> Cells:
    """Return the cells of a batch of tokens, as sequence models take it.

    steps, targets: (batch, time) tokens, the targets those that follow, from the first voice of a
    time step on; positions: (batch, time, features) of the targets.
    """
    voices, end = spec.voices_per_step, spec.size - 1
    missing = -targets.shape[1] % voices
    tokens = torch.nn.functional.pad(targets, (0, missing), value=IGNORED)
    tokens = tokens.reshape(len(tokens), -1, voices)  # (batch, steps, voices)
    real = (tokens != IGNORED) & (tokens != end)
    names = list(spec.features)
    of_step = positions[:, ::voices, names.index("step")]
    # the first token of each voice knows what sounds in it before
    before = positions[:, :voices, names.index("sounding.0")]
    pitch = sounding(tokens, before)
    held = torch.where(pitch < REST, HOLD + pitch, REST)
    cell = torch.where(tokens == HOLD, held, tokens).masked_fill(~real, OUTSIDE)
    # one more step at either end: outside of the piece, or cells of it that are not known
    first = torch.where(steps[:, 0] == end, OUTSIDE, UNKNOWN)
    last = torch.where(real[:, -1].all(dim=1), UNKNOWN, OUTSIDE)
    edges = [edge[:, None, None].expand(-1, 1, voices) for edge in (first, last)]
    period = spec.features["step"]
    before_first, after_last = (of_step[:, :1] - 1) % period, (of_step[:, -1:] + 1) % period
    return Cells(
        torch.cat([edges[0], cell, edges[1]], dim=1),
        torch.nn.functional.pad(real, (0, 0, 1, 1)),
        torch.cat([before_first, of_step, after_last], dim=1),
    )


def sounding(tokens: Tensor, before: Tensor) -> Tensor:
    """Return what sounds in each time step, a pitch or `REST`: (batch, steps, voices).

    tokens: the same shape; before: (batch, voices), what sounds before the first step.
    """
    steps = torch.arange(tokens.shape[1], device=tokens.device)[:, None]
    latest = torch.where(tokens == HOLD, -1, steps).cummax(dim=1).values
    pitch = torch.where((tokens >= 0) & (tokens < REST), tokens, REST)
    current = pitch.gather(1, latest.clamp(min=0))
    return torch.where(latest < 0, before[:, None], current)


def pitch_of(cell: Tensor) -> Tensor:
    """Return the pitch of each cell that sounds, else `REST`, of any shape."""
    held = torch.where((cell > REST) & (cell < CLASSES), cell - HOLD, REST)
    return torch.where(cell < REST, cell, held)


def to_tokens(cell: Tensor) -> Tensor:
    """Return the tokens of cells (…, steps, voices) that are all known.

    A cell that goes on with a note that does not sound before it begins one.
    """
    pitch = pitch_of(cell)
    before = torch.nn.functional.pad(pitch, (0, 0, 1, 0), value=REST)[..., :-1, :]
    goes_on = (cell > REST) & (pitch == before) & (pitch < REST)
    return torch.where(goes_on, HOLD, pitch)


def legal_classes(cell: Tensor, falling: bool) -> Tensor:
    """Return what each unknown cell can be, by what is known beside it.

    cell: (batch, steps, voices). Returns (batch, steps, voices, CLASSES), bool; at least one is
    true everywhere. A note goes on with the pitch that sounds before it, and before a cell that
    goes on there is its pitch. Where pitches fall (`falling`), each lies below those of the voices
    before it, what comes after a rest are rests, and nothing goes on.
    """
    return _falling_classes(cell) if falling else _held_classes(cell)


def _held_classes(cell: Tensor) -> Tensor:
    known = cell != UNKNOWN
    shape = (0, 0, 1, 1)  # a step more at either end
    pitch = torch.nn.functional.pad(pitch_of(cell), shape, value=REST)
    known = torch.nn.functional.pad(known, shape, value=False)
    goes_on = torch.nn.functional.pad((cell > REST) & (cell < CLASSES), shape, value=False)
    before, is_known = pitch[:, :-2, :, None], known[:, :-2, :, None]
    pitches = torch.arange(PITCHES, device=cell.device)
    held = ~is_known | (before == pitches)
    # where the next cell goes on, this one sounds its pitch
    next_pitch, bound = pitch[:, 2:, :, None], goes_on[:, 2:, :, None]
    fits = ~bound | (next_pitch == pitches)
    return torch.cat([fits, ~bound, held & fits], dim=-1)


def _falling_classes(cell: Tensor) -> Tensor:
    voices = cell.shape[-1]
    voice = torch.arange(voices, device=cell.device)
    known = cell != UNKNOWN
    pitch = pitch_of(cell)
    sounds, rests = known & (pitch < REST), known & (pitch == REST)
    # (voices, others): how many places an other voice is below (+) or above (-)
    places = voice[None, :] - voice[:, None]
    shifted = pitch[..., None, :] + places  # the highest, or lowest, that leaves room between
    above = sounds[..., None, :] & (places < 0)
    below = sounds[..., None, :] & (places > 0)
    most = torch.where(above, shifted, PITCHES - 1).amin(dim=-1)
    most = torch.minimum(most, PITCHES - 1 - voice)
    least = torch.where(below, shifted, 0).amax(dim=-1)
    after_rest = (rests[..., None, :] & (places < 0)).any(dim=-1)
    pitches = torch.arange(PITCHES, device=cell.device)
    begins = (pitches <= most[..., None]) & (pitches >= least[..., None]) & ~after_rest[..., None]
    silent = ~below.any(dim=-1, keepdim=True)
    return torch.cat([begins, silent, torch.zeros_like(begins)], dim=-1)
