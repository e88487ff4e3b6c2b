"""Composing with a segment model: whole segments at once, from noise."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ostinato.models.segments import Lines, SegmentModel, Shape
from ostinato.representations.barred import Barred
from ostinato.representations.line import REST
from ostinato.sampling.sequence import Composed
from ostinato.sampling.settings import Sampling


def compose_segments(
    network: SegmentModel, representation: Barred, settings: Sampling, seed: int
) -> list[Composed]:
    """Make `settings.pieces` segments; the same seed makes the same ones, and first the same.

    With `settings.steps` each piece is a way from one segment to another, as in `ways`.
    """
    network.eval()
    device, random = next(network.parameters()).device, torch.Generator().manual_seed(seed)
    if settings.steps is not None:
        ends = network.noise(2 * settings.pieces, random).to(device)
        pairs = ends.reshape(settings.pieces, 2, *ends.shape[1:])
        rows = ways(network, representation, pairs, settings.steps)
    else:
        lines = network.draw(network.noise(settings.pieces, random).to(device))
        rows = list(tokens_of(lines, network.shape, representation))
    return [Composed(row, ended=True) for row in rows]


def ways(
    network: SegmentModel, representation: Barred, pairs: Tensor, steps: int
) -> list[NDArray[np.uint16]]:
    """So many segments on the way from each first noise to each second, one after the other.

    pairs: (ways, 2, …); each way is (time,) tokens, with a bar of silence after each segment.
    """
    drawn = (network.draw(network.way(ends, steps)) for ends in pairs)
    return [strung(lines, network.shape, representation) for lines in drawn]


def tokens_of(lines: Lines, shape: Shape, representation: Barred) -> NDArray[np.uint16]:
    """Segments as tokens: (segments, time)."""
    pitch, onset = _as_heard(lines, shape)
    return representation.whole(pitch, onset)


def strung(lines: Lines, shape: Shape, representation: Barred) -> NDArray[np.uint16]:
    """Segments one after the other, a bar of silence after each: (time,) tokens."""
    tokens = tokens_of(lines, shape, representation)
    silence = np.full((len(tokens), shape.bar * shape.voices), REST, np.uint16)
    return np.concatenate([tokens, silence], axis=1).ravel()


def _as_heard(lines: Lines, shape: Shape) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """MIDI pitches or `REST`, and where notes begin: (segments, steps, voices)."""
    pitch, onset = (part.cpu().numpy().transpose(0, 2, 1) for part in lines.said())
    return np.where(pitch < shape.pitches, pitch + shape.lowest, REST), onset
