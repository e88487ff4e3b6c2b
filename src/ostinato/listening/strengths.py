"""Strengths of systems from votes on pairs, by the model of Davidson, with bootstrap intervals.

Davidson, "On extending the Bradley-Terry model to accommodate ties in paired comparison
experiments" (Journal of the American Statistical Association 65, 1970).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

BOOTSTRAPS = 1000
CONFIDENCE = 0.95
FEWEST_VOTERS = 5  # of fewer, votes are drawn: so few say nothing about other listeners
PRECISION = 0.1  # of the prior of a strength: a standard deviation of 3.2, wider than any music
TIE_PRECISION, TIE_CENTRE = 0.05, -1.0  # of the prior of log(nu): wider still
STEPS, TOLERANCE, LONGEST_STEP = 100, 1e-8, 2.0  # of Newton's method
SEED = 0  # equal votes have equal intervals
FIRST, SECOND, TIE = 0, 1, 2  # outcomes

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Comparisons:
    """Votes on pairs of systems, without those that found both bad: arrays of shape (votes,).

    voter: who; first, second: the systems, counted from 0; outcome: `FIRST`, `SECOND` or `TIE`.
    """

    systems: int
    voter: Ints
    first: Ints
    second: Ints
    outcome: Ints

    def __len__(self) -> int:
        return len(self.outcome)


@dataclass(frozen=True)
class Strengths:
    """Strengths of systems, in log-odds, their mean 0: arrays of shape (systems,).

    Where one of two is preferred, the odds are `exp(value[i] - value[j])`. low, high: the 95 %
    interval. ties: log(nu) of Davidson's model. drawn: what the bootstrap drew with replacement.
    """

    value: Floats
    low: Floats
    high: Floats
    ties: float
    drawn: Literal["voters", "votes"]


def estimate_strengths(votes: Comparisons, seed: int = SEED) -> Strengths:
    """Return the strengths of all systems, with intervals from 1,000 bootstraps.

    Five voters or more are drawn with replacement, each with all votes: votes of one listener are
    not independent of each other. Of fewer, the votes are drawn. The interval is the estimate and
    Student's t times the standard deviation over the draws, with as many degrees of freedom as
    what is drawn has: percentiles are too narrow for few voters.
    """
    pairs, design = list_outcomes(votes.systems)
    counts, drawn = _count(votes, len(pairs))
    value = fit_davidson(counts.sum(axis=0)[None], design)[0]
    random, units = np.random.default_rng(seed), len(counts)
    # how often each unit is drawn: (bootstraps, units)
    times = random.multinomial(units, [1 / units] * units, BOOTSTRAPS)
    resampled = np.einsum("bu,upo->bpo", times.astype(np.float64), counts)
    spread = fit_davidson(resampled, design)[:, : votes.systems].std(axis=0)
    margin = spread * _student(units - 1) * np.sqrt(units / (units - 1))
    strengths = value[: votes.systems]
    return Strengths(strengths, strengths - margin, strengths + margin, float(value[-1]), drawn)


def fit_davidson(counts: Floats, design: Floats) -> Floats:
    """Return the parameters that make counts likeliest under a weak prior.

    counts: (sets, pairs, outcomes), each set fitted for itself; design: (pairs, outcomes,
    parameters). Returns (sets, parameters): the strengths, and last log(nu).

    The outcomes of a pair have odds exp(d/2) : exp(-d/2) : nu, where d is the difference of the
    strengths. That is a softmax of a linear function, so that Newton's method finds the one
    maximum. The prior keeps finite a system that wins, or loses, every time.
    """
    size = design.shape[2]
    precision = np.array([PRECISION] * (size - 1) + [TIE_PRECISION])
    centre = np.array([0.0] * (size - 1) + [TIE_CENTRE])
    parameters, votes = np.zeros((len(counts), size)), counts.sum(axis=2)
    for _ in range(STEPS):
        chances = _softmax(np.einsum("pok,sk->spo", design, parameters))
        surprise = counts - votes[..., None] * chances
        gradient = np.einsum("spo,pok->sk", surprise, design)
        gradient -= precision * (parameters - centre)
        # the variance of the design under the model, pair by pair: E[xx'] - E[x]E[x]'
        means = np.einsum("spo,pok->spk", chances, design)
        weighted = votes[..., None] * chances
        squares = np.einsum("spo,pok,pol->skl", weighted, design, design, optimize=True)
        curvature = squares - np.einsum("sp,spk,spl->skl", votes, means, means, optimize=True)
        curvature += np.diag(precision)
        step = np.linalg.solve(curvature, gradient[..., None])[..., 0]
        length = np.abs(step).max(axis=1, keepdims=True)
        parameters += step * np.minimum(1, LONGEST_STEP / np.maximum(length, TOLERANCE))
        if length.max() < TOLERANCE:
            break
    return parameters


def list_outcomes(systems: int) -> tuple[list[tuple[int, int]], Floats]:
    """Return every pair of systems, and the linear function behind the odds of its outcomes.

    The latter is the `design` of `fit_davidson`: (pairs, outcomes, parameters).
    """
    pairs = [(i, j) for i in range(systems) for j in range(i + 1, systems)]
    design = np.zeros((len(pairs), 3, systems + 1))
    for row, (i, j) in enumerate(pairs):
        design[row, FIRST, [i, j]] = 0.5, -0.5
        design[row, SECOND, [i, j]] = -0.5, 0.5
        design[row, TIE, systems] = 1.0
    return pairs, design


def connected_groups(votes: Comparisons) -> list[list[int]]:
    """Return the systems in groups that votes join; several groups cannot be compared."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    shape = (votes.systems, votes.systems)
    joined = coo_array((np.ones(len(votes)), (votes.first, votes.second)), shape=shape)
    count, labels = connected_components(joined, directed=False)
    return [np.flatnonzero(labels == label).tolist() for label in range(count)]


def _count(votes: Comparisons, pairs: int) -> tuple[Floats, Literal["voters", "votes"]]:
    """Return how often each outcome was in each unit that is drawn: (units, pairs, outcomes)."""
    turned = votes.first > votes.second
    low, high = np.minimum(votes.first, votes.second), np.maximum(votes.first, votes.second)
    # pairs are in order of (low, high): those of earlier `low` come first
    row = low * (2 * votes.systems - low - 1) // 2 + high - low - 1
    decided = votes.outcome != TIE
    outcome = np.where(turned & decided, 1 - votes.outcome, votes.outcome)
    voters, unit = np.unique(votes.voter, return_inverse=True)
    few = len(voters) < FEWEST_VOTERS
    if few:
        unit = np.arange(len(votes))
    counts = np.zeros((int(unit.max()) + 1, pairs, 3))
    np.add.at(counts, (unit, row, outcome), 1.0)
    return counts, "votes" if few else "voters"


def _softmax(scores: Floats) -> Floats:
    odds = np.exp(scores - scores.max(axis=-1, keepdims=True))
    chances: Floats = odds / odds.sum(axis=-1, keepdims=True)
    return chances


def _student(freedom: int) -> float:
    """Return how many standard deviations a 95 % interval reaches to each side."""
    from scipy.stats import t

    return float(t.ppf((1 + CONFIDENCE) / 2, freedom))
