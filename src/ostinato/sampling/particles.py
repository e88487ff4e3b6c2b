"""Particles of sequential Monte Carlo: weighted sequences that a network grows in one batch.

Source: Doucet & Johansen, A tutorial on particle filtering and smoothing (2009).
"""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ostinato.models.sequence import SequenceModel
from ostinato.representations.base import TokenRepresentation
from ostinato.sampling.sequence import advance
from ostinato.sampling.strategies import ALMOST_ONE, check_logits


class Particles:
    """A batch of sequences of tokens, each with its weight.

    tokens: (particles, length) int64, of which the first `time` are drawn or given; log_weights:
    (particles,) float64, in nats. It begins with one empty sequence: `select` makes more of it.
    Probabilities are those of the network among the tokens that are legal by the grammar, which
    sum to 1.
    """

    def __init__(
        self, network: SequenceModel, representation: TokenRepresentation, length: int
    ) -> None:
        self.network, self.grammar = network, representation.grammar(1)
        self.tokens = np.zeros((1, length), np.int64)
        self.log_weights = torch.zeros(1, dtype=torch.float64)
        self.time = 0
        self.state: Any = None
        self.context: Tensor | None = None  # without an end token nothing says how a piece begins
        if representation.end is not None:
            self._advance_network(np.array([representation.end]))

    def __len__(self) -> int:
        return len(self.tokens)

    def log_probabilities(self) -> Tensor:
        """Return those of the next token in nats: (particles, vocabulary) float64.

        Where the network gives all legal tokens probability 0, all of the row are -inf.
        """
        legal = torch.from_numpy(self.grammar.legal())
        logits = torch.zeros(legal.shape) if self.context is None else check_logits(self.context)
        logits = logits.double().cpu().masked_fill(~legal, -torch.inf)
        return torch.log_softmax(logits, dim=-1).nan_to_num(-torch.inf, neginf=-torch.inf)

    def append(self, tokens: NDArray[np.int64]) -> None:
        """Append a token to each sequence, (particles,); `advance` must follow."""
        self.tokens[:, self.time] = tokens

    def advance(self) -> None:
        """Step the grammar and the network on by the tokens that were appended.

        A sequence with an illegal token has weight 0; a legal one takes its place.
        """
        tokens, legal = self.tokens[:, self.time], self.grammar.legal()
        is_legal = legal[np.arange(len(self)), tokens]
        self.grammar.advance(np.where(is_legal, tokens, legal.argmax(axis=1)))
        self.time += 1
        if self.time < self.tokens.shape[1]:
            self._advance_network(tokens)

    def _advance_network(self, tokens: NDArray[np.int64]) -> None:
        self.context, self.state = advance(self.network, tokens, self.grammar, self.state)

    def select(self, rows: Tensor) -> None:
        """Go on with the sequences numbered `rows`, (particles,) int64, which may repeat."""
        numbers = rows.numpy()
        self.grammar = self.grammar.select(numbers)
        self.tokens = self.tokens[numbers]
        self.log_weights = self.log_weights[rows]
        if self.context is not None:
            on_device = rows.to(self.context.device)
            self.context = self.context[on_device]
            self.state = self.network.select(self.state, on_device)


def draw_tokens(log_probabilities: Tensor, generator: torch.Generator) -> Tensor:
    """Draw one token of each row (particles, vocabulary), stratified over the rows: (particles,).

    Every row is drawn from its own distribution. Rows that are alike share out the likely tokens
    as evenly as they can: a Latin hypercube (McKay, Beckman & Conover 1979) with one dimension for
    each call. A row without any probability gives its first token.
    """
    count = len(log_probabilities)
    within = torch.rand(count, dtype=torch.float64, generator=generator)
    uniform = (torch.randperm(count, generator=generator) + within) / count
    cumulative = log_probabilities.exp().cumsum(-1)
    reached = uniform.clamp(max=ALMOST_ONE)[:, None] * cumulative[:, -1:]
    # the first token beyond what was reached: one without probability adds nothing to the sum
    return (cumulative > reached).int().argmax(-1)


def resample(log_weights: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Draw `count` rows in proportion to their weights, by systematic resampling: (count,) int64.

    log_weights: (particles,) in nats, not all -inf. A row is drawn count × its share of the weight
    times, rounded up or down (Kitagawa 1996).
    """
    start = torch.rand(1, dtype=torch.float64, generator=generator)
    pointers = (torch.arange(count) + start) / count
    cumulative = torch.softmax(log_weights, dim=0).cumsum(0)
    reached = pointers.clamp(max=ALMOST_ONE) * cumulative[-1]
    return torch.searchsorted(cumulative, reached, right=True)


def effective_size(log_weights: Tensor) -> float:
    """Return the effective sample size of weights (particles,): from 1 to their number.

    Source: Kong, Liu & Wong (1994), as Liu (2001) writes it.
    """
    return float(1 / torch.softmax(log_weights, dim=0).square().sum())


def log_mean_exp(values: Tensor) -> float:
    """Return the logarithm of the mean of the exponentials of values (number,)."""
    return float(torch.logsumexp(values, dim=0)) - math.log(len(values))
