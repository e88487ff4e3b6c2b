"""Generators: from noise to voices."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from ostinato.models.adversarial.given import Encoder, Fixed
from ostinato.models.segments import Lines, Shape, steps_to_beat

CLASSES = 12


@dataclass(frozen=True)
class Choosing:
    """Relaxation of choices in training.

    temperature: of the soft choices that gradients pass; chance: how much of their noise is added,
    1 to draw by the odds, 0 to choose the likeliest.
    """

    temperature: float
    chance: float = 1.0


class Generator(nn.Module, ABC):
    """Makes segments from noise.

    The constructor takes, by keyword alone, their `shape` and what of them is `known`, (voices,
    steps), or None. Raises `ValueError` where it can make nothing to what is known.
    """

    noise_size: int

    @abstractmethod
    def forward(
        self, noise: Tensor, choosing: Choosing | None = None, real: Lines | None = None
    ) -> Lines:
        """noise: (batch, noise_size) -> lines that are all 0 and 1.

        With `choosing` choices are drawn, and gradients pass them as if they were soft; without it
        they are the likeliest. `real`: (batch, …) has what is known.
        """


class BeatGenerator(Generator):
    """One vector a beat from the noise, convolved over time, then as many as there are steps.

    Noise is of two kinds, as in MuseGAN (Dong et al., AAAI 2018): `noise` is of the whole segment,
    `bar_noise` of each bar by itself. From the steps, which all voices share, come the pitch
    classes that suit them, and a head of each voice alone says what it may begin, and whether it
    begins anything there or goes on with what it has. Voices are chosen from the last, the bass, to
    the first, and hear those chosen before them. Of what is known an encoder tells beats and steps,
    and all of it to each.

    Where the likeliest is chosen, rare things are never chosen, and what is likely in each step is
    not so in all. So voices leap more than people sing: `nearness` speaks against a pitch for every
    semitone that it is away from the note before. They meet on one pitch too often: `apart` speaks
    against a pitch that a voice below sings in this step. And they never begin a note between two
    eighths: `quick` speaks for that.
    """

    def __init__(
        self,
        noise: Annotated[int, Field(ge=1, le=4096, description="numbers for a segment")] = 96,
        bar_noise: Annotated[int, Field(ge=0, le=4096, description="and for each bar")] = 32,
        hidden_size: Annotated[int, Field(ge=1, le=4096, description="channels")] = 128,
        layers: Annotated[
            int, Field(ge=0, le=16, description="convolutions over beats, and over steps")
        ] = 2,
        fine_size: Annotated[int, Field(ge=1, le=4096, description="channels of steps")] = 64,
        head_size: Annotated[int, Field(ge=1, le=4096, description="channels of a voice")] = 64,
        nearness: Annotated[
            float,
            Field(ge=0, le=10, description="against a semitone from note to note, when drawn"),
        ] = 0.0,
        apart: Annotated[
            float,
            Field(ge=0, le=10, description="against a pitch that a lower voice has, when drawn"),
        ] = 0.0,
        quick: Annotated[
            float, Field(ge=0, le=10, description="for a note between two eighths, when drawn")
        ] = 0.0,
        *,
        shape: Shape,
        known: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.shape, self.sizes = shape, (noise, bar_noise)
        self.noise_size = noise + shape.bars * bar_noise
        self.apart = apart
        self.stretch = steps_to_beat(shape)
        self.bar_beats = shape.bar // self.stretch
        self.first = nn.Linear(noise + bar_noise, self.bar_beats * hidden_size)
        self.beats = nn.ModuleList(_Residual(hidden_size) for _ in range(layers))
        self.steps = nn.ConvTranspose1d(hidden_size, fine_size, self.stretch, self.stretch)
        self.fine = nn.ModuleList(_Residual(fine_size) for _ in range(layers))
        self.harmony = nn.Conv1d(fine_size, CLASSES, 1)
        classes = torch.arange(shape.lowest, shape.lowest + shape.pitches) % CLASSES
        self.register_buffer("classes", classes, persistent=False)
        self.voices = nn.ModuleList(
            _Voice(fine_size, head_size, shape, nearness, quick) for _ in range(shape.voices)
        )
        self.tell = nn.ModuleList(
            nn.Conv1d(shape.pitches + 1, fine_size, 3, padding=1, bias=False)
            for _ in range(shape.voices - 1)
        )
        self.encoder = (
            None if known is None else Encoder(known, shape, fine_size, hidden_size, self.stretch)
        )

    def forward(
        self, noise: Tensor, choosing: Choosing | None = None, real: Lines | None = None
    ) -> Lines:
        """noise: (batch, noise_size) -> lines."""
        x = self._beats(noise)
        told = None if self.encoder is None else self.encoder(real)
        if told is not None:
            x = x + told.beats
        for layer in self.beats:
            x = layer(x)
        x = self.steps(x)
        if told is not None:
            x = x + told.steps
        for layer in self.fine:
            x = layer(x)
        harmony = nn.functional.pad(self.harmony(x)[:, self.classes], (0, 0, 0, 1))
        lines: list[Lines] = []
        for number in reversed(range(self.shape.voices)):
            fixed = told and told.of(number)
            lines.insert(0, self.voices[number](x, harmony, choosing, fixed))
            if number:
                x = x + self.tell[number - 1](lines[0].sound)
                if choosing is None:
                    sung_below = nn.functional.pad(lines[0].sound[:, :-1], (0, 0, 0, 1))
                    harmony = harmony - self.apart * sung_below
        return Lines(*(torch.stack(parts, dim=1) for parts in zip(*lines, strict=True)))

    def _beats(self, noise: Tensor) -> Tensor:
        """The first vector of every beat: (batch, hidden_size, beats)."""
        first: Tensor = self.first(of_bars(noise, self.sizes, self.shape.bars))
        return first.reshape(len(noise), self.shape.bars * self.bar_beats, -1).transpose(1, 2)


def of_bars(noise: Tensor, sizes: tuple[int, int], bars: int) -> Tensor:
    """Return what there is for each bar: (batch, bars, sum of sizes).

    noise: (batch, …), so many numbers for the whole segment and then so many for each bar.
    """
    size, bar_size = sizes
    whole = noise[:, None, :size].expand(-1, bars, -1)
    return torch.cat([whole, noise[:, size:].reshape(len(noise), bars, bar_size)], dim=2)


class _Residual(nn.Module):
    """x: (batch, size, time) -> the same shape."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(1, size)
        self.convolve = nn.Conv1d(size, size, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.convolve(self.norm(x))
        return x + nn.functional.leaky_relu(y, 0.2)


class _Voice(nn.Module):
    """Decoder of one voice."""

    def __init__(
        self, size: int, head_size: int, shape: Shape, nearness: float, quick: float
    ) -> None:
        super().__init__()
        self.hidden = nn.Conv1d(size, head_size, 3, padding=1)
        self.choose = nn.Conv1d(head_size, shape.pitches + 1, 1)
        self.begin = nn.Conv1d(head_size, 1, 1)
        self.near: Tensor
        self.register_buffer("near", against_leaps(shape.pitches, nearness), persistent=False)
        self.quick: Tensor
        self.register_buffer("quick", quick * between_eighths(shape), persistent=False)

    def forward(
        self, x: Tensor, harmony: Tensor, choosing: Choosing | None, fixed: "Fixed | None"
    ) -> Lines:
        """x: (batch, size, steps) -> the line, as in `sung`.

        harmony: (batch, choices, steps), what speaks for each choice in any voice.
        """
        hidden = nn.functional.leaky_relu(self.hidden(x), 0.2)
        begin = self.begin(hidden)[:, 0]
        begins = yes_or_no(begin if choosing else begin + self.quick, choosing)
        logits = self.choose(hidden) + harmony
        return sung(logits, begins, self.near, choosing, fixed)


def between_eighths(shape: Shape) -> Tensor:
    """1 at steps at which no eighth note of the bar begins: (steps,)."""
    twice = 2 * (torch.arange(shape.steps) % shape.bar)
    return (twice % (shape.beat or 1) > 0).to(torch.get_default_dtype())


def against_leaps(pitches: int, nearness: float) -> Tensor:
    """Return what speaks for each choice after another: (choices, choices), silence last.

    Nothing speaks for or against a pitch after silence.
    """
    each = torch.arange(pitches)
    away = (each - each[:, None]).abs()
    return nn.functional.pad(-nearness * away, (0, 1, 0, 1))


def sung(
    logits: Tensor,
    begins: Tensor,
    near: Tensor,
    choosing: Choosing | None,
    fixed: Fixed | None = None,
) -> Lines:
    """A line that chooses where something begins, and holds its choice until the next.

    logits: (batch, choices, steps), silence last; begins: (batch, steps); near: (choices, choices),
    as in `nearest`, where the likeliest is chosen. Sound (batch, choices, steps) and onsets (batch,
    steps). The first step begins in any case. What is `fixed` is taken as it is.
    """
    begins = torch.cat([torch.ones_like(begins[:, :1]), begins[:, 1:]], dim=1)
    known = [False] * logits.shape[-1] if fixed is None else fixed.known.tolist()
    if fixed is not None:
        begins = torch.where(fixed.known, fixed.onset, begins)
    choices: list[Tensor] = []
    sounds: list[Tensor] = []
    for step, is_known in enumerate(known):
        if is_known and fixed is not None:
            choices.append(fixed.sound[..., step])
            sounds.append(choices[-1])
            continue
        scores = logits[..., step]
        if step and choosing is None:
            scores = nearest(scores, near[sounds[-1].argmax(dim=1)])
        choices.append(one_of_many(scores, choosing))
        new = begins[:, step, None]
        sounds.append(new * choices[-1] + (1 - new) * sounds[-1] if step else choices[-1])
    silent = torch.stack([choice[:, -1] for choice in choices], dim=1)
    return Lines(torch.stack(sounds, dim=-1), begins * (1 - silent))


def nearest(scores: Tensor, near: Tensor) -> Tensor:
    """Scores (batch, choices) by which a near pitch is chosen, and silence neither more nor less.

    near: the same shape, what speaks for each pitch.
    """
    silent = scores.argmax(dim=1, keepdim=True) == scores.shape[1] - 1
    pitches = (scores + near)[:, :-1]
    silence = torch.where(silent, pitches.amax(dim=1, keepdim=True) + 1, -torch.inf)
    return torch.cat([pitches, silence], dim=1)


def one_of_many(logits: Tensor, choosing: Choosing | None) -> Tensor:
    """One-hot along dimension 1, drawn by straight-through Gumbel-softmax, or the likeliest."""
    if choosing is None:
        return _hot(logits)
    noise = -(-torch.rand_like(logits).clamp(min=1e-20).log()).log()
    soft = ((logits + choosing.chance * noise) / choosing.temperature).softmax(dim=1)
    return _hot(soft) + (soft - soft.detach())


def yes_or_no(logits: Tensor, choosing: Choosing | None) -> Tensor:
    """1 or 0, drawn by its straight-through binary twin, or the likelier."""
    if choosing is None:
        return (logits > 0).to(logits.dtype)
    noise = torch.logit(torch.rand_like(logits), eps=1e-6)
    soft = ((logits + choosing.chance * noise) / choosing.temperature).sigmoid()
    return (soft > 0.5).to(soft.dtype) + (soft - soft.detach())


def _hot(scores: Tensor) -> Tensor:
    return torch.zeros_like(scores).scatter_(1, scores.argmax(dim=1, keepdim=True), 1.0)
