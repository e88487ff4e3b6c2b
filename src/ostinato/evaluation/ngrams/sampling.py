"""Music by a variable-order Markov model, within the grammar of a representation."""

import numpy as np
from numpy.typing import NDArray

from ostinato.evaluation.ngrams.contexts import Integers, TokenModel
from ostinato.music.piece import Piece
from ostinato.representations.base import BAR_QUARTERS, TokenRepresentation

TOKENS_PER_QUARTER = 64  # more than any music needs: a bound for a model that never moves on


def compose_pieces(
    model: TokenModel, representation: TokenRepresentation, pieces: int, max_bars: int, seed: int
) -> list[Piece]:
    """Return new pieces, drawn token by token from a model: only tokens that the grammar allows.

    A piece ends with the end token, or at `max_bars` bars. The same seed gives the same pieces.
    Without an end token a piece begins with one that occurs as often in training.
    """
    grammar, random = representation.grammar(pieces), np.random.default_rng(seed)
    tokens: list[list[int]] = [[] for _ in range(pieces)]
    done, limit = np.zeros(pieces, bool), max_bars * BAR_QUARTERS
    for _ in range(limit * TOKENS_PER_QUARTER):
        history = _read_history(tokens, representation, model)
        drawn = _draw_tokens(model, history, grammar.legal(), random)
        done |= drawn == representation.end if representation.end is not None else False
        # what is done is only padded
        grammar.advance(np.where(done, grammar.legal().argmax(axis=1), drawn))
        for i in np.flatnonzero(~done):
            tokens[i].append(int(drawn[i]))
        done |= grammar.quarters >= limit
        if done.all():
            break
    return [
        representation.decode(np.array(sequence, np.uint16), f"piece-{number:03d}")
        for number, sequence in enumerate(tokens, 1)
    ]


def _read_history(
    tokens: list[list[int]], representation: TokenRepresentation, model: TokenModel
) -> Integers:
    """Return the last tokens of each sequence, the newest first: (order of the table, pieces).

    Sequences begin with the end token, as those of the training do; before that stands nothing.
    """
    order, size = model.table.order, model.table.size
    first = [] if representation.end is None else [representation.end]
    rows = [([*first, *sequence][::-1] + [size] * order)[:order] for sequence in tokens]
    return np.array(rows, np.int64).reshape(len(tokens), order).T


def _draw_tokens(
    model: TokenModel, history: Integers, legal: NDArray[np.bool_], random: np.random.Generator
) -> Integers:
    """Return a token for each sequence by the probabilities of those that are legal: (pieces,)."""
    pieces, size = legal.shape
    contexts = model.table.find(history)
    # every token of the vocabulary after every sequence, side by side: (order + 1, pieces * size)
    every = np.tile(np.arange(size), pieces)
    p = model.probabilities(np.repeat(contexts, size, axis=1), every).reshape(pieces, size)
    sums = np.cumsum(np.where(legal, p, 0), axis=1)
    drawn: Integers = (sums < random.random((pieces, 1)) * sums[:, -1:]).sum(axis=1)
    return drawn
