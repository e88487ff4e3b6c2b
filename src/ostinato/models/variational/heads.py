"""Heads of decoders: what all voices do at a step, by what the units know."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from ostinato.models.heads.autoregressive import Autoregressive
from ostinato.models.segments import Shape
from ostinato.models.steps import SequenceSpec
from ostinato.models.variational.saying import choices


class StepHead(nn.Module, ABC):
    """Gives probabilities to the tokens of a step, as `saying.said` gives them.

    y: (batch, steps, size), what the units know; tokens: (batch, steps, voices).
    """

    @abstractmethod
    def nll(self, y: Tensor, tokens: Tensor) -> Tensor:
        """Exact negative log-likelihoods of steps, in nats: (batch, steps)."""

    @abstractmethod
    def likeliest(self, y: Tensor, tokens: Tensor) -> Tensor:
        """The likeliest tokens, (batch, steps, voices), given those of the steps before."""

    @abstractmethod
    def sampled(self, y: Tensor, tokens: Tensor) -> Tensor:
        """Tokens, (batch, steps, voices), drawn from what is said of each step."""

    @abstractmethod
    def draw(self, y: Tensor, sounding: Tensor) -> Tensor:
        """y: (batch, size) -> the likeliest tokens (batch, voices); only what sounds is held.

        sounding: (batch, voices), bool.
        """


class InTurn(StepHead):
    """Chooses for one voice after the other; each hears those before it."""

    def __init__(self, size: int, shape: Shape) -> None:
        super().__init__()
        many = choices(shape)
        self.say = nn.ModuleList(nn.Linear(size, many) for _ in range(shape.voices))
        self.hear = nn.ModuleList(nn.Embedding(many, size) for _ in range(shape.voices - 1))

    def logits(self, y: Tensor, tokens: Tensor) -> Tensor:
        """Of every token, given the voices before it: (batch, steps, voices, many)."""
        logits = []
        for voice, say in enumerate(self.say):
            logits.append(say(torch.tanh(y)))
            if voice < len(self.hear):
                y = y + self.hear[voice](tokens[..., voice])
        return torch.stack(logits, dim=2)

    def nll(self, y: Tensor, tokens: Tensor) -> Tensor:
        logits = self.logits(y, tokens)
        of_each = nn.functional.cross_entropy(
            logits.flatten(0, 2), tokens.flatten(), reduction="none"
        )
        return of_each.view_as(tokens).sum(dim=2)

    def likeliest(self, y: Tensor, tokens: Tensor) -> Tensor:
        return self.logits(y, tokens).argmax(dim=3)

    def sampled(self, y: Tensor, tokens: Tensor) -> Tensor:
        odds = self.logits(y, tokens).softmax(dim=3)
        return torch.multinomial(odds.flatten(0, 2), 1).view_as(tokens)

    def draw(self, y: Tensor, sounding: Tensor) -> Tensor:
        tokens = []
        for voice, say in enumerate(self.say):
            logits = say(torch.tanh(y))
            logits[:, -1].masked_fill_(~sounding[:, voice], -torch.inf)
            tokens.append(logits.argmax(dim=1))
            if voice < len(self.hear):
                y = y + self.hear[voice](tokens[-1])
        return torch.stack(tokens, dim=1)


class OfFrames(StepHead):
    """Names the pitches of a piano-roll's frame, from the highest to the lowest.

    Of each it also says whether it begins; one that does not, and did not sound before, begins.
    """

    def __init__(self, size: int, shape: Shape) -> None:
        super().__init__()
        self.rest = shape.pitches
        spec = SequenceSpec("frames", 2 * shape.voices, channels=2)
        self.name = Autoregressive(size, channels=0, dropout=0.0, input_size=size, spec=spec)

    def nll(self, y: Tensor, tokens: Tensor) -> Tensor:
        frames = torch.cat([tokens != self.rest, tokens < self.rest], dim=2)
        return self.name.nll(y, frames.long())

    def likeliest(self, y: Tensor, tokens: Tensor) -> Tensor:
        return self._of_steps(y, tokens, _Likeliest())

    def sampled(self, y: Tensor, tokens: Tensor) -> Tensor:
        return self._of_steps(y, tokens, _Chance())

    def draw(self, y: Tensor, sounding: Tensor) -> Tensor:
        return self._drawn(y, sounding, _Likeliest())

    def _of_steps(self, y: Tensor, tokens: Tensor, choose: "_Likeliest | _Chance") -> Tensor:
        sounds = tokens != self.rest
        sounding = nn.functional.pad(sounds[:, :-1], (0, 0, 1, 0))
        drawn = self._drawn(y.flatten(0, 1), sounding.flatten(0, 1), choose)
        return drawn.view_as(tokens)

    def _drawn(self, y: Tensor, sounding: Tensor, choose: "_Likeliest | _Chance") -> Tensor:
        sounds, begins = self.name.draw(y, choose).bool().chunk(2, dim=1)
        begins = begins | ~sounding
        tokens = torch.where(begins, self.rest - 1, self.rest + 1)
        return torch.where(sounds, tokens, self.rest)


class _Likeliest:
    """Takes what is likeliest."""

    def categorical(self, logits: Tensor) -> Tensor:
        return logits.argmax(dim=-1)

    def bernoulli(self, logits: Tensor) -> Tensor:
        return (logits > 0).long()


class _Chance:
    """Takes everything as often as it is likely, by torch's generator."""

    def categorical(self, logits: Tensor) -> Tensor:
        return torch.multinomial(logits.softmax(dim=-1), 1)[:, 0]

    def bernoulli(self, logits: Tensor) -> Tensor:
        return torch.bernoulli(logits.sigmoid()).long()
