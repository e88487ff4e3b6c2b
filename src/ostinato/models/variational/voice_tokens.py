"""Voice tokens: segments as one choice a step in each voice: to begin a pitch, rest, or hold."""

import torch
from torch import Tensor, nn

from ostinato.models.segments import OneHotRoll, SegmentSpec


def vocabulary_size(spec: SegmentSpec) -> int:
    """Return how many tokens there are: the pitches, from the lowest on, then rest and hold."""
    return spec.pitches + 2


def encode(pitch: Tensor, onset: Tensor, spec: SegmentSpec) -> Tensor:
    """Return segments as tokens (batch, steps, voices), int64.

    pitch: (batch, voices, steps), int64, counted from the lowest, silence after the highest; onset:
    the same shape, bool.
    """
    rest, hold = spec.pitches, spec.pitches + 1
    tokens = torch.where(onset | (pitch == rest), pitch, hold)
    return tokens.transpose(1, 2)


def decode(tokens: Tensor, spec: SegmentSpec) -> OneHotRoll:
    """Return the segments of tokens (batch, steps, voices); a silence that is held is silent."""
    rest, hold = spec.pitches, spec.pitches + 1
    # at each step the last one before it that does not hold, -1 where there is none
    steps = torch.arange(tokens.shape[1], device=tokens.device)[None, :, None]
    latest = torch.where(tokens != hold, steps, -1).cummax(dim=1).values
    pitch = torch.where(latest < 0, rest, tokens.gather(1, latest.clamp(min=0)))
    # (batch, steps, voices, pitches + 1) -> (batch, voices, pitches + 1, steps)
    sound = nn.functional.one_hot(pitch, rest + 1).permute(0, 2, 3, 1)
    onset = (tokens < rest).transpose(1, 2)
    return OneHotRoll(sound.to(torch.get_default_dtype()), onset.to(torch.get_default_dtype()))
