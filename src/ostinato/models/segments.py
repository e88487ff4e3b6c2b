"""Segment models make whole segments at once, from noise; the tensors that they compute with."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NamedTuple

import torch
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from torch import Tensor

from ostinato.models.network import Network

Pitch = Annotated[int, Field(ge=0, le=127)]


def _check_ascending(pitches: tuple[int, int]) -> tuple[int, int]:
    if pitches[0] > pitches[1]:
        raise PydanticCustomError(
            "pitch_range", "it should be the lowest pitch and then the highest"
        )
    return pitches


PitchRange = Annotated[
    tuple[Pitch, Pitch],
    AfterValidator(_check_ascending),
    Field(description="the lowest and the highest pitch; other segments are left out"),
]


@dataclass(frozen=True)
class SegmentSpec:
    """Sizes of segments: `bars` of `bar_steps` steps, of which `beat_steps` are a quarter note.

    voices: how many sound at once; pitches: how many each can sound, from MIDI pitch `lowest` on.
    A piano-roll has `one_voice_per_pitch`, so that each of its voices can sound one pitch alone.
    """

    voices: int
    bars: int
    bar_steps: int
    beat_steps: int
    lowest: int
    pitches: int
    one_voice_per_pitch: bool = False

    @property
    def steps(self) -> int:
        """Return the length of a segment."""
        return self.bars * self.bar_steps

    @property
    def lowest_pitches(self) -> tuple[int, ...]:
        """Return the lowest MIDI pitch of each voice."""
        up = int(self.one_voice_per_pitch)
        return tuple(self.lowest + up * voice for voice in range(self.voices))


def steps_to_beat(spec: SegmentSpec) -> int:
    """Return by how many steps a bar can be divided: a beat's, or fewer without whole beats."""
    return math.gcd(spec.bar_steps, spec.beat_steps) or 1


class OneHotRoll(NamedTuple):
    """Segments as tensors through which gradients pass.

    sound: (batch, voices, pitches + 1, steps), one-hot over the pitches from the lowest on, with
    silence last; onset: (batch, voices, steps), 1 where a note begins. Between a real and a
    generated segment they hold values between 0 and 1.
    """

    sound: Tensor
    onset: Tensor


class SegmentModel(Network, ABC):
    """Makes segments from noise.

    `takes` names the representations of its segments; `objective` holds how it is trained.
    `condition_mask`: (voices, steps), true at what of a segment must be given to it, None where
    nothing is: its first `given_bars`, or some voices.
    """

    takes: ClassVar[frozenset[str]]
    spec: SegmentSpec
    pitch_range: tuple[int, int]
    objective: Any
    condition_mask: Tensor | None = None
    given_bars: int = 0

    @abstractmethod
    def noise(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """Return the noise of so many segments: (count, …), on the processor where seeded."""

    @abstractmethod
    def draw(self, noise: Tensor, conditioning: OneHotRoll | None = None) -> OneHotRoll:
        """Return the segments of this noise, always the same.

        Where there is a `condition_mask`, what it marks is taken from `conditioning`, one segment
        to each; the rest of that has no influence.
        """

    def interpolate(self, ends: Tensor, steps: int) -> Tensor:
        """Return noise from the first of two `ends` to the second: (2, …) -> (steps, …).

        Both are included. By default it follows the sphere, as suits normally distributed noise.
        """
        return interpolate_on_sphere(ends, steps)


def interpolate_on_sphere(ends: Tensor, steps: int) -> Tensor:
    """Return points from the first of two `ends` to the second: (2, …) -> (steps, …).

    Both are included. The angle to the first grows by even steps, and so does the length. In many
    dimensions normally distributed points lie near a sphere, which a straight line would leave
    (White, Sampling Generative Networks, 2016). Ends in one line with the middle lie on no one
    circle around it; they are joined by a straight line.
    """
    share = torch.linspace(0, 1, steps, dtype=ends.dtype, device=ends.device)[:, None]
    first, last = ends.flatten(1)  # (size,) each
    lengths = ends.flatten(1).norm(dim=1)
    cosine = (first @ last / lengths.prod().clamp(min=1e-12)).clamp(-1, 1)
    angle = cosine.arccos()
    if angle.sin() < 1e-4 or not lengths.all():
        points = (1 - share) * first + share * last  # (steps, size)
    else:
        # directions turn evenly by sines of parts of the angle; lengths are in between
        near, far = ((1 - share) * angle).sin(), (share * angle).sin()
        directions = (near * first / lengths[0] + far * last / lengths[1]) / angle.sin()
        points = ((1 - share) * lengths[0] + share * lengths[1]) * directions
    between: Tensor = points.reshape(steps, *ends.shape[1:])
    return between
