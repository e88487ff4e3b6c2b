"""The objective of a variational autoencoder, and its settings."""

import math
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from torch import Tensor

BIT = math.log(2)  # in nats


@dataclass(frozen=True)
class Evidence:
    """Objective of encoder and decoder: a weighted lower bound of the evidence.

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
    ] = 0.2
    free_bits: Annotated[
        float, Field(ge=0, le=65536, description="of the divergence of a segment that cost nothing")
    ] = 48.0
    annealed: Annotated[
        float, Field(ge=0, le=1, description="share of the training in which the weight rises")
    ] = 0.2
    scheduled_sampling: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="how often, at the end, the decoder hears itself; evenly more from 0 on",
        ),
    ] = 0.0

    def weight_at(self, share: float) -> float:
        """The weight after a share of the training."""
        return self.weight * (min(1.0, share / self.annealed) if self.annealed else 1.0)

    def own_at(self, share: float) -> float:
        """Return how often the decoder hears itself after a share of the training."""
        return self.scheduled_sampling * min(1.0, share)

    def cost(self, nll: Tensor, kl: Tensor, share: float = 1.0) -> Tensor:
        """nll, kl: (batch,) nats of each segment -> (batch,) what is minimised."""
        return nll + self.weight_at(share) * (kl - BIT * self.free_bits).clamp(min=0)
