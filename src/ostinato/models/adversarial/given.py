"""Conditions of a segment, and their encoder for the generator."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ostinato.models.segments import Lines, Shape


class Fixed(NamedTuple):
    """Given part of a voice: sound (batch, choices, steps) and onset (batch, steps), where known.

    known: (steps,), true where it is.
    """

    sound: Tensor
    onset: Tensor
    known: Tensor


class Told(NamedTuple):
    """Encoded conditions: features of beats and of steps, and the lines themselves, where known.

    beats: (batch, size, beats); steps: (batch, size, steps); known: (voices, steps).
    """

    beats: Tensor
    steps: Tensor
    lines: Lines
    known: Tensor

    def of(self, voice: int) -> Fixed | None:
        """Return what is given of a voice; None where nothing is."""
        if not self.known[voice].any():
            return None
        sound, onset = self.lines.sound[:, voice], self.lines.onset[:, voice]
        return Fixed(sound, onset, self.known[voice])


class Encoder(nn.Module):
    """Convolutions over what is given, after the encoder of MuseGAN (Dong et al., AAAI 2018).

    They tell each step and each beat what is near, and all of them the mean of everything.
    """

    def __init__(
        self, known: Tensor, shape: Shape, step_size: int, beat_size: int, stretch: int
    ) -> None:
        super().__init__()
        self.known: Tensor
        self.register_buffer("known", known, persistent=False)
        width = shape.voices * (shape.pitches + 2)
        self.look = nn.Sequential(
            nn.Conv1d(width, step_size, 5, padding=2),
            nn.LeakyReLU(0.2),
            nn.Conv1d(step_size, step_size, 3, padding=1),
            nn.LeakyReLU(0.2),
        )
        self.whole = nn.Linear(step_size, step_size)
        self.beats = nn.Conv1d(step_size, beat_size, stretch, stretch)

    def forward(self, real: Lines | None) -> Told:
        """Lines of which nothing is looked at but what is known."""
        if real is None:
            raise ValueError("what the segments are made to must be given")
        known = self.known.to(real.onset.dtype)
        sound, onset = real.sound * known[:, None], real.onset * known
        x = self.look(torch.cat([sound.flatten(1, 2), onset], dim=1))
        x = x + self.whole(x.mean(dim=2))[..., None]
        return Told(self.beats(x), x, Lines(sound, onset), self.known)
