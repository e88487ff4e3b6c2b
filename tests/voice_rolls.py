"""Voice rolls for the tests of what measures, encodes and composes segments."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn

from ostinato.models.segments import OneHotRoll, SegmentSpec
from ostinato.representations.monophonic import REST
from ostinato.representations.voice_roll import VoiceRoll
from ostinato.sampling.voice_rolls import from_one_hot


def voice_roll(*segments: Any, again: Sequence[Any] = (), beat: int = 2, bar: int = 4) -> VoiceRoll:
    """Return segments of voices; a note begins where the pitch changes, and at `again`."""
    pitch = np.array(segments)
    onset = np.ones(pitch.shape, bool)
    onset[..., 1:] = pitch[..., 1:] != pitch[..., :-1]
    onset &= pitch != REST
    for place in again:
        onset[place] = True
    return VoiceRoll(pitch, onset, beat, bar)


def segment_spec(voices: int, steps: int, pitches: int, lowest: int = 60) -> SegmentSpec:
    """Return the sizes of segments of one bar in which two steps are a quarter note."""
    return SegmentSpec(voices, 1, steps, 2, lowest, pitches)


def one_hot(pitch: Tensor, onset: Tensor, pitches: int) -> OneHotRoll:
    """Return one-hot tensors of pitches counted from the lowest and of onsets, sounding or not."""
    hot = nn.functional.one_hot(pitch, pitches + 1).transpose(2, 3)
    return OneHotRoll(hot.float(), onset.float())


def roll_of(pitch: Tensor, onset: Tensor, spec: SegmentSpec) -> VoiceRoll:
    """Return the voice roll of pitches counted from the lowest, and of onsets."""
    return from_one_hot(one_hot(pitch, onset, spec.pitches), spec)
