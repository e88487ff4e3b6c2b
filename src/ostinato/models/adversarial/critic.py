"""Critics: how real voices seem."""

from abc import ABC, abstractmethod
from itertools import pairwise
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm as normalised

from ostinato.models.segments import Lines, Shape

CLASSES = 12
OCTAVE = 12
INTERVALS = 7  # classes: unison to tritone
STRIDES = 3  # halvings of time, where it is long enough


class Critic(nn.Module, ABC):
    """Gives real segments more than generated ones; the constructor takes their `shape`."""

    @abstractmethod
    def forward(self, lines: Lines) -> Tensor:
        """Lines -> (batch,), without bounds."""


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
        hidden_size: Annotated[int, Field(ge=1, le=4096, description="channels")] = 64,
        spectral_norm: Annotated[
            bool, Field(description="hold the largest singular value of each layer at 1")
        ] = False,
        *,
        shape: Shape,
    ) -> None:
        super().__init__()
        classes = torch.zeros(shape.pitches + 1, CLASSES)  # silence has none
        each = torch.arange(shape.pitches)
        classes[each, (each + shape.lowest) % CLASSES] = 1.0
        self.classes: Tensor
        self.register_buffer("classes", classes, persistent=False)
        heights = torch.arange(shape.pitches + 1) / OCTAVE
        heights[-1] = 0
        self.heights: Tensor
        self.register_buffer("heights", heights, persistent=False)
        self.bars = shape.bars
        width = shape.voices * (shape.pitches + 1) + 2 * CLASSES + 5 * shape.voices + INTERVALS
        wrap = normalised if spectral_norm else _as_it_is
        self.enter = wrap(nn.Conv1d(width, hidden_size, 1))
        self.look = wrap(nn.Conv1d(hidden_size, hidden_size, 3, padding=1))
        strides = min(STRIDES, shape.steps.bit_length() - 1)
        sizes = [hidden_size] + strides * [2 * hidden_size]
        self.shorten = nn.ModuleList(
            wrap(nn.Conv1d(a, b, 4, stride=2, padding=1)) for a, b in pairwise(sizes)
        )
        self.keys = nn.ModuleList(
            wrap(nn.Conv1d(a, hidden_size, CLASSES)) for a in (2 * (shape.bars + 1), hidden_size)
        )
        self.last = wrap(nn.Linear((sizes[-1] + 1) * (shape.steps >> strides) + hidden_size, 1))

    def forward(self, lines: Lines) -> Tensor:
        """Lines -> (batch,)."""
        by_class = self.pitch_classes(lines)
        x = nn.functional.leaky_relu(self.enter(self.streams(lines, by_class)), 0.2)
        x = x + nn.functional.leaky_relu(self.look(x), 0.2)
        for layer in self.shorten:
            x = nn.functional.leaky_relu(layer(x), 0.2)
        differ = (x.var(dim=0, correction=0) + 1e-8).sqrt().mean()
        x = torch.cat([x, differ.expand(len(x), 1, x.shape[2])], dim=1)
        tonality = self.tonality(by_class, lines.onset)
        score: Tensor = self.last(torch.cat([x.flatten(1), tonality], dim=1))
        return score[:, 0]

    def pitch_classes(self, lines: Lines) -> Tensor:
        """Return which pitch class sounds: (batch, voices, 12, steps); none in silence."""
        return (lines.sound.transpose(2, 3) @ self.classes).transpose(2, 3)

    def streams(self, lines: Lines, by_class: Tensor) -> Tensor:
        """Return what it is given of each step: (batch, width, steps)."""
        sound, onset = lines
        chroma = by_class.sum(dim=1) / 2
        intervals = [(chroma * chroma.roll(step, dims=1)).sum(dim=1) for step in range(INTERVALS)]
        height = (sound * self.heights[:, None]).sum(dim=2)
        motion = nn.functional.pad(height[..., 1:] - height[..., :-1], (1, 0))
        harmony = [chroma, by_class[:, -1], torch.stack(intervals, dim=1)]
        return torch.cat(
            [sound.flatten(1, 2), *harmony, height, motion, onset, again(lines), ends(lines)], dim=1
        )

    def tonality(self, by_class: Tensor, onset: Tensor) -> Tensor:
        """Return features of pitch classes of bars, in any key alike: (batch, hidden_size)."""
        sounding = by_class.sum(dim=1)
        begun = (by_class * onset[:, :, None]).sum(dim=1)
        both = torch.stack([sounding / 4, begun], dim=1)
        counts = both.reshape(*both.shape[:3], self.bars, -1).sum(dim=4)
        x = torch.cat([counts, counts.sum(dim=3, keepdim=True) / 2], dim=3) / 4
        x = x.permute(0, 1, 3, 2).flatten(1, 2)
        for layer in self.keys:
            around = nn.functional.pad(x, (CLASSES - 1, 0), mode="circular")
            x = nn.functional.leaky_relu(layer(around), 0.2)
        return x.mean(dim=2)


def again(lines: Lines) -> Tensor:
    """Return where the note before is repeated: (batch, voices, steps)."""
    pitches = lines.sound[:, :, :-1]
    same = (pitches[..., 1:] * pitches[..., :-1]).sum(dim=2) * lines.onset[..., 1:]
    return nn.functional.pad(same, (1, 0))


def ends(lines: Lines) -> Tensor:
    """Return 1 in the last step of notes, but at the end: (batch, voices, steps)."""
    sound, onset = lines
    pitches = sound[:, :, :-1]
    goes_on = (pitches[..., :-1] * pitches[..., 1:]).sum(dim=2) * (1 - onset[..., 1:])
    return nn.functional.pad(pitches[..., :-1].sum(dim=2) - goes_on, (0, 1))


def _as_it_is(layer: nn.Module) -> nn.Module:
    return layer
