"""A recurrent generator of tokens, and a recurrent critic."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from ostinato.models.adversarial.critic import Critic
from ostinato.models.adversarial.generator import (
    Choosing,
    Generator,
    makes_all,
    of_bars,
    one_of_many,
)
from ostinato.models.segments import Lines, Shape

Size = Annotated[int, Field(ge=1, le=4096, description="of the recurrent state")]


class RecurrentGenerator(Generator):
    """Tokens of the voices representation one after the other, as the sequence models write them.

    Each is chosen by straight-through Gumbel-softmax. In each step each voice in turn begins a
    pitch, is silent, or holds what it had; a GRU is told what was chosen before, whose turn it is,
    where in the bar, and the noise, of the segment and of the bar. After Mogren, C-RNN-GAN (2016),
    and the choices of Nie, Narodytska and Patel, RelGAN (ICLR 2019).
    """

    def __init__(
        self,
        noise: Annotated[int, Field(ge=1, le=4096, description="numbers for a segment")] = 64,
        bar_noise: Annotated[int, Field(ge=0, le=4096, description="and for each bar")] = 32,
        hidden_size: Size = 192,
        *,
        shape: Shape,
        known: Tensor | None = None,
    ) -> None:
        super().__init__()
        makes_all(self, known)
        self.shape, self.sizes = shape, (noise, bar_noise)
        self.noise_size = noise + shape.bars * bar_noise
        self.choices = shape.pitches + 2  # each pitch, silence, and holding
        self.begin = nn.Linear(noise, hidden_size)
        self.chosen = nn.Linear(self.choices, hidden_size, bias=False)
        self.told = nn.Linear(noise + bar_noise, hidden_size)
        self.turns = nn.Embedding(shape.voices, hidden_size)
        self.places = nn.Embedding(shape.bar, hidden_size)
        self.cell = nn.GRUCell(hidden_size, hidden_size)
        self.choose = nn.Linear(hidden_size, self.choices)

    def forward(
        self, noise: Tensor, choosing: Choosing | None = None, real: Lines | None = None
    ) -> Lines:
        """noise: (batch, noise_size) -> lines."""
        del real
        shape, told = self.shape, self._told(noise)
        state = self.begin(noise[:, : self.sizes[0]]).tanh()
        token = noise.new_zeros(len(noise), self.choices)
        sounds: list[Tensor] = []
        onsets: list[Tensor] = []
        for step in range(shape.steps):
            place = told[:, step // shape.bar] + self.places.weight[step % shape.bar]
            for voice in range(shape.voices):
                state = self.cell(self.chosen(token) + place + self.turns.weight[voice], state)
                logits = self.choose(state)
                if not step:  # there is nothing to hold yet
                    logits = torch.cat([logits[:, :-1], logits[:, -1:] - 1e4], dim=1)
                token = one_of_many(logits, choosing)
                held = token[:, -1:] * sounds[-shape.voices] if step else 0
                sounds.append(token[:, :-1] + held)
                onsets.append(token[:, : shape.pitches].sum(dim=1))
        sound, onset = torch.stack(sounds, dim=-1), torch.stack(onsets, dim=-1)
        by_voice = sound.reshape(*sound.shape[:2], shape.steps, shape.voices).permute(0, 3, 1, 2)
        return Lines(by_voice, onset.reshape(-1, shape.steps, shape.voices).transpose(1, 2))

    def _told(self, noise: Tensor) -> Tensor:
        """What the noise says of each bar: (batch, bars, hidden_size)."""
        told: Tensor = self.told(of_bars(noise, self.sizes, self.shape.bars))
        return told


class RecurrentCritic(Critic):
    """A GRU over steps, both ways, and the mean of what it says."""

    def __init__(self, hidden_size: Size = 128, *, shape: Shape) -> None:
        super().__init__()
        self.enter = nn.Linear(shape.voices * (shape.pitches + 2), hidden_size)
        self.both = nn.GRU(hidden_size, hidden_size, batch_first=True, bidirectional=True)
        self.last = nn.Linear(2 * hidden_size, 1)

    def forward(self, lines: Lines) -> Tensor:
        """Lines -> (batch,)."""
        x = torch.cat([lines.sound.flatten(1, 2), lines.onset], dim=1).transpose(1, 2)
        x = nn.functional.leaky_relu(self.enter(x), 0.2)
        with torch.backends.cudnn.flags(enabled=False):  # its gradients have no gradients
            x, _ = self.both(x)
        score: Tensor = self.last(x.mean(dim=1))
        return score[:, 0]
