"""Counts of what follows each context of tokens, for contexts of every length up to an order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
UNSEEN = -1  # the number of a context, or of an n-gram, that training does not hold


@dataclass(frozen=True)
class Counts:
    """Counts of the n-grams whose context has one length.

    An n-gram is a context and the token after it.

    grams: (grams,), sorted: `context * size + token`. counts: (grams,), how often each occurs.
    totals: (contexts,), the sum of the counts after each context. kinds: (contexts,), how many
    different tokens follow it.
    """

    grams: Integers
    counts: Integers
    totals: Integers
    kinds: Integers

    def look_up(self, contexts: Integers, tokens: Integers, size: int) -> Integers:
        """Return how often each token follows its context, 0 if never: (n,)."""
        found = find(self.grams, contexts * size + tokens)
        return np.where((contexts >= 0) & (found >= 0), self.counts[found], 0)


@dataclass(frozen=True)
class ContextTable:
    """Contexts of tokens that training holds, and what follows them.

    size: tokens of the vocabulary; the number `size` stands for places before a piece begins.
    keys: for each length k, (contexts,), sorted: `number of the context without its oldest token *
    (size + 1) + that token`. The number of a context is its place in `keys[k]`.
    counts: for each length k, the n-grams.
    """

    size: int
    keys: list[Integers]
    counts: list[Counts]

    @property
    def order(self) -> int:
        """Return the length of the longest contexts."""
        return len(self.keys) - 1

    def parents(self, length: int) -> Integers:
        """Return the number of each context without its oldest token: (contexts,)."""
        return self.keys[length] // (self.size + 1)

    def find(self, history: Integers) -> Integers:
        """Return the numbers of the contexts of every length: (order + 1, n).

        history: (order, n), the token before, the one before that and so on; `size` before the
        beginning. Contexts that training does not hold are `UNSEEN`.
        """
        found = np.zeros((self.order + 1, history.shape[1]), np.int64)
        for k in range(1, self.order + 1):
            keys = found[k - 1] * (self.size + 1) + history[k - 1]
            # a context is unseen where it is unseen without its oldest token
            found[k] = np.where(found[k - 1] >= 0, find(self.keys[k], keys), UNSEEN)
        return found


class TokenModel(Protocol):
    """A model of the next token by the tokens before it."""

    @property
    def table(self) -> ContextTable:
        """Return the contexts that training holds."""

    @property
    def order(self) -> int:
        """Return how many tokens of context are read."""

    def probabilities(self, contexts: Integers, tokens: Integers) -> NDArray[np.float64]:
        """Return the probability of each token (n,) after its contexts (order + 1, n)."""


def count_contexts(pieces: Sequence[NDArray[Any]], size: int, order: int) -> ContextTable:
    """Return the counts of pieces of tokens, for contexts of up to `order` tokens.

    The first token of a piece is only context: it is the end token where there is one.
    """
    history, tokens = unfold(pieces, size, order)
    numbers = np.zeros(len(tokens), np.int64)
    keys, counts = [np.zeros(1, np.int64)], [count_grams(numbers, tokens, size, 1)]
    for k in range(order):
        known, numbers = np.unique(numbers * (size + 1) + history[k], return_inverse=True)
        keys.append(known)
        counts.append(count_grams(numbers, tokens, size, len(known)))
    return ContextTable(size, keys, counts)


def count_grams(contexts: Integers, tokens: Integers, size: int, number: int) -> Counts:
    """Return the counts of n-grams, of which each is a context (n,) and a token (n,)."""
    grams, counts = np.unique(contexts * size + tokens, return_counts=True)
    totals = np.bincount(contexts, minlength=number)
    kinds = np.bincount(grams // size, minlength=number)
    return Counts(grams, counts.astype(np.int64), totals, kinds)


def unfold(pieces: Sequence[NDArray[Any]], size: int, order: int) -> tuple[Integers, Integers]:
    """Return the tokens that are predicted, (n,), and the `order` tokens before each: (order, n).

    Predicted are all tokens but the first of each piece, piece after piece.
    """
    blank = np.full(order, size, np.int64)
    parts: list[Integers] = [blank]  # of the tokens of all pieces, `order` blanks before each
    places: list[Integers] = []
    start = order
    for piece in pieces:
        parts += [piece.astype(np.int64), blank]
        places.append(np.arange(start + 1, start + len(piece)))
        start += len(piece) + order
    flat = np.concatenate(parts)
    at = np.concatenate(places) if places else np.zeros(0, np.int64)
    history = np.stack([flat[at - k] for k in range(1, order + 1)]) if order else blank[:, None]
    return history.reshape(order, len(at)), flat[at]


def find(known: Integers, keys: Integers) -> Integers:
    """Return the place of each key among sorted ones, `UNSEEN` where it is not there: (n,)."""
    if not len(known):
        return np.full(len(keys), UNSEEN)
    places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.where(known[places] == keys, places, UNSEEN)
