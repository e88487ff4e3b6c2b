"""Decoders: from a latent vector to the tokens of each voice at each step."""

from abc import ABC, abstractmethod
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from ostinato.models.segments import SegmentSpec
from ostinato.models.variational.encoder import Embeddings
from ostinato.models.variational.heads import AutoregressiveVoiceHead, PianorollHead, StepHead
from ostinato.models.variational.voice_tokens import vocabulary_size

Size = Annotated[int, Field(ge=1, le=4096)]


class Decoder(nn.Module, ABC):
    """Gated recurrent units whose input is the tokens of the step before, and a plan.

    A segment is decoded in `sections` of so many steps each, by plans (batch, sections, plan_size).
    The first state of the units in a section comes from its plan, and so does a part of the input
    of each of its steps. Within a step, voices are chosen one after the other, each given those
    before it, or the pitches of a piano-roll are named one after the other, so that the likelihood
    is exact.
    """

    def __init__(
        self,
        plan_size: int,
        sections: int,
        embedding_size: int,
        hidden_size: int,
        layers: int,
        spec: SegmentSpec,
    ) -> None:
        super().__init__()
        self.spec, self.sections, self.layers = spec, sections, layers
        self.start = vocabulary_size(spec)  # the token before the first step
        self.before = Embeddings(spec.voices, self.start + 1, embedding_size)
        self.section_steps = spec.steps // sections
        self.tell = nn.Linear(plan_size, self.section_steps * embedding_size)
        self.begin = nn.Linear(plan_size, layers * hidden_size)
        self.cells = nn.GRU(embedding_size, hidden_size, layers, batch_first=True)
        head = PianorollHead if spec.one_voice_per_pitch else AutoregressiveVoiceHead
        self.head: StepHead = head(hidden_size, spec)

    @abstractmethod
    def plan(self, latent: Tensor) -> Tensor:
        """Return the plans (batch, sections, plan_size) of latent vectors (batch, latent_size)."""

    def forward(self, latent: Tensor, tokens: Tensor, previous: Tensor | None = None) -> Tensor:
        """Return the nats (batch, steps) of the tokens (batch, steps, voices).

        previous: the same shape, of which the units' input at the next step is taken; the tokens
        themselves by default.
        """
        y = self._run(latent, tokens if previous is None else previous)
        return self.head.nll(y, tokens)

    @torch.no_grad()
    def argmax(self, latent: Tensor, tokens: Tensor) -> Tensor:
        """Return the likeliest tokens of each step, (batch, steps, voices), given those before."""
        return self.head.argmax(self._run(latent, tokens), tokens)

    @torch.no_grad()
    def sample(self, latent: Tensor, tokens: Tensor) -> Tensor:
        """Return tokens of each step, (batch, steps, voices), drawn given those before."""
        return self.head.sample(self._run(latent, tokens), tokens)

    def _run(self, latent: Tensor, tokens: Tensor) -> Tensor:
        """Return the units' outputs before each step of tokens: (batch, steps, hidden_size)."""
        plan = self.plan(latent)  # (batch, sections, plan_size)
        batch, steps = tokens.shape[:2]
        # the tokens of the step before, and before the first step a token of its own
        start = torch.full_like(tokens[:, :1], self.start)
        previous = torch.cat([start, tokens[:, :-1]], dim=1)
        x = self.before(previous) + self._compute_inputs(plan)
        # every section is a sequence of its own: (batch · sections, steps of a section, size)
        x = x.reshape(-1, self.section_steps, self.cells.input_size)
        y, _ = self.cells(x, self._compute_states(plan.flatten(0, 1)))
        outputs: Tensor = y.reshape(batch, steps, -1)
        return outputs

    @torch.no_grad()
    def draw(self, latent: Tensor) -> Tensor:
        """Return the likeliest tokens (batch, steps, voices), one step after the other."""
        plan = self.plan(latent)
        inputs = self._compute_inputs(plan)  # (batch, steps, embedding_size)
        last = torch.full((len(latent), self.spec.voices), self.start, device=latent.device)
        sounding = torch.zeros_like(last, dtype=torch.bool)
        state = self._compute_states(plan[:, 0])
        steps = []
        for step in range(self.spec.steps):
            if step % self.section_steps == 0:
                state = self._compute_states(plan[:, step // self.section_steps])
            x = self.before(last) + inputs[:, step]
            y, state = self.cells(x[:, None], state)
            last = self.head.decode_step(y[:, 0], sounding)
            # a voice sounds where it begins a pitch, and where it holds one
            sounding = (last < self.spec.pitches) | ((last > self.spec.pitches) & sounding)
            steps.append(last)
        return torch.stack(steps, dim=1)

    def _compute_inputs(self, plan: Tensor) -> Tensor:
        """Return the part of each step's input that is planned: (batch, steps, embedding_size)."""
        inputs: Tensor = self.tell(plan)
        return inputs.reshape(len(plan), self.spec.steps, -1)

    def _compute_states(self, plan: Tensor) -> Tensor:
        """Return the first states of sections: (layers, batch, hidden_size)."""
        first = torch.tanh(self.begin(plan)).reshape(len(plan), self.layers, -1)
        return first.transpose(0, 1).contiguous()


class FlatDecoder(Decoder):
    """Decodes the whole segment as one section, whose plan is its latent vector."""

    def __init__(
        self,
        embedding_size: Annotated[Size, Field(description="of the tokens before")],
        hidden_size: Annotated[Size, Field(description="units per layer")],
        layers: Annotated[int, Field(ge=1, le=16, description="one above the other")],
        *,
        latent_size: int,
        spec: SegmentSpec,
    ) -> None:
        super().__init__(latent_size, 1, embedding_size, hidden_size, layers, spec)

    def plan(self, latent: Tensor) -> Tensor:
        return latent[:, None]


class HierarchicalDecoder(Decoder):
    """Plans each bar by a conductor, recurrent units that go from bar to bar.

    The state of the units below begins anew in each bar; the last token is their input across
    barlines.

    Source: Roberts et al., A Hierarchical Latent Vector Model for Learning Long-Term Structure in
    Music (ICML 2018).
    """

    def __init__(
        self,
        conductor_size: Annotated[Size, Field(description="units of the conductor")],
        embedding_size: Annotated[Size, Field(description="of the tokens before")],
        hidden_size: Annotated[Size, Field(description="units per layer")],
        layers: Annotated[int, Field(ge=1, le=16, description="one above the other")],
        *,
        latent_size: int,
        spec: SegmentSpec,
    ) -> None:
        super().__init__(conductor_size, spec.bars, embedding_size, hidden_size, layers, spec)
        self.enter = nn.Linear(latent_size, conductor_size)
        self.conductor = nn.GRU(latent_size, conductor_size, batch_first=True)

    def plan(self, latent: Tensor) -> Tensor:
        every = latent[:, None].expand(-1, self.sections, -1)
        plan: Tensor = self.conductor(every, torch.tanh(self.enter(latent))[None])[0]
        return plan
