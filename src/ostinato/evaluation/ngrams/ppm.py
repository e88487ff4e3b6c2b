"""Prediction by partial matching (PPM), with escapes by method C and exclusion.

Cleary and Witten, "Data compression using adaptive coding and partial string matching" (IEEE
Transactions on Communications 32, 1984); method C: Moffat, "Implementing the PPM data compression
scheme" (the same, 38, 1990). It is trained on pieces and does not adapt to the one it predicts.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ostinato.evaluation.ngrams.contexts import ContextTable, Integers


@dataclass(frozen=True)
class PPM:
    """A model that predicts by the longest context it knows, and escapes to shorter ones.

    rest_totals, rest_kinds: for each length from 1, (contexts,): what the context without its
    oldest token has counted of tokens that do not follow the whole context. Those that do are
    excluded after an escape.
    """

    table: ContextTable
    rest_totals: list[Integers]
    rest_kinds: list[Integers]
    order: int

    def probabilities(self, contexts: Integers, tokens: Integers) -> NDArray[np.float64]:
        """Return the probability of each token (n,) after its contexts (order + 1, n).

        Over all tokens of the vocabulary they sum to 1.
        """
        size = self.table.size
        p, escaped = np.zeros(len(tokens)), np.ones(len(tokens))
        longer = np.full(len(tokens), -1)  # the number of the context one token longer
        for k in range(self.order, -1, -1):
            counts, own = self.table.counts[k], contexts[k]
            total, kinds = self._without_excluded(k, own, longer)
            # with every token of the vocabulary seen, there is nothing to escape to
            escape = np.where(counts.kinds[np.maximum(own, 0)] == size, 0, kinds)
            share = escaped / np.maximum(total + escape, 1)
            count = counts.look_up(own, tokens, size)
            p = np.where((p == 0) & (total > 0), share * count, p)
            escaped = np.where(total > 0, share * escape, escaped)
            longer = own
        unseen = size - int(self.table.counts[0].kinds[0])
        return np.where(p == 0, escaped / max(1, unseen), p)

    def _without_excluded(
        self, length: int, own: Integers, longer: Integers
    ) -> tuple[Integers, Integers]:
        """Return the counts and the kinds of tokens after a context that are not excluded: (n,).

        Where the longer context is known, its tokens are excluded. 0 for unseen contexts.
        """
        counts, at = self.table.counts[length], np.maximum(own, 0)
        total, kinds = counts.totals[at], counts.kinds[at]
        if length < self.order:
            known, beyond = longer >= 0, np.maximum(longer, 0)
            total = np.where(known, self.rest_totals[length][beyond], total)
            kinds = np.where(known, self.rest_kinds[length][beyond], kinds)
        return np.where(own >= 0, total, 0), np.where(own >= 0, kinds, 0)


def match(table: ContextTable, order: int) -> PPM:
    """Return the model of a table whose contexts have up to `order` tokens."""
    totals, kinds = [], []
    for k in range(1, order + 1):
        parents, counts, shorter = table.parents(k), table.counts[k], table.counts[k - 1]
        contexts, tokens = counts.grams // table.size, counts.grams % table.size
        # what follows a context also follows it without its oldest token, at least as often
        excluded = shorter.look_up(parents[contexts], tokens, table.size)
        sums = np.zeros(len(parents), np.int64)
        np.add.at(sums, contexts, excluded)
        totals.append(shorter.totals[parents] - sums)
        kinds.append(shorter.kinds[parents] - counts.kinds)
    return PPM(table, totals, kinds, order)
