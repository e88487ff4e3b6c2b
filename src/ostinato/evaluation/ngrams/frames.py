"""Frames as tokens, so that Markov models can count them."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.store import TokenStore


def vocabulary_size(width: int, channels: int) -> int:
    """Return how many tokens `list_pitches` writes: each pitch, begun or held, and the end."""
    return channels * (width // channels) + 1


def list_pitches(frames: NDArray[Any], channels: int) -> NDArray[np.uint16]:
    """Return frames (time, width) of 0 and 1 as tokens (n,): the pitches of each, then an end.

    Pitches go from the highest to the lowest, as in the autoregressive head. A pitch that begins is
    another token than one that is held, where a second channel says which. Each sequence of frames
    has its own tokens, so that the probability of the tokens is at most that of the frames.
    """
    pitches = frames.shape[1] // channels
    sounds = frames[:, :pitches] > 0
    end = vocabulary_size(frames.shape[1], channels) - 1
    tokens = np.tile(np.arange(pitches), (len(frames), 1))
    if channels > 1:
        tokens += pitches * (frames[:, pitches : 2 * pitches] > 0)
    # from the highest down, and an end after each frame
    tokens = np.concatenate([tokens[:, ::-1], np.full((len(frames), 1), end)], axis=1)
    is_there = np.concatenate([sounds[:, ::-1], np.ones((len(frames), 1), bool)], axis=1)
    listed: NDArray[np.uint16] = tokens[is_there].astype(np.uint16)
    return listed


def as_tokens(store: TokenStore, channels: int) -> TokenStore:
    """Return a store of frames as one of tokens, as `list_pitches` writes them; no positions.

    The empty frame before each piece is an end, which the first pitch follows.
    """
    pieces = [list_pitches(store.piece(i), channels) for i in range(len(store.names))]
    lengths = np.array([len(piece) for piece in pieces], np.int64)
    return replace(
        store,
        steps=np.concatenate(pieces) if pieces else np.zeros(0, np.uint16),
        positions=np.zeros((0, 0), np.uint8),
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
    )
