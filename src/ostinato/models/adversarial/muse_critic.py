"""The critic of MuseGAN: piano-rolls of bars by three-dimensional convolutions."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from ostinato.models.adversarial.critic import Critic, ends
from ostinato.models.adversarial.generator import CLASSES
from ostinato.models.segments import Lines, Shape, steps_to_beat


class MuseCritic(Critic):
    """Convolutions over bars, time and pitch.

    Each voice has a private stream, folded in time and then in pitch and the other way round; one
    of all voices follows, and streams of where notes begin and end and of pitch classes come to it,
    before bars are set against each other. Source: Dong and Yang, Convolutional Generative
    Adversarial Networks with Binary Neurons (ISMIR 2018).
    """

    def __init__(
        self,
        channels: Annotated[int, Field(ge=1, le=1024, description="channels of a stream")] = 32,
        *,
        shape: Shape,
    ) -> None:
        super().__init__()
        self.shape = shape
        self.octaves = -(-shape.pitches // CLASSES)
        self.stretch = steps_to_beat(shape)
        beats, several = shape.bar // self.stretch, min(2, shape.bars)
        time, pitch = (1, self.stretch, 1), (1, 1, CLASSES)
        ways = [(time, pitch), (pitch, time)]
        self.private = nn.ModuleList(
            nn.Sequential(
                *_layer(1, channels, first, first), *_layer(channels, channels, then, then)
            )
            for first, then in ways * shape.voices
        )
        wide = 2 * channels
        self.shared = nn.Sequential(
            *_layer(wide * shape.voices, wide), *_layer(wide, wide, (1, 1, self.octaves))
        )
        self.rhythm = nn.Sequential(*_layer(2 * shape.voices, channels, time, time))
        self.harmony = nn.Sequential(*_layer(shape.voices, channels, pitch))
        self.merge = nn.Sequential(
            *_layer(2 * wide, 2 * wide, (1, beats, 1)),
            *_layer(2 * wide, 2 * wide, (several, 1, 1)),
        )
        self.last = nn.Linear(2 * wide * (shape.bars - several + 1), 1)

    def forward(self, lines: Lines) -> Tensor:
        """Lines -> (batch,)."""
        roll = self._roll(lines)
        private = [way(roll[:, number // 2, None]) for number, way in enumerate(self.private)]
        streams = [
            self.shared(torch.cat(private, dim=1)),
            self.rhythm(self._by_bar(torch.cat([lines.onset, ends(lines)], dim=1))[..., None]),
            self.harmony(self._chroma(roll)),
        ]
        score: Tensor = self.last(self.merge(torch.cat(streams, dim=1)).flatten(1))
        return score[:, 0]

    def _roll(self, lines: Lines) -> Tensor:
        """What sounds, in whole octaves: (batch, voices, bars, time, pitches)."""
        more = self.octaves * CLASSES - self.shape.pitches
        sound = nn.functional.pad(lines.sound[:, :, :-1], (0, 0, 0, more))
        by_bar = sound.reshape(*sound.shape[:3], self.shape.bars, self.shape.bar)
        return by_bar.permute(0, 1, 3, 4, 2)

    def _by_bar(self, x: Tensor) -> Tensor:
        """(batch, streams, steps) -> (batch, streams, bars, time)."""
        return x.reshape(*x.shape[:2], self.shape.bars, self.shape.bar)

    def _chroma(self, roll: Tensor) -> Tensor:
        """How much of each beat a pitch class sounds: (batch, voices, bars, beats, 12)."""
        beats = roll.shape[3] // self.stretch
        whole = roll.reshape(*roll.shape[:3], beats, self.stretch, self.octaves, CLASSES)
        return whole.sum(dim=5).mean(dim=4)


def _layer(
    size: int,
    channels: int,
    kernel: tuple[int, int, int] = (1, 1, 1),
    stride: tuple[int, int, int] = (1, 1, 1),
) -> tuple[nn.Module, ...]:
    return nn.Conv3d(size, channels, kernel, stride), nn.LeakyReLU(0.2)
