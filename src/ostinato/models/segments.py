"""A segment model makes whole excerpts at once, from noise."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NamedTuple

import torch
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from torch import Tensor, nn

Pitch = Annotated[int, Field(ge=0, le=127)]


def _rising(pitches: tuple[int, int]) -> tuple[int, int]:
    if pitches[0] > pitches[1]:
        raise PydanticCustomError(
            "pitch_range", "it should be the lowest pitch and then the highest"
        )
    return pitches


PitchRange = Annotated[
    tuple[Pitch, Pitch],
    AfterValidator(_rising),
    Field(description="the lowest and the highest pitch; other segments are left out"),
]


@dataclass(frozen=True)
class Shape:
    """Specification of segments: `bars` of `bar` steps, of which `beat` are a quarter note.

    voices: how many sound at once; pitches: how many each may have, from MIDI pitch `lowest` on.
    Those of a piano-roll are `apart`: there is a voice for each pitch, which has that one alone.
    """

    voices: int
    bars: int
    bar: int
    beat: int
    lowest: int
    pitches: int
    apart: bool = False

    @property
    def steps(self) -> int:
        """The length of a segment."""
        return self.bars * self.bar

    @property
    def floors(self) -> tuple[int, ...]:
        """The lowest MIDI pitch of each voice."""
        return tuple(self.lowest + self.apart * voice for voice in range(self.voices))


def steps_to_beat(shape: Shape) -> int:
    """Return by how many steps a bar can be divided: a beat's, or fewer without whole beats."""
    return math.gcd(shape.bar, shape.beat) or 1


class Lines(NamedTuple):
    """Voices side by side, each of which sings one pitch at a time or is silent.

    sound: (batch, voices, pitches + 1, steps), one-hot, silence after the highest pitch; onset:
    (batch, voices, steps), 1 where a note begins, so that repeated notes stay apart. Between a real
    and a generated segment they hold values between 0 and 1.
    """

    sound: Tensor
    onset: Tensor

    def detach(self) -> "Lines":
        """The same without what it was made from."""
        return Lines(self.sound.detach(), self.onset.detach())

    def repeated(self, count: int) -> "Lines":
        """So many segments: these, and from the first on again."""
        rows = torch.arange(count, device=self.onset.device) % len(self.onset)
        return Lines(self.sound[rows], self.onset[rows])

    def said(self) -> tuple[Tensor, Tensor]:
        """Pitches counted from the lowest, silence after them, and onsets: (batch, voices, steps).

        int64 and bool.
        """
        return self.sound.argmax(dim=2), self.onset > 0.5


def lines_of(pitch: Tensor, onset: Tensor, pitches: int) -> Lines:
    """The inverse of `Lines.said`."""
    hot = nn.functional.one_hot(pitch, pitches + 1).transpose(2, 3)
    return Lines(hot.to(torch.get_default_dtype()), onset.to(torch.get_default_dtype()))


class SegmentModel(nn.Module, ABC):
    """Makes segments from noise.

    `takes` names the representations that its segments are of; `objective` holds how it is fitted.
    `known`: (voices, steps) says what of a segment must be given, None where nothing is: its first
    `given_bars`, or some voices.
    """

    takes: ClassVar[frozenset[str]]
    shape: Shape
    pitch_range: tuple[int, int]
    objective: Any
    known: Tensor | None = None
    given_bars: int = 0

    @abstractmethod
    def noise(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """Return what so many segments are made from: (count, …), on the processor where seeded."""

    @abstractmethod
    def draw(self, noise: Tensor, real: Lines | None = None) -> Lines:
        """The segments of this noise, always the same.

        Where something is `known`, it is taken from `real`: (batch, …), of which the rest is not
        looked at.
        """

    def way(self, ends: Tensor, steps: int) -> Tensor:
        """Noise that leads from the first of two `ends` to the second: (2, …) -> (steps, …).

        Both are in it. By default it goes along the sphere, as suits normally distributed noise.
        """
        return along_sphere(ends, steps)


def along_sphere(ends: Tensor, steps: int) -> Tensor:
    """Points from the first of two `ends` to the second: (2, …) -> (steps, …), both included.

    The angle to the first grows by even steps, and so does the length. In many dimensions normally
    distributed points lie near a sphere, which a straight line would leave (White, Sampling
    Generative Networks, 2016). Ends in one line with the middle, which lie on no one circle around
    it, are joined by a straight line.
    """
    share = torch.linspace(0, 1, steps, dtype=ends.dtype, device=ends.device)[:, None]
    first, last = ends.flatten(1)
    lengths = ends.flatten(1).norm(dim=1)
    cosine = (first @ last / lengths.prod().clamp(min=1e-12)).clamp(-1, 1)
    angle = cosine.arccos()
    if angle.sin() < 1e-4 or not lengths.all():
        points = (1 - share) * first + share * last
    else:
        near, far = ((1 - share) * angle).sin(), (share * angle).sin()
        directions = (near * first / lengths[0] + far * last / lengths[1]) / angle.sin()
        points = ((1 - share) * lengths[0] + share * lengths[1]) * directions
    along: Tensor = points.reshape(steps, *ends.shape[1:])
    return along
