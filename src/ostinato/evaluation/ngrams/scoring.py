"""Likelihood of test pieces by n-grams and by PPM, whose orders are chosen on validation."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ostinato.data.store import TokenStore
from ostinato.evaluation.ngrams.contexts import (
    ContextTable,
    Integers,
    TokenModel,
    count_contexts,
    unfold,
)
from ostinato.evaluation.ngrams.kneser_ney import smooth
from ostinato.evaluation.ngrams.ppm import match

HIGHEST_ORDER = 16  # tokens of context
DEFAULT_ORDER = 5  # without validation pieces
MOST_TOKENS = 2_000_000  # that are counted: of more, pieces are left out evenly
MODELS: dict[str, Callable[[ContextTable, int], TokenModel]] = {"ngram": smooth, "ppm": match}


@dataclass(frozen=True)
class MarkovScores:
    """Likelihoods of the test pieces by variable-order Markov models.

    nats: (pieces,) of the test pieces, by the names of `MODELS`. orders: how many tokens of
    context each has, by name. validated: whether validation pieces chose them. counted: pieces
    that were counted, of so many `training` pieces.
    """

    nats: dict[str, NDArray[np.float64]]
    orders: dict[str, int]
    validated: bool
    counted: int
    training: int

    def table(self) -> dict[str, object]:
        """Return how the models were made, for metrics.json."""
        return {
            "orders": self.orders,
            "chosen_on_validation": self.validated,
            "counted_pieces": self.counted,
            "training_pieces": self.training,
        }

    def details(self) -> dict[str, str]:
        """Return in words what a reader should know about the models."""
        orders = f"{self.orders['ngram']} of the n-gram, {self.orders['ppm']} of PPM"
        chosen = "chosen on validation" if self.validated else "without validation pieces"
        found = {"tokens of context": f"{orders}, {chosen}"}
        if self.counted < self.training:
            found["n-gram and PPM"] = (
                f"trained on {self.counted:,} of {self.training:,} training pieces, which are "
                f"about {MOST_TOKENS:,} tokens"
            )
        return found


def score_markov_models(
    store: TokenStore,
    training: NDArray[np.int64],
    validation: NDArray[np.int64],
    test: NDArray[np.int64],
    size: int,
) -> MarkovScores:
    """Return the nats of test pieces by each of `MODELS`, trained on the training pieces.

    store: of tokens. The order of a model is the one with the fewest nats on validation.
    """
    counted = take_pieces(store, training, MOST_TOKENS)
    table = count_contexts([store.piece(i) for i in counted], size, HIGHEST_ORDER)
    orders, nats = {}, {}
    for name, make in MODELS.items():
        orders[name] = choose_order(make, table, store, validation)
        nats[name] = piece_nats(make(table, orders[name]), store, test)
    return MarkovScores(nats, orders, len(validation) > 0, len(counted), len(training))


def choose_order(
    make: Callable[[ContextTable, int], TokenModel],
    table: ContextTable,
    store: TokenStore,
    validation: NDArray[np.int64],
) -> int:
    """Return the order of which validation pieces have the fewest nats, the lowest of equal ones.

    `DEFAULT_ORDER` where there are none.
    """
    if not len(validation):
        return min(DEFAULT_ORDER, table.order)
    contexts, tokens = _read_pieces(table, store, validation)
    totals = [
        float(-np.log(make(table, order).probabilities(contexts, tokens)).sum())
        for order in range(table.order + 1)
    ]
    return int(np.argmin(totals))


def piece_nats(
    model: TokenModel, store: TokenStore, indices: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the nats of each of the pieces at `indices` by a model: (pieces,)."""
    contexts, tokens = _read_pieces(model.table, store, indices)
    nats = -np.log(model.probabilities(contexts, tokens))
    lengths = store.offsets[indices + 1] - store.offsets[indices] - 1
    sums = np.bincount(np.repeat(np.arange(len(indices)), lengths), nats, len(indices))
    return sums.astype(np.float64)


def take_pieces(store: TokenStore, indices: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Return pieces, evenly spread, that have at most about so many tokens together."""
    tokens = int((store.offsets[indices + 1] - store.offsets[indices]).sum())
    if tokens <= most:
        return indices
    count = max(1, len(indices) * most // tokens)
    return indices[np.arange(count) * len(indices) // count]


def _read_pieces(
    table: ContextTable, store: TokenStore, indices: NDArray[np.int64]
) -> tuple[Integers, Integers]:
    """Return contexts (order + 1, n) and predicted tokens (n,) of pieces, one after the other."""
    history, tokens = unfold([store.piece(i) for i in indices], table.size, table.order)
    return table.find(history), tokens
