"""Baselines that a model must beat: token counts."""

import numpy as np
from numpy.typing import NDArray

from ostinato.data.store import TokenStore


def unigram_nll(
    store: TokenStore,
    training: NDArray[np.int64],
    test: NDArray[np.int64],
    size: int,
    smoothing: float,
) -> NDArray[np.float64]:
    """Return nats (pieces,) of test pieces, tokens being drawn by their frequency in training."""
    counts = np.full(size, smoothing)
    for i in training:
        counts += np.bincount(store.piece(i)[1:], minlength=size)
    logs = np.log(counts / counts.sum())
    return np.array([-logs[store.piece(i)[1:]].sum() for i in test])


def bigram_nll(
    store: TokenStore,
    training: NDArray[np.int64],
    test: NDArray[np.int64],
    size: int,
    smoothing: float,
) -> NDArray[np.float64]:
    """Return the same where each token is drawn by how often it followed the one before it.

    Both baselines add `smoothing` to every count (Laplace).
    """
    pairs = np.full((size, size), smoothing)
    for i in training:
        piece = store.piece(i).astype(np.int64)
        pairs += np.bincount(piece[:-1] * size + piece[1:], minlength=size**2).reshape(size, size)
    logs = np.log(pairs / pairs.sum(1, keepdims=True))
    return np.array([-logs[store.piece(i)[:-1], store.piece(i)[1:]].sum() for i in test])


def frame_nll(
    store: TokenStore, training: NDArray[np.int64], test: NDArray[np.int64], smoothing: float
) -> dict[str, NDArray[np.float64]]:
    """Return nats (pieces,) of test pieces whose frames' columns are drawn each by itself.

    `unigram`: by how often it was 1 in training; `bigram`: by how often after what it was in the
    frame before. Both add `smoothing` to every count (Laplace).
    """
    seen = _columns(store, training)
    logs = {
        name: np.log(counts + smoothing) - np.log((counts + smoothing).sum(0))
        for name, counts in {"unigram": seen.sum(1, keepdims=True), "bigram": seen}.items()
    }
    nats: dict[str, list[float]] = {name: [] for name in logs}
    for i in test:
        counts = _columns(store, np.array([i]))
        nats["unigram"].append(-(counts.sum(1, keepdims=True) * logs["unigram"]).sum())
        nats["bigram"].append(-(counts * logs["bigram"]).sum())
    return {name: np.array(values) for name, values in nats.items()}


def _columns(store: TokenStore, indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how often a column was 0 or 1 (first axis) after 0 or 1 (second): (2, 2, width)."""
    counts = np.zeros((2, 2, store.steps.shape[1]), np.int64)
    for i in indices:
        piece = store.piece(i) > 0
        for after in (0, 1):
            for before in (0, 1):
                both = (piece[1:] == after) & (piece[:-1] == before)
                counts[after, before] += both.sum(0)
    return counts


def baseline_nll(
    store: TokenStore,
    training: NDArray[np.int64],
    test: NDArray[np.int64],
    size: int,
    smoothing: float,
) -> dict[str, NDArray[np.float64]]:
    """Return nats (pieces,) of the test pieces by each baseline's name."""
    if store.steps.ndim == 2:
        return frame_nll(store, training, test, smoothing)
    return {
        "unigram": unigram_nll(store, training, test, size, smoothing),
        "bigram": bigram_nll(store, training, test, size, smoothing),
    }
