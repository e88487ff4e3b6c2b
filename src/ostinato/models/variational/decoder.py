"""Decoders: from a latent vector to what each voice does at each step."""

from abc import ABC, abstractmethod
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from ostinato.models.segments import Shape
from ostinato.models.variational.encoder import Embeddings
from ostinato.models.variational.heads import InTurn, OfFrames, StepHead
from ostinato.models.variational.saying import choices

Size = Annotated[int, Field(ge=1, le=4096)]


class Decoder(nn.Module, ABC):
    """Gated recurrent units that hear what was said at the step before, and a plan.

    A segment is decoded in `sections` of so many steps each, and a plan (batch, sections,
    plan_size) says what a section shall be: units begin each from its plan, and each of its steps
    is told something of its own by it. Within a step, voices are chosen one after the other and
    hear those before them, or the pitches of a piano-roll are named one after the other, so that
    the likelihood is exact.
    """

    def __init__(
        self,
        plan_size: int,
        sections: int,
        embedding_size: int,
        hidden_size: int,
        layers: int,
        shape: Shape,
    ) -> None:
        super().__init__()
        self.shape, self.sections, self.layers = shape, sections, layers
        self.many = choices(shape)
        self.before = Embeddings(shape.voices, self.many + 1, embedding_size)
        self.long = shape.steps // sections
        self.tell = nn.Linear(plan_size, self.long * embedding_size)
        self.begin = nn.Linear(plan_size, layers * hidden_size)
        self.cells = nn.GRU(embedding_size, hidden_size, layers, batch_first=True)
        self.head: StepHead = (OfFrames if shape.apart else InTurn)(hidden_size, shape)

    @abstractmethod
    def plan(self, latent: Tensor) -> Tensor:
        """latent: (batch, latent_size) -> (batch, sections, plan_size)."""

    def forward(self, latent: Tensor, tokens: Tensor, heard: Tensor | None = None) -> Tensor:
        """Nats (batch, steps) of the tokens (batch, steps, voices).

        heard: what the units hear of the steps before, the tokens themselves by default.
        """
        known = self._known(latent, tokens if heard is None else heard)
        return self.head.nll(known, tokens)

    @torch.no_grad()
    def likeliest(self, latent: Tensor, tokens: Tensor) -> Tensor:
        """The likeliest tokens of each step after the given ones before: (batch, steps, voices)."""
        return self.head.likeliest(self._known(latent, tokens), tokens)

    @torch.no_grad()
    def sampled(self, latent: Tensor, tokens: Tensor) -> Tensor:
        """Tokens of each step, drawn after the given ones before: (batch, steps, voices)."""
        return self.head.sampled(self._known(latent, tokens), tokens)

    def _known(self, latent: Tensor, tokens: Tensor) -> Tensor:
        """Return what the units know before each step of tokens: (batch, steps, hidden_size)."""
        plan = self.plan(latent)
        batch, steps = tokens.shape[:2]
        nothing = torch.full_like(tokens[:, :1], self.many)
        said = torch.cat([nothing, tokens[:, :-1]], dim=1)
        x = (self.before(said) + self._told(plan)).reshape(-1, self.long, self.cells.input_size)
        y, _ = self.cells(x, self._states(plan.flatten(0, 1)))
        known: Tensor = y.reshape(batch, steps, -1)
        return known

    @torch.no_grad()
    def draw(self, latent: Tensor) -> Tensor:
        """The likeliest tokens (batch, steps, voices), one after the other."""
        plan = self.plan(latent)
        told = self._told(plan)
        last = torch.full((len(latent), self.shape.voices), self.many, device=latent.device)
        sounding = torch.zeros_like(last, dtype=torch.bool)
        state = self._states(plan[:, 0])
        steps = []
        for step in range(self.shape.steps):
            if step % self.long == 0:
                state = self._states(plan[:, step // self.long])
            x = self.before(last) + told[:, step]
            y, state = self.cells(x[:, None], state)
            last = self.head.draw(y[:, 0], sounding)
            sounding = (last < self.shape.pitches) | ((last > self.shape.pitches) & sounding)
            steps.append(last)
        return torch.stack(steps, dim=1)

    def _told(self, plan: Tensor) -> Tensor:
        """Return what each step is told: (batch, steps, embedding_size)."""
        told: Tensor = self.tell(plan)
        return told.reshape(len(plan), self.shape.steps, -1)

    def _states(self, plan: Tensor) -> Tensor:
        """The first states of sections: (layers, batch, hidden_size)."""
        first = torch.tanh(self.begin(plan)).reshape(len(plan), self.layers, -1)
        return first.transpose(0, 1).contiguous()


class FlatDecoder(Decoder):
    """Decodes the whole segment at once, its latent vector being the plan."""

    def __init__(
        self,
        embedding_size: Annotated[Size, Field(description="of what was said before")] = 128,
        hidden_size: Annotated[Size, Field(description="units per layer")] = 256,
        layers: Annotated[int, Field(ge=1, le=16, description="one above the other")] = 1,
        *,
        latent_size: int,
        shape: Shape,
    ) -> None:
        super().__init__(latent_size, 1, embedding_size, hidden_size, layers, shape)

    def plan(self, latent: Tensor) -> Tensor:
        return latent[:, None]


class HierarchicalDecoder(Decoder):
    """A conductor goes from bar to bar and plans each; bars know of each other by it.

    What was said last is heard across barlines, the state of the units begins anew in each bar.

    Source: Roberts et al., A Hierarchical Latent Vector Model for Learning Long-Term Structure in
    Music (ICML 2018).
    """

    def __init__(
        self,
        conductor_size: Annotated[Size, Field(description="units of the conductor")] = 128,
        embedding_size: Annotated[Size, Field(description="of what was said before")] = 128,
        hidden_size: Annotated[Size, Field(description="units per layer")] = 256,
        layers: Annotated[int, Field(ge=1, le=16, description="one above the other")] = 1,
        *,
        latent_size: int,
        shape: Shape,
    ) -> None:
        super().__init__(conductor_size, shape.bars, embedding_size, hidden_size, layers, shape)
        self.enter = nn.Linear(latent_size, conductor_size)
        self.conductor = nn.GRU(latent_size, conductor_size, batch_first=True)

    def plan(self, latent: Tensor) -> Tensor:
        every = latent[:, None].expand(-1, self.sections, -1)
        plan: Tensor = self.conductor(every, torch.tanh(self.enter(latent))[None])[0]
        return plan
