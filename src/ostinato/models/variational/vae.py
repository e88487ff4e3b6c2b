"""A variational autoencoder: an encoder to latent vectors, and a decoder from them."""

from collections.abc import Callable
from typing import Annotated, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from ostinato.models.segments import OneHotRoll, PitchRange, SegmentModel, SegmentSpec
from ostinato.models.steps import SequenceSpec
from ostinato.models.variational.decoder import Decoder
from ostinato.models.variational.elbo import ELBO
from ostinato.models.variational.encoder import Encoder, Posterior
from ostinato.models.variational.voice_tokens import decode

ATTRIBUTES = ("note_density", "pitch_height", "syncopation")


class Terms(NamedTuple):
    """Terms of the bound, in nats: nll (batch,), and kl (batch, latent_size) of each number."""

    nll: Tensor
    kl: Tensor


class VAE(SegmentModel):
    """Makes segments of so many bars from latent vectors, and encodes segments as such vectors.

    A piano-roll is as many voices as there are pitches, each of which begins, holds or rests.

    `objective` is what both are trained by. directions: (attributes, latent_size), the attribute
    vectors: what to add for more of each of the `ATTRIBUTES`, 0 until they are measured.

    Sources: Kingma and Welling (ICLR 2014); of music, Roberts et al., MusicVAE (ICML 2018).
    """

    takes = frozenset({"voices", "pitch", "pianoroll"})

    def __init__(
        self,
        encoder: Callable[..., Encoder],
        decoder: Callable[..., Decoder],
        objective: ELBO,
        latent_size: Annotated[int, Field(ge=1, le=4096, description="numbers a segment")],
        bars: Annotated[int, Field(ge=1, le=64, description="bars to a segment")],
        pitch_range: PitchRange,
        *,
        spec: SequenceSpec,
    ) -> None:
        super().__init__()
        low, high = pitch_range
        roll, pitches = spec.kind == "frames", high - low + 1
        voices = (pitches, 1) if roll else (spec.voices_per_step, pitches)
        self.spec = SegmentSpec(voices[0], bars, spec.bar, spec.beat, low, voices[1], roll)
        self.pitch_range, self.objective = pitch_range, objective
        self.latent_size = latent_size
        self.encoder = encoder(latent_size=latent_size, spec=self.spec)
        self.decoder = decoder(latent_size=latent_size, spec=self.spec)
        self.directions: Tensor
        self.register_buffer("directions", torch.zeros(len(ATTRIBUTES), latent_size))

    @property
    def tokens(self) -> int:
        """Return how many tokens a segment is; a frame of a piano-roll counts as one."""
        return self.spec.steps * (1 if self.spec.one_voice_per_pitch else self.spec.voices)

    def forward(self, tokens: Tensor, noise: Tensor, scheduled_sampling_rate: float = 0.0) -> Terms:
        """Return the two terms of the evidence lower bound, by one latent vector of each segment.

        tokens: (batch, steps, voices), as `voice_tokens.encode` gives them; noise: (batch,
        latent_size), standard normal; scheduled_sampling_rate: the share of steps whose tokens the
        decoder draws itself before it goes on from them.
        """
        rate, posterior = scheduled_sampling_rate, self.encoder(tokens)
        latent = posterior.sample(noise)
        previous = self._replace_some(latent, tokens, rate) if rate else None
        return Terms(self.nll(latent, tokens, previous), posterior.kl())

    def nll(self, latent: Tensor, tokens: Tensor, previous: Tensor | None = None) -> Tensor:
        """Return the negative log-likelihood of tokens given latent vectors: (batch,) nats."""
        of_steps: Tensor = self.decoder(latent, tokens, previous)
        return of_steps.sum(dim=1)

    @torch.no_grad()
    def _replace_some(self, latent: Tensor, tokens: Tensor, rate: float) -> Tensor:
        """Return the tokens, those of a share of the steps drawn from the decoder."""
        drawn = self.decoder.sample(latent, tokens)
        where = torch.rand(tokens.shape[:2], device=tokens.device) < rate  # (batch, steps)
        return torch.where(where[..., None], drawn, tokens)

    @torch.no_grad()
    def encode(self, tokens: Tensor) -> Posterior:
        """Return the posterior distributions of segments."""
        posterior: Posterior = self.encoder(tokens)
        return posterior

    def noise(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """Return latent vectors (count, latent_size) of the prior, the standard normal."""
        return torch.randn(count, self.latent_size, generator=generator)

    @torch.no_grad()
    def draw(self, noise: Tensor, conditioning: OneHotRoll | None = None) -> OneHotRoll:
        """Return the segments of these latent vectors, each choice the likeliest.

        Nothing of them is given.
        """
        del conditioning
        return decode(self.decoder.draw(noise), self.spec)
