"""A variational autoencoder: an encoder to latent vectors, and a decoder from them."""

from collections.abc import Callable
from typing import Annotated, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from ostinato.models.segments import Lines, PitchRange, SegmentModel, Shape
from ostinato.models.steps import SequenceSpec
from ostinato.models.variational.decoder import Decoder
from ostinato.models.variational.encoder import Encoder, Posterior
from ostinato.models.variational.evidence import Evidence
from ostinato.models.variational.saying import heard, said

ATTRIBUTES = ("note_density", "pitch_height", "syncopation")


class Terms(NamedTuple):
    """Terms of the bound, in nats: nll (batch,), and kl (batch, latent_size) of each number."""

    nll: Tensor
    kl: Tensor


class VAE(SegmentModel):
    """Makes segments of so many bars from latent vectors, and finds the vectors of segments.

    A piano-roll is as many voices as there are pitches, each of which begins, holds or rests.

    `objective` says how both are fitted. directions: (attributes, latent_size), what to add for
    more of each of the `ATTRIBUTES`, 0 until they are known.

    Sources: Kingma and Welling (ICLR 2014); of music, Roberts et al., MusicVAE (ICML 2018).
    """

    takes = frozenset({"voices", "pitch", "pianoroll"})

    def __init__(
        self,
        encoder: Callable[..., Encoder],
        decoder: Callable[..., Decoder],
        objective: Evidence,
        latent_size: Annotated[int, Field(ge=1, le=4096, description="numbers a segment")] = 64,
        bars: Annotated[int, Field(ge=1, le=64, description="bars to a segment")] = 2,
        pitch_range: PitchRange = (36, 83),
        *,
        spec: SequenceSpec,
    ) -> None:
        super().__init__()
        low, high = pitch_range
        roll, pitches = spec.kind == "frames", high - low + 1
        voices = (pitches, 1) if roll else (spec.voices_per_step, pitches)
        self.shape = Shape(voices[0], bars, spec.bar, spec.beat, low, voices[1], roll)
        self.pitch_range, self.objective = pitch_range, objective
        self.latent_size = latent_size
        self.encoder = encoder(latent_size=latent_size, shape=self.shape)
        self.decoder = decoder(latent_size=latent_size, shape=self.shape)
        self.directions: Tensor
        self.register_buffer("directions", torch.zeros(len(ATTRIBUTES), latent_size))

    @property
    def tokens(self) -> int:
        """Return how many tokens a segment is; a frame of a piano-roll counts as one."""
        return self.shape.steps * (1 if self.shape.apart else self.shape.voices)

    def forward(self, tokens: Tensor, noise: Tensor, own: float = 0.0) -> Terms:
        """The two terms of the evidence's bound, by one latent vector of each segment.

        tokens: (batch, steps, voices), as `say` gives them; noise: (batch, latent_size), standard
        normal; own: how often the decoder hears what it says itself.
        """
        posterior = self.encoder(tokens)
        latent = posterior.drawn(noise)
        mixed = self._own(latent, tokens, own) if own else None
        return Terms(self.nll(latent, tokens, mixed), posterior.kl())

    def nll(self, latent: Tensor, tokens: Tensor, heard: Tensor | None = None) -> Tensor:
        """The negative log-likelihood of tokens given latent vectors: (batch,) nats."""
        of_steps: Tensor = self.decoder(latent, tokens, heard)
        return of_steps.sum(dim=1)

    @torch.no_grad()
    def _own(self, latent: Tensor, tokens: Tensor, own: float) -> Tensor:
        """The tokens with a share of them drawn from what the decoder makes of the others."""
        drawn = self.decoder.sampled(latent, tokens)
        where = torch.rand(tokens.shape[:2], device=tokens.device) < own
        return torch.where(where[..., None], drawn, tokens)

    def say(self, pitch: Tensor, onset: Tensor) -> Tensor:
        """Segments, as `Lines.said` gives them, as tokens (batch, steps, voices)."""
        return said(pitch, onset, self.shape)

    @torch.no_grad()
    def encode(self, tokens: Tensor) -> Posterior:
        """Return where segments lie."""
        posterior: Posterior = self.encoder(tokens)
        return posterior

    def noise(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """Latent vectors (count, latent_size) of the prior, the standard normal distribution."""
        return torch.randn(count, self.latent_size, generator=generator)

    @torch.no_grad()
    def draw(self, noise: Tensor, real: Lines | None = None) -> Lines:
        """The segments of these latent vectors, each choice the likeliest; nothing is given."""
        del real
        return heard(self.decoder.draw(noise), self.shape)
