"""Segments as one choice a step in each voice: to begin a pitch, to rest, or to hold."""

import torch
from torch import Tensor

from ostinato.models.segments import Lines, Shape, lines_of


def choices(shape: Shape) -> int:
    """Return how many there are: the pitches, from the lowest on, then rest and hold."""
    return shape.pitches + 2


def said(pitch: Tensor, onset: Tensor, shape: Shape) -> Tensor:
    """Return pitches and onsets (batch, voices, steps) as tokens (batch, steps, voices)."""
    rest, hold = shape.pitches, shape.pitches + 1
    tokens = torch.where((onset > 0) | (pitch == rest), pitch, hold)
    return tokens.transpose(1, 2)


def heard(tokens: Tensor, shape: Shape) -> Lines:
    """The lines that tokens (batch, steps, voices) say; what holds a silence is silent."""
    rest, hold = shape.pitches, shape.pitches + 1
    steps = torch.arange(tokens.shape[1], device=tokens.device)[None, :, None]
    latest = torch.where(tokens != hold, steps, -1).cummax(dim=1).values
    pitch = torch.where(latest < 0, rest, tokens.gather(1, latest.clamp(min=0)))
    return lines_of(pitch.transpose(1, 2), (tokens < rest).transpose(1, 2), shape.pitches)
