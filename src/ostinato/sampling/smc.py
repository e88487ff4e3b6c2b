"""Infilling with a model that reads from left to right, by sequential Monte Carlo.

The tokens that are given weigh the particles that came upon them, so that what is drawn takes
account of what lies ahead (Doucet & Johansen 2009; of language models: Zhao et al., Probabilistic
inference in language models via twisted sequential Monte Carlo, ICML 2024).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ostinato.errors import ImpossibleConditionError
from ostinato.models.sequence import SequenceModel
from ostinato.models.threads import computing_with, threads_for_steps
from ostinato.representations.base import TokenRepresentation
from ostinato.representations.monophonic import HOLD
from ostinato.sampling.particles import (
    Particles,
    draw_tokens,
    effective_size,
    log_mean_exp,
    resample,
)
from ostinato.wording import quantity

Tokens = NDArray[np.integer[Any]]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class GivenTokens:
    """Tokens (time,) of a whole piece without its end token, as `encode` writes them.

    known: (time,), which are given; the others have no meaning. begins: (time,), unknown tokens
    that hold nothing, so that a given note before them stays as long as it is; none by default.
    """

    tokens: Tokens
    known: Mask
    begins: Mask | None = None

    def __post_init__(self) -> None:
        if self.tokens.shape != self.known.shape or not len(self.tokens):
            raise ValueError(
                f"tokens {self.tokens.shape} and known {self.known.shape} should be as long."
            )


@dataclass(frozen=True)
class ParticleSettings:
    """Settings of sequential Monte Carlo.

    particles: how many sequences are kept; branches: in how many ways each goes on from where
    unknown tokens begin until the given ones after them have weighed it; least_effective:
    particles are resampled where their effective sample size falls below this share of them, and
    branches always. For the same time more particles do better than more branches.
    """

    particles: int = 64
    branches: int = 1
    least_effective: float = 0.5

    def __post_init__(self) -> None:
        if self.particles < 1 or self.branches < 1:
            raise ValueError(
                f"particles={self.particles} and branches={self.branches} should be at least 1."
            )


@dataclass(frozen=True)
class Population:
    """The particles at the end of a run.

    tokens: (particles, time), without an end token; weights: (particles,), which sum to 1;
    log_evidence, effective, resampled: as in `Filled`.
    """

    tokens: NDArray[np.uint16]
    weights: NDArray[np.float64]
    log_evidence: float
    effective: float
    resampled: int


@dataclass(frozen=True)
class Filled:
    """A piece whose unknown tokens were drawn.

    steps: (time,), its tokens without an end token; effective: the least effective sample size of
    the run, branches included, as a share of `particles`, at most 1; resampled: how often particles
    were resampled; log_evidence: the estimate of log p(given tokens, end) of the model, in nats.
    """

    steps: NDArray[np.uint16]
    effective: float
    resampled: int
    log_evidence: float


def fill(
    network: SequenceModel,
    representation: TokenRepresentation,
    given: GivenTokens,
    settings: ParticleSettings,
    seed: int,
    reached: Callable[[float], None] | None = None,
) -> Filled:
    """Draw the unknown tokens of a piece given all known ones, those that lie ahead included.

    The piece ends after its last token, where the representation has an end token. The
    distribution is that of the network among legal tokens, without temperature; it is exact as
    particles become many. reached: called with the share of the piece that is done. Raises
    `ImpossibleConditionError` where no particle can go on with what
    is given.
    """
    population = run_particles(network, representation, given, settings, seed, reached)
    # the particles are weighted: one of them, drawn by its weight, stands for all
    row = np.random.default_rng(seed).choice(len(population.weights), p=population.weights)
    return Filled(
        population.tokens[row],
        population.effective,
        population.resampled,
        population.log_evidence,
    )


def conditional_nll(
    network: SequenceModel,
    representation: TokenRepresentation,
    given: GivenTokens,
    settings: ParticleSettings,
    seed: int,
    repetitions: int = 4,
) -> float:
    """Return -log p(unknown tokens | known tokens) of a piece, in nats for all of them together.

    All tokens of `given` are true ones. It is log p(known) - log p(all), the second
    exact, the first the logarithm of the mean of unbiased estimates of p(known), one of each of
    `repetitions` runs. By Jensen's inequality it is too low on average, less so with more runs.
    """
    everything = GivenTokens(given.tokens, np.ones_like(given.known))
    whole = run_particles(network, representation, everything, settings, seed)
    evidence, failure = [], None
    for of_run in np.random.default_rng(seed).integers(2**63, size=repetitions):
        try:
            run = run_particles(network, representation, given, settings, int(of_run))
            evidence.append(run.log_evidence)
        except ImpossibleConditionError as error:  # the estimate of this run is 0
            evidence.append(-np.inf)
            failure = error
    estimate = log_mean_exp(torch.tensor(evidence, dtype=torch.float64))
    if failure is not None and estimate == -np.inf:
        raise failure
    return estimate - whole.log_evidence


@torch.inference_mode()
def run_particles(
    network: SequenceModel,
    representation: TokenRepresentation,
    given: GivenTokens,
    settings: ParticleSettings,
    seed: int,
    reached: Callable[[float], None] | None = None,
) -> Population:
    """Draw weighted particles of a piece given its known tokens; arguments as those of `fill`.

    Over seeds, the mean of exp(log_evidence) is p(given tokens, end), whatever the number of
    particles: the estimate is unbiased (Del Moral 2004).
    """
    tokens = given.tokens
    if representation.end is not None and (tokens[given.known] == representation.end).any():
        raise ValueError("the end token should not be among the known ones: it comes after them.")
    network.eval()
    run = _Run(network, representation, given, settings, seed)
    with computing_with(threads_for_steps(settings.particles)):
        for step in range(len(run.given)):
            run.extend(step)
            if reached is not None:
                reached((step + 1) / len(run.given))
    weights = torch.softmax(run.particles.log_weights, dim=0).numpy()
    return Population(
        run.particles.tokens[:, : len(tokens)].astype(np.uint16),
        weights / weights.sum(),
        run.log_evidence + log_mean_exp(run.particles.log_weights),
        run.effective,
        run.resampled,
    )


class _Run:
    """The particles on their way along a piece, and what was found on it.

    given: (time,), the known tokens and the end token, -1 where a token is unknown.
    """

    def __init__(
        self,
        network: SequenceModel,
        representation: TokenRepresentation,
        given: GivenTokens,
        settings: ParticleSettings,
        seed: int,
    ) -> None:
        self.settings, self.end = settings, representation.end
        self.voices = representation.voices_per_step
        ends = [] if self.end is None else [self.end]
        tokens = np.where(given.known, given.tokens.astype(np.int64), -1)
        self.given = np.append(tokens, np.array(ends, np.int64))
        self.particles = Particles(network, representation, len(self.given))
        self.generator = torch.Generator().manual_seed(seed)
        self.log_evidence, self.effective, self.resampled = 0.0, 1.0, 0
        self.begins = np.zeros_like(given.known) if given.begins is None else given.begins

    def extend(self, step: int) -> None:
        """Append the next token, number `step`, to every particle, and weigh it."""
        particles, unknown = self.particles, self.given[step] < 0
        if unknown and (step == 0 or self.given[step - 1] >= 0):
            self._branch()
        log_probabilities = particles.log_probabilities()
        if unknown:
            chosen = self._draw(log_probabilities, bool(self.begins[step]))
        else:
            chosen = torch.full((len(particles),), int(self.given[step]))
            particles.log_weights += log_probabilities[:, self.given[step]]
        if not bool((particles.log_weights > -torch.inf).any()):
            raise self._failure(step)
        particles.append(chosen.numpy())
        last = step + 1 == len(self.given)
        if not unknown and (last or self.given[step + 1] < 0):
            self._resample(last)
        particles.advance()

    def _branch(self) -> None:
        """Let every particle go on in several ways, as copies of the same weight."""
        count = self.settings.particles * self.settings.branches
        rows = torch.arange(len(self.particles))
        self.particles.select(rows.repeat_interleave(count // len(rows)))

    def _draw(self, log_probabilities: Tensor, begins: bool) -> Tensor:
        """Draw an unknown token of each particle, (particles,); not the end, as the piece goes on.

        That it is not the end, or holds nothing, is given too, and weighs the particles.
        """
        if begins:
            log_probabilities[:, HOLD] = -torch.inf
        if self.end is not None:
            log_probabilities[:, self.end] = -torch.inf
        self.particles.log_weights += log_probabilities.logsumexp(-1)
        return draw_tokens(log_probabilities, self.generator)

    def _resample(self, last: bool) -> None:
        """Measure the weights after a run of given tokens, and resample where it is due.

        Branches are resampled down to the particles that are kept. Given tokens alone change no
        sequence, so that nothing is won by resampling among them, or after the last.
        """
        particles, kept = self.particles, self.settings.particles
        if len(particles) == 1:  # nothing was drawn so far, or one particle is all there is
            return
        size = effective_size(particles.log_weights)
        self.effective = min(self.effective, size / kept)
        if last or (len(particles) == kept and size >= self.settings.least_effective * kept):
            return
        self.log_evidence += log_mean_exp(particles.log_weights)
        particles.select(resample(particles.log_weights, kept, self.generator))
        particles.log_weights = torch.zeros_like(particles.log_weights)
        self.resampled += 1

    def _failure(self, step: int) -> ImpossibleConditionError:
        ends = self.end is not None and step + 1 == len(self.given)
        where = step // self.voices + (not ends)
        given = "a piece that ends after" if ends else "the notes that are given at"
        return ImpossibleConditionError(
            f"the model gives no probability to {given} step {where} (counted from 1), as none of "
            f"{quantity(len(self.particles), 'particle')} can go on with it: give other notes "
            "there, or take more particles."
        )
