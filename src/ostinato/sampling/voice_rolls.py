"""Between voice rolls, which the other rooms take, and the tensors that networks take and give."""

import numpy as np
import torch
from torch import Tensor, nn

from ostinato.models.segments import OneHotRoll, SegmentModel, SegmentSpec
from ostinato.models.variational import voice_tokens
from ostinato.representations.monophonic import REST
from ostinato.representations.voice_roll import VoiceRoll


def to_indices(roll: VoiceRoll, spec: SegmentSpec) -> Tensor:
    """Return pitches counted from the lowest of each voice, silence after them, as int64.

    (batch, voices, steps), on the processor.
    """
    lowest = np.array(spec.lowest_pitches)[:, None]  # (voices, 1)
    return torch.from_numpy(np.where(roll.sounding, roll.pitch - lowest, spec.pitches))


def to_one_hot(
    roll: VoiceRoll, spec: SegmentSpec, device: torch.device | None = None
) -> OneHotRoll:
    """Return a voice roll as one-hot tensors of the default type, on a device."""
    indices = to_indices(roll, spec).to(device)
    # (batch, voices, steps, pitches + 1) -> (batch, voices, pitches + 1, steps)
    sound = nn.functional.one_hot(indices, spec.pitches + 1).transpose(2, 3)
    onset = torch.from_numpy(roll.onset).to(device)
    return OneHotRoll(sound.to(torch.get_default_dtype()), onset.to(torch.get_default_dtype()))


def from_one_hot(one_hot: OneHotRoll, spec: SegmentSpec) -> VoiceRoll:
    """Return the voice roll of the largest value among the pitches, and of onsets above 1/2."""
    counted = one_hot.sound.argmax(dim=2).cpu().numpy()  # (batch, voices, steps)
    begins = (one_hot.onset > 0.5).cpu().numpy()
    lowest = np.array(spec.lowest_pitches)[:, None]  # (voices, 1)
    pitch = np.where(counted < spec.pitches, counted + lowest, REST).astype(np.int16)
    grid = (spec.beat_steps, spec.bar_steps, spec.one_voice_per_pitch)
    return VoiceRoll(pitch, begins, *grid)


def encode(roll: VoiceRoll, spec: SegmentSpec, device: torch.device | None = None) -> Tensor:
    """Return a voice roll as voice tokens (batch, steps, voices), int64, on a device."""
    onset = torch.from_numpy(roll.onset)
    return voice_tokens.encode(to_indices(roll, spec), onset, spec).to(device)


def draw_segments(
    network: SegmentModel, noise: Tensor, conditioning: VoiceRoll | None = None
) -> VoiceRoll:
    """Return the segments that a network makes of noise, to `conditioning` where it takes some."""
    spec = network.spec
    given = None if conditioning is None else to_one_hot(conditioning, spec, noise.device)
    return from_one_hot(network.draw(noise, given), spec)
