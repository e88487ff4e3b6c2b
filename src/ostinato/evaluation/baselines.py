"""What a model must beat: token counts."""

import numpy as np
from numpy.typing import NDArray

from ostinato.batches.store import TokenStore


def unigram_nll(
    store: TokenStore,
    training: NDArray[np.int64],
    test: NDArray[np.int64],
    size: int,
    smoothing: float,
) -> float:
    """Nats of the test pieces, summed, when each token is drawn by its frequency in training."""
    counts = np.full(size, smoothing)
    for i in training:
        counts += np.bincount(store.piece(i)[1:], minlength=size)
    logs = np.log(counts / counts.sum())
    return -float(sum(logs[store.piece(i)[1:]].sum() for i in test))


def bigram_nll(
    store: TokenStore,
    training: NDArray[np.int64],
    test: NDArray[np.int64],
    size: int,
    smoothing: float,
) -> float:
    """The same when each token is drawn by how often it followed the one before it.

    Both baselines add `smoothing` to every count (Laplace).
    """
    pairs = np.full((size, size), smoothing)
    for i in training:
        piece = store.piece(i).astype(np.int64)
        pairs += np.bincount(piece[:-1] * size + piece[1:], minlength=size**2).reshape(size, size)
    logs = np.log(pairs / pairs.sum(1, keepdims=True))
    return -float(sum(logs[store.piece(i)[:-1], store.piece(i)[1:]].sum() for i in test))
