"""Critics: how real voices seem."""

from abc import ABC, abstractmethod
from itertools import pairwise
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm as normalised

from ostinato.models.segments import OneHotRoll, SegmentSpec

CLASSES = 12
OCTAVE = 12
INTERVALS = 7  # classes: unison to tritone
STRIDES = 3  # halvings of time, where it is long enough


class Critic(nn.Module, ABC):
    """Gives real segments more than generated ones; the constructor takes their `spec`."""

    @abstractmethod
    def forward(self, roll: OneHotRoll) -> Tensor:
        """Return a number for each segment, without bounds: (batch,)."""


class ChromaCritic(Critic):
    """Convolutions over time on all voices, and on what their harmony and rhythm come to.

    Besides pitches it is given the pitch classes of all voices together and of the bass (the last),
    as in the chroma stream of Dong and Yang (ISMIR 2018), the intervals between voices, how high
    they are and move, and where notes begin, are repeated and end. Apart from time it looks at the
    pitch classes of whole bars, around the circle of twelve, so that all keys are alike to it. One
    number says how much the segments of the batch differ, as in Karras et al., Progressive Growing
    of GANs (ICLR 2018).
    """

    def __init__(
        self,
        hidden_size: Annotated[int, Field(ge=1, le=4096, description="channels")],
        spectral_norm: Annotated[
            bool, Field(description="hold the largest singular value of each layer at 1")
        ],
        *,
        spec: SegmentSpec,
    ) -> None:
        super().__init__()
        classes = torch.zeros(spec.pitches + 1, CLASSES)  # silence has none
        each = torch.arange(spec.pitches)
        classes[each, (each + spec.lowest) % CLASSES] = 1.0
        self.classes: Tensor
        self.register_buffer("classes", classes, persistent=False)
        heights = torch.arange(spec.pitches + 1) / OCTAVE
        heights[-1] = 0
        self.heights: Tensor
        self.register_buffer("heights", heights, persistent=False)
        self.bars = spec.bars
        width = spec.voices * (spec.pitches + 1) + 2 * CLASSES + 5 * spec.voices + INTERVALS
        wrap = normalised if spectral_norm else _leave
        self.enter = wrap(nn.Conv1d(width, hidden_size, 1))
        self.look = wrap(nn.Conv1d(hidden_size, hidden_size, 3, padding=1))
        strides = min(STRIDES, spec.steps.bit_length() - 1)
        sizes = [hidden_size] + strides * [2 * hidden_size]
        self.shorten = nn.ModuleList(
            wrap(nn.Conv1d(a, b, 4, stride=2, padding=1)) for a, b in pairwise(sizes)
        )
        self.keys = nn.ModuleList(
            wrap(nn.Conv1d(a, hidden_size, CLASSES)) for a in (2 * (spec.bars + 1), hidden_size)
        )
        self.last = wrap(nn.Linear((sizes[-1] + 1) * (spec.steps >> strides) + hidden_size, 1))

    def forward(self, roll: OneHotRoll) -> Tensor:
        """Return a number for each segment: (batch,)."""
        by_class = self.to_pitch_classes(roll)
        x = nn.functional.leaky_relu(self.enter(self.stack_features(roll, by_class)), 0.2)
        x = x + nn.functional.leaky_relu(self.look(x), 0.2)
        for layer in self.shorten:
            x = nn.functional.leaky_relu(layer(x), 0.2)
        # one number for the batch, as one more channel: how much its segments differ
        differ = (x.var(dim=0, correction=0) + 1e-8).sqrt().mean()
        x = torch.cat([x, differ.expand(len(x), 1, x.shape[2])], dim=1)
        tonality = self.embed_tonality(by_class, roll.onset)
        score: Tensor = self.last(torch.cat([x.flatten(1), tonality], dim=1))
        return score[:, 0]

    def to_pitch_classes(self, roll: OneHotRoll) -> Tensor:
        """Return which pitch class sounds: (batch, voices, 12, steps); none in silence."""
        return (roll.sound.transpose(2, 3) @ self.classes).transpose(2, 3)

    def stack_features(self, roll: OneHotRoll, by_class: Tensor) -> Tensor:
        """Return what it is given of each step: (batch, width, steps)."""
        sound, onset = roll
        chroma = by_class.sum(dim=1) / 2  # (batch, 12, steps)
        # how often two pitch classes that are so far apart sound together: (batch, steps) each
        intervals = [(chroma * chroma.roll(step, dims=1)).sum(dim=1) for step in range(INTERVALS)]
        # how high each voice is and how it moves, in octaves: (batch, voices, steps)
        height = (sound * self.heights[:, None]).sum(dim=2)
        motion = nn.functional.pad(height[..., 1:] - height[..., :-1], (1, 0))
        harmony = [chroma, by_class[:, -1], torch.stack(intervals, dim=1)]
        return torch.cat(
            [
                sound.flatten(1, 2),
                *harmony,
                height,
                motion,
                onset,
                find_repeats(roll),
                find_note_ends(roll),
            ],
            dim=1,
        )

    def embed_tonality(self, by_class: Tensor, onset: Tensor) -> Tensor:
        """Return features of pitch classes of bars, in any key alike: (batch, hidden_size)."""
        sounding = by_class.sum(dim=1)
        begun = (by_class * onset[:, :, None]).sum(dim=1)
        both = torch.stack([sounding / 4, begun], dim=1)
        # (batch, 2, 12, steps) -> (batch, 2, 12, bars)
        counts = both.reshape(*both.shape[:3], self.bars, -1).sum(dim=4)
        # the bars and, after them, the whole segment: (batch, 2 · (bars + 1), 12)
        x = torch.cat([counts, counts.sum(dim=3, keepdim=True) / 2], dim=3) / 4
        x = x.permute(0, 1, 3, 2).flatten(1, 2)
        for layer in self.keys:
            # the circle of twelve has no beginning, so that transposing changes nothing
            around = nn.functional.pad(x, (CLASSES - 1, 0), mode="circular")
            x = nn.functional.leaky_relu(layer(around), 0.2)
        return x.mean(dim=2)


def find_repeats(roll: OneHotRoll) -> Tensor:
    """Return where the note before is repeated: (batch, voices, steps)."""
    pitches = roll.sound[:, :, :-1]
    same = (pitches[..., 1:] * pitches[..., :-1]).sum(dim=2) * roll.onset[..., 1:]
    return nn.functional.pad(same, (1, 0))


def find_note_ends(roll: OneHotRoll) -> Tensor:
    """Return 1 in the last step of notes, but at the end: (batch, voices, steps)."""
    sound, onset = roll
    pitches = sound[:, :, :-1]
    goes_on = (pitches[..., :-1] * pitches[..., 1:]).sum(dim=2) * (1 - onset[..., 1:])
    return nn.functional.pad(pitches[..., :-1].sum(dim=2) - goes_on, (0, 1))


def _leave(layer: nn.Module) -> nn.Module:
    return layer
