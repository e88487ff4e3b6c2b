"""Interpolated Kneser-Ney smoothing of n-grams.

Kneser and Ney, "Improved backing-off for m-gram language modeling" (ICASSP 1995), in the
interpolated form of Chen and Goodman, "An empirical study of smoothing techniques for language
modeling" (Computer Speech and Language 13, 1999).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ostinato.evaluation.ngrams.contexts import ContextTable, Counts, Integers, count_grams

DISCOUNT = 0.5  # where there are too few n-grams to estimate it


@dataclass(frozen=True)
class KneserNey:
    """An n-gram model whose contexts have up to `order` tokens.

    counts: of n-grams, for each length of context. Those of the longest are how often each occurs.
    Those of the others are continuation counts: after how many different tokens each stands.
    discounts: what is taken off each count, for each length of context.
    """

    table: ContextTable
    counts: list[Counts]
    discounts: list[float]
    order: int

    def probabilities(self, contexts: Integers, tokens: Integers) -> NDArray[np.float64]:
        """Return the probability of each token (n,) after its contexts (order + 1, n).

        Over all tokens of the vocabulary they sum to 1.
        """
        size = self.table.size
        p = np.full(len(tokens), 1 / size)
        for k in range(self.order + 1):
            counts, discount = self.counts[k], self.discounts[k]
            seen, at = contexts[k] >= 0, np.maximum(contexts[k], 0)
            kept = np.maximum(counts.look_up(contexts[k], tokens, size) - discount, 0)
            # what is taken off the counts goes to the distribution after the shorter context
            spread = discount * counts.kinds[at] * p
            p = np.where(seen, (kept + spread) / np.maximum(counts.totals[at], 1), p)
        return p


def smooth(table: ContextTable, order: int) -> KneserNey:
    """Return the model of a table whose contexts have up to `order` tokens."""
    counts = [*(_count_continuations(table, k) for k in range(order)), table.counts[order]]
    return KneserNey(table, counts, [estimate_discount(some) for some in counts], order)


def _count_continuations(table: ContextTable, length: int) -> Counts:
    """Return after how many different tokens each n-gram with a context of that length stands."""
    longer = table.counts[length + 1].grams  # each different one counts once
    parents = table.parents(length + 1)[longer // table.size]
    return count_grams(parents, longer % table.size, table.size, len(table.keys[length]))


def estimate_discount(counts: Counts) -> float:
    """Return what is taken off each count: n1 / (n1 + 2 n2), of n-grams that occur once and twice.

    0.5 where none occurs once or none twice.
    """
    once, twice = (int((counts.counts == n).sum()) for n in (1, 2))
    return once / (once + 2 * twice) if once and twice else DISCOUNT
