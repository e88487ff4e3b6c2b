"""Heads of decoders: from the units' outputs to what all voices do at a step."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from ostinato.models.heads.autoregressive import Autoregressive
from ostinato.models.segments import SegmentSpec
from ostinato.models.steps import SequenceSpec
from ostinato.models.variational.voice_tokens import vocabulary_size


class StepHead(nn.Module, ABC):
    """Gives probabilities to the tokens of a step, which are those of `voice_tokens.encode`.

    y: (batch, steps, size), outputs of the units; tokens: (batch, steps, voices).
    """

    @abstractmethod
    def nll(self, y: Tensor, tokens: Tensor) -> Tensor:
        """Return exact negative log-likelihoods of steps, in nats: (batch, steps)."""

    @abstractmethod
    def argmax(self, y: Tensor, tokens: Tensor) -> Tensor:
        """Return the likeliest tokens, (batch, steps, voices), given those of the steps before."""

    @abstractmethod
    def sample(self, y: Tensor, tokens: Tensor) -> Tensor:
        """Return tokens, (batch, steps, voices), drawn from the probabilities of each step."""

    @abstractmethod
    def decode_step(self, y: Tensor, sounding: Tensor) -> Tensor:
        """Return the likeliest tokens of one step, (batch, voices); only what sounds is held.

        y: (batch, size); sounding: (batch, voices), bool.
        """


class AutoregressiveVoiceHead(StepHead):
    """Chooses for one voice after the other, each given those before it."""

    def __init__(self, size: int, spec: SegmentSpec) -> None:
        super().__init__()
        vocabulary = vocabulary_size(spec)
        self.say = nn.ModuleList(nn.Linear(size, vocabulary) for _ in range(spec.voices))
        self.hear = nn.ModuleList(nn.Embedding(vocabulary, size) for _ in range(spec.voices - 1))

    def logits(self, y: Tensor, tokens: Tensor) -> Tensor:
        """Return the logits of every token, given the voices before it.

        (batch, steps, voices, vocabulary).
        """
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

    def argmax(self, y: Tensor, tokens: Tensor) -> Tensor:
        return self.logits(y, tokens).argmax(dim=3)

    def sample(self, y: Tensor, tokens: Tensor) -> Tensor:
        odds = self.logits(y, tokens).softmax(dim=3)
        return torch.multinomial(odds.flatten(0, 2), 1).view_as(tokens)

    def decode_step(self, y: Tensor, sounding: Tensor) -> Tensor:
        tokens = []
        for voice, say in enumerate(self.say):
            logits = say(torch.tanh(y))
            # the last token holds
            logits[:, -1].masked_fill_(~sounding[:, voice], -torch.inf)
            tokens.append(logits.argmax(dim=1))
            if voice < len(self.hear):
                y = y + self.hear[voice](tokens[-1])
        return torch.stack(tokens, dim=1)


class PianorollHead(StepHead):
    """Names the pitches of a piano-roll's frame, from the highest to the lowest.

    Of each it also says whether it begins; one that does not, and did not sound before, begins.
    """

    def __init__(self, size: int, spec: SegmentSpec) -> None:
        super().__init__()
        self.rest = spec.pitches
        frame = SequenceSpec("frames", 2 * spec.voices, channels=2)
        # without channels it sees no frame but its own: neither `frames` nor `reach` is read
        unread = {"frames": 1, "reach": 0, "copies": 0}
        self.name = Autoregressive(
            size, channels=0, **unread, dropout=0.0, input_size=size, spec=frame
        )

    def nll(self, y: Tensor, tokens: Tensor) -> Tensor:
        # the two planes of a frame: what sounds, and which of it begins
        frames = torch.cat([tokens != self.rest, tokens < self.rest], dim=2)
        return self.name.nll(y, frames.long())

    def argmax(self, y: Tensor, tokens: Tensor) -> Tensor:
        return self._choose_steps(y, tokens, _Argmax())

    def sample(self, y: Tensor, tokens: Tensor) -> Tensor:
        return self._choose_steps(y, tokens, _Sample())

    def decode_step(self, y: Tensor, sounding: Tensor) -> Tensor:
        return self._choose(y, sounding, _Argmax())

    def _choose_steps(self, y: Tensor, tokens: Tensor, choose: "_Argmax | _Sample") -> Tensor:
        sounds = tokens != self.rest
        # what sounds at the step before, nothing at first: (batch, steps, voices)
        sounding = nn.functional.pad(sounds[:, :-1], (0, 0, 1, 0))
        drawn = self._choose(y.flatten(0, 1), sounding.flatten(0, 1), choose)
        return drawn.view_as(tokens)

    def _choose(self, y: Tensor, sounding: Tensor, choose: "_Argmax | _Sample") -> Tensor:
        sounds, begins = self.name.draw(y, choose).bool().chunk(2, dim=1)
        begins = begins | ~sounding  # what did not sound cannot be held
        tokens = torch.where(begins, self.rest - 1, self.rest + 1)
        return torch.where(sounds, tokens, self.rest)


class _Argmax:
    """Takes the likeliest."""

    def categorical(self, logits: Tensor, notes: Tensor | None = None) -> Tensor:
        del notes
        return logits.argmax(dim=-1)

    def bernoulli(self, logits: Tensor) -> Tensor:
        return (logits > 0).long()


class _Sample:
    """Draws by the probabilities, from torch's generator."""

    def categorical(self, logits: Tensor, notes: Tensor | None = None) -> Tensor:
        del notes
        return torch.multinomial(logits.softmax(dim=-1), 1)[:, 0]

    def bernoulli(self, logits: Tensor) -> Tensor:
        return torch.bernoulli(logits.sigmoid()).long()
