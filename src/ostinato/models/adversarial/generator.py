"""Generators: from noise to voices."""

from abc import ABC, abstractmethod
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from ostinato.models.adversarial.conditioning import Condition, ConditionEncoder
from ostinato.models.adversarial.voice import Relaxation, VoiceDecoder
from ostinato.models.segments import OneHotRoll, SegmentSpec, steps_to_beat

CLASSES = 12


class Generator(nn.Module, ABC):
    """Makes segments from noise.

    The constructor takes, by keyword alone, their `spec` and the `condition_mask`, (voices, steps),
    of what is given of them, or None. Raises `ValueError` where it can make nothing to that.
    """

    noise_size: int

    @abstractmethod
    def forward(
        self,
        noise: Tensor,
        relaxation: Relaxation | None = None,
        conditioning: OneHotRoll | None = None,
    ) -> OneHotRoll:
        """Return segments of noise (batch, noise_size), all 0 and 1.

        With a `relaxation` choices are drawn, and gradients pass them as if they were soft; without
        it they are the likeliest. `conditioning`: as many segments, of which the given part is
        taken.
        """


class BeatGenerator(Generator):
    """One vector a beat from the noise, convolved over time, then as many as there are steps.

    Noise is of two kinds, as in MuseGAN (Dong et al., AAAI 2018): `noise` is of the whole segment,
    `bar_noise` of each bar by itself. From the steps, which all voices share, come the pitch
    classes that suit them, and a head of each voice alone says what it may begin, and whether it
    begins anything there or goes on with what it has. Voices are chosen from the last, the bass, to
    the first, each by those chosen before it. Where something is given, an encoder adds features of
    it to beats and steps.

    Where the likeliest is chosen, rare things are never chosen, and what is likely in each step is
    not so in all. Three numbers, which training does not see, correct the scores of choices then.
    Voices leap more than people sing: `leap_penalty` is subtracted from a pitch for every semitone
    that it is away from the note before. Voices meet on one pitch too often: `unison_penalty` is
    subtracted from a pitch that a lower voice sounds in this step. Notes never begin between two
    eighths: `offbeat_bias` is added to the score of that.
    """

    def __init__(
        self,
        noise: Annotated[int, Field(ge=1, le=4096, description="numbers for a segment")],
        bar_noise: Annotated[int, Field(ge=0, le=4096, description="and for each bar")],
        hidden_size: Annotated[int, Field(ge=1, le=4096, description="channels")],
        layers: Annotated[
            int, Field(ge=0, le=16, description="convolutions over beats, and over steps")
        ],
        fine_size: Annotated[int, Field(ge=1, le=4096, description="channels of steps")],
        head_size: Annotated[int, Field(ge=1, le=4096, description="channels of a voice")],
        leap_penalty: Annotated[
            float,
            Field(
                ge=0,
                le=10,
                description="for each semitone from note to note, where segments are drawn",
            ),
        ],
        unison_penalty: Annotated[
            float,
            Field(
                ge=0,
                le=10,
                description="for a pitch that a lower voice has, where segments are drawn",
            ),
        ],
        offbeat_bias: Annotated[
            float,
            Field(
                ge=0, le=10, description="for notes between two eighths, where segments are drawn"
            ),
        ],
        *,
        spec: SegmentSpec,
        condition_mask: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.spec, self.sizes = spec, (noise, bar_noise)
        self.noise_size = noise + spec.bars * bar_noise
        self.unison_penalty = unison_penalty
        self.stretch = steps_to_beat(spec)
        self.bar_beats = spec.bar_steps // self.stretch
        self.first = nn.Linear(noise + bar_noise, self.bar_beats * hidden_size)
        self.beats = nn.ModuleList(_Residual(hidden_size) for _ in range(layers))
        self.steps = nn.ConvTranspose1d(hidden_size, fine_size, self.stretch, self.stretch)
        self.fine = nn.ModuleList(_Residual(fine_size) for _ in range(layers))
        self.harmony = nn.Conv1d(fine_size, CLASSES, 1)
        classes = torch.arange(spec.lowest, spec.lowest + spec.pitches) % CLASSES
        self.register_buffer("classes", classes, persistent=False)
        # these layers keep the names that saved weights have
        self.voices = nn.ModuleList(
            VoiceDecoder(fine_size, head_size, spec, leap_penalty, offbeat_bias)
            for _ in range(spec.voices)
        )
        self.tell = nn.ModuleList(
            nn.Conv1d(spec.pitches + 1, fine_size, 3, padding=1, bias=False)
            for _ in range(spec.voices - 1)
        )
        self.encoder = (
            None
            if condition_mask is None
            else ConditionEncoder(condition_mask, spec, fine_size, hidden_size, self.stretch)
        )

    def forward(
        self,
        noise: Tensor,
        relaxation: Relaxation | None = None,
        conditioning: OneHotRoll | None = None,
    ) -> OneHotRoll:
        """Return segments of noise (batch, noise_size)."""
        condition = None if self.encoder is None else self.encoder(conditioning)
        x = self._compute_steps(noise, condition)
        # what harmony adds to each pitch by its class, and nothing to silence:
        # (batch, 12, steps) -> (batch, choices, steps)
        harmony = nn.functional.pad(self.harmony(x)[:, self.classes], (0, 0, 0, 1))
        voices: list[OneHotRoll] = []
        for number in reversed(range(self.spec.voices)):
            given = condition and condition.select_voice(number)
            voices.insert(0, self.voices[number](x, harmony, relaxation, given))
            if number:  # the voices above are chosen given what this one sounds
                x = x + self.tell[number - 1](voices[0].sound)
                if relaxation is None:
                    lower = nn.functional.pad(voices[0].sound[:, :-1], (0, 0, 0, 1))
                    harmony = harmony - self.unison_penalty * lower
        return OneHotRoll(*(torch.stack(parts, dim=1) for parts in zip(*voices, strict=True)))

    def _compute_steps(self, noise: Tensor, condition: Condition | None) -> Tensor:
        """Return a vector for every step, which all voices share: (batch, fine_size, steps)."""
        x = self._compute_beats(noise)
        if condition is not None:
            x = x + condition.beats
        for layer in self.beats:
            x = layer(x)
        x = self.steps(x)
        if condition is not None:
            x = x + condition.steps
        for layer in self.fine:
            x = layer(x)
        features: Tensor = x
        return features

    def _compute_beats(self, noise: Tensor) -> Tensor:
        """Return the first vector of every beat: (batch, hidden_size, beats)."""
        # (batch, bars, beats of a bar · hidden_size) -> (batch, beats, hidden_size)
        first: Tensor = self.first(spread_over_bars(noise, self.sizes, self.spec.bars))
        return first.reshape(len(noise), self.spec.bars * self.bar_beats, -1).transpose(1, 2)


def spread_over_bars(noise: Tensor, sizes: tuple[int, int], bars: int) -> Tensor:
    """Return the noise of each bar: (batch, bars, sum of sizes).

    noise: (batch, …), so many numbers for the whole segment and then so many for each bar.
    """
    size, bar_size = sizes
    whole = noise[:, None, :size].expand(-1, bars, -1)
    return torch.cat([whole, noise[:, size:].reshape(len(noise), bars, bar_size)], dim=2)


class _Residual(nn.Module):
    """Adds a convolution over time to its input (batch, size, time)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(1, size)
        self.convolve = nn.Conv1d(size, size, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.convolve(self.norm(x))
        return x + nn.functional.leaky_relu(y, 0.2)
