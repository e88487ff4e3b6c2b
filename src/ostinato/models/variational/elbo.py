"""The objective of a variational autoencoder, and its settings."""

import math
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from torch import Tensor

BIT = math.log(2)  # in nats


@dataclass(frozen=True)
class ELBO:
    """Objective of encoder and decoder: the evidence lower bound (ELBO) with a weight.

    A segment costs its negative log-likelihood and `weight` times the nats by which the divergence
    of its posterior from the prior exceeds what is free.

    Sources: Kingma and Welling, Auto-Encoding Variational Bayes (ICLR 2014); the weight, Higgins et
    al., beta-VAE (ICLR 2017); its annealing, Bowman et al., Generating Sentences from a Continuous
    Space (CoNLL 2016); free bits of a whole segment, Roberts et al. (ICML 2018) after Kingma et al.
    (NeurIPS 2016); scheduled sampling, Bengio et al. (NeurIPS 2015), in two passes as Duckworth et
    al., Parallel Scheduled Sampling (2019).
    """

    weight: Annotated[
        float, Field(ge=0, le=100, description="of the divergence, at its highest: beta")
    ]
    free_bits: Annotated[
        float, Field(ge=0, le=65536, description="of the divergence of a segment that cost nothing")
    ]
    annealed: Annotated[
        float, Field(ge=0, le=1, description="share of the training in which the weight rises")
    ]
    scheduled_sampling: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="share of steps, at the end, that the decoder draws; it grows from 0",
        ),
    ]

    def weight_at(self, share: float) -> float:
        """Return the weight of the divergence after a share of the training."""
        return self.weight * (min(1.0, share / self.annealed) if self.annealed else 1.0)

    def scheduled_sampling_rate(self, share: float) -> float:
        """Return the share of steps that the decoder draws after a share of the training."""
        return self.scheduled_sampling * min(1.0, share)

    def cost(self, nll: Tensor, kl: Tensor, share: float = 1.0) -> Tensor:
        """Return what is minimised, (batch,), of nll and kl: (batch,) nats of each segment."""
        return nll + self.weight_at(share) * (kl - BIT * self.free_bits).clamp(min=0)
