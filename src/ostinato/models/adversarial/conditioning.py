"""Conditions: what of a segment is given, and its encoder for the generator."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ostinato.models.segments import OneHotRoll, SegmentSpec


class VoiceCondition(NamedTuple):
    """The given part of a voice: sound (batch, choices, steps) and onset (batch, steps).

    mask: (steps,), true where it is given.
    """

    sound: Tensor
    onset: Tensor
    mask: Tensor


class Condition(NamedTuple):
    """Encoded conditions: features of beats and of steps, and what is given itself.

    beats: (batch, size, beats); steps: (batch, size, steps); roll: 0 where nothing is given; mask:
    (voices, steps), true where something is.
    """

    beats: Tensor
    steps: Tensor
    roll: OneHotRoll
    mask: Tensor

    def select_voice(self, voice: int) -> VoiceCondition | None:
        """Return what is given of a voice; None where nothing is."""
        if not self.mask[voice].any():
            return None
        sound, onset = self.roll.sound[:, voice], self.roll.onset[:, voice]
        return VoiceCondition(sound, onset, self.mask[voice])


class ConditionEncoder(nn.Module):
    """Convolutions over what is given, after the encoder of MuseGAN (Dong et al., AAAI 2018).

    Each step and each beat gets features of what is near, and the mean of the whole.
    """

    def __init__(
        self, mask: Tensor, spec: SegmentSpec, step_size: int, beat_size: int, stretch: int
    ) -> None:
        super().__init__()
        self.mask: Tensor
        self.register_buffer("mask", mask, persistent=False)
        width = spec.voices * (spec.pitches + 2)  # pitches, silence and onset of each voice
        self.look = nn.Sequential(
            nn.Conv1d(width, step_size, 5, padding=2),
            nn.LeakyReLU(0.2),
            nn.Conv1d(step_size, step_size, 3, padding=1),
            nn.LeakyReLU(0.2),
        )
        self.whole = nn.Linear(step_size, step_size)
        self.beats = nn.Conv1d(step_size, beat_size, stretch, stretch)

    def forward(self, conditioning: OneHotRoll | None) -> Condition:
        """Encode segments; what is not given of them has no influence.

        Raises `ValueError` without segments.
        """
        if conditioning is None:
            raise ValueError("what the segments are made to must be given")
        mask = self.mask.to(conditioning.onset.dtype)
        # the mask (voices, steps) is the same for all pitches of a voice
        sound, onset = conditioning.sound * mask[:, None], conditioning.onset * mask
        x = self.look(torch.cat([sound.flatten(1, 2), onset], dim=1))  # (batch, step_size, steps)
        x = x + self.whole(x.mean(dim=2))[..., None]
        return Condition(self.beats(x), x, OneHotRoll(sound, onset), self.mask)
