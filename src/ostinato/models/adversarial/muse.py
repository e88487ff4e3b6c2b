"""The generator of MuseGAN: bars of piano-rolls by three-dimensional convolutions."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from ostinato.models.adversarial.generator import (
    CLASSES,
    Choosing,
    Generator,
    makes_all,
    yes_or_no,
)
from ostinato.models.segments import Lines, Shape, steps_to_beat

Count = Annotated[int, Field(ge=1, le=1024, description="channels")]


class MuseGenerator(Generator):
    """Convolutions over bars, time and pitch, each bar from what a temporal network says of it.

    Noise is of four kinds, of all voices or of one, and of the whole segment or of its course,
    which a temporal network makes a vector a bar of: the hybrid model of Dong et al., MuseGAN (AAAI
    2018). All voices share the first stream; in its private stream a voice is unfolded in time and
    then in pitch, and the other way round. Notes are binary neurons with straight-through
    gradients, as in Dong and Yang, Convolutional Generative Adversarial Networks with Binary
    Neurons (ISMIR 2018): stochastic ones where `Choosing.chance` is 1, deterministic ones at 0.
    One neuron more for every step of a voice says whether a note that goes on begins again.

    While learning a voice may have several pitches at once; of these the likeliest is drawn.
    Layers are normalised by segment, so that one does not depend on the rest of its batch.
    """

    def __init__(
        self,
        noise: Annotated[int, Field(ge=1, le=4096, description="numbers of each kind")] = 32,
        channels: Count = 128,
        private_channels: Count = 64,
        *,
        shape: Shape,
        known: Tensor | None = None,
    ) -> None:
        super().__init__()
        makes_all(self, known)
        self.shape, self.size, parts = shape, noise, 1 + shape.voices
        self.noise_size = 2 * parts * noise
        self.temporal = nn.ModuleList(_Temporal(noise, shape.bars) for _ in range(parts))
        self.shared = _Shared(2 * noise, channels, shape)
        self.private = nn.ModuleList(
            _Private(channels + 2 * noise, private_channels, shape) for _ in range(shape.voices)
        )

    def forward(
        self, noise: Tensor, choosing: Choosing | None = None, real: Lines | None = None
    ) -> Lines:
        """noise: (batch, noise_size) -> lines."""
        del real
        parts = noise.reshape(len(noise), -1, 2, self.size)
        by_bar = [
            torch.cat(
                [parts[:, i, 0, :, None].expand(-1, -1, self.shape.bars), course(parts[:, i, 1])],
                dim=1,
            )
            for i, course in enumerate(self.temporal)
        ]
        shared = self.shared(by_bar[0])
        voices = zip(self.private, by_bar[1:], strict=True)
        notes, again = zip(*(voice(shared, bars) for voice, bars in voices), strict=True)
        return played(torch.stack(notes, dim=1), torch.stack(again, dim=1), choosing)


class _Temporal(nn.Module):
    """noise: (batch, size) -> a vector for each bar, (batch, size, bars)."""

    def __init__(self, size: int, bars: int) -> None:
        super().__init__()
        self.unfold = nn.ConvTranspose1d(size, 2 * size, bars)
        self.last = nn.Conv1d(2 * size, size, 3, padding=1)

    def forward(self, noise: Tensor) -> Tensor:
        x = nn.functional.leaky_relu(self.unfold(noise[:, :, None]), 0.2)
        course: Tensor = self.last(x)
        return course


class _Shared(nn.Module):
    """Bars (batch, size, bars) -> (batch, channels, bars, beats, octaves)."""

    def __init__(self, size: int, channels: int, shape: Shape) -> None:
        super().__init__()
        beats = shape.bar // steps_to_beat(shape)
        self.layers = nn.Sequential(
            *_layer(nn.ConvTranspose3d(size, channels, (1, beats, 1)), channels),
            *_layer(nn.ConvTranspose3d(channels, channels, (1, 1, _octaves(shape))), channels),
        )

    def forward(self, bars: Tensor) -> Tensor:
        x: Tensor = self.layers(bars[..., None, None])
        return x


class _Private(nn.Module):
    """What a voice makes of the shared stream, and of bars (batch, size, bars) of its own.

    Logits of notes (batch, pitches, steps), and of notes that begin again (batch, steps).
    """

    def __init__(self, size: int, channels: int, shape: Shape) -> None:
        super().__init__()
        self.pitches, self.steps = shape.pitches, shape.steps
        stretch = steps_to_beat(shape)
        time, pitch = (1, stretch, 1), (1, 1, CLASSES)
        self.enter = nn.Sequential(*_layer(nn.Conv3d(size, channels, 1), channels))
        self.ways = nn.ModuleList(
            nn.Sequential(
                *_layer(nn.ConvTranspose3d(channels, channels, first, first), channels),
                *_layer(nn.ConvTranspose3d(channels, channels, then, then), channels),
            )
            for first, then in ((time, pitch), (pitch, time))
        )
        self.notes = nn.Conv3d(2 * channels, 1, 1)
        self.again = nn.Conv1d(2 * channels, 1, 1)

    def forward(self, shared: Tensor, bars: Tensor) -> tuple[Tensor, Tensor]:
        own = bars[..., None, None].expand(-1, -1, -1, *shared.shape[3:])
        x = self.enter(torch.cat([shared, own], dim=1))
        x = torch.cat([way(x) for way in self.ways], dim=1)[..., : self.pitches]
        notes = self.notes(x)[:, 0].reshape(len(x), self.steps, self.pitches).transpose(1, 2)
        again = self.again(x.mean(dim=4).reshape(len(x), -1, self.steps))[:, 0]
        return notes, again


def played(notes: Tensor, again: Tensor, choosing: Choosing | None) -> Lines:
    """Lines of what binary neurons say.

    notes: (batch, voices, pitches, steps), the logits of each pitch; again: (batch, voices, steps),
    those that a pitch which sounded in the step before begins anew. Without `choosing` a voice
    sings the likeliest of its pitches alone, and with it each that its neuron says.
    """
    roll = yes_or_no(notes, choosing)
    if choosing is None:
        likeliest = torch.zeros_like(roll).scatter_(2, notes.argmax(dim=2, keepdim=True), 1.0)
        roll = roll * likeliest
    silence = (1 - roll.sum(dim=2)).clamp(min=0)
    same = (roll[..., 1:] * roll[..., :-1]).sum(dim=2).clamp(max=1)
    held = nn.functional.pad(same, (1, 0)) * (1 - yes_or_no(again, choosing))
    return Lines(torch.cat([roll, silence[:, :, None]], dim=2), (1 - silence) * (1 - held))


def _layer(convolve: nn.Module, channels: int) -> tuple[nn.Module, ...]:
    return convolve, nn.GroupNorm(1, channels), nn.LeakyReLU(0.2)


def _octaves(shape: Shape) -> int:
    return -(-shape.pitches // CLASSES)
