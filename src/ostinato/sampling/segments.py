"""Composing with a segment model: whole segments at once, from noise."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ostinato.data.segments import SegmentBatch
from ostinato.models.segments import Lines, SegmentModel, Shape, lines_of
from ostinato.models.variational.vae import ATTRIBUTES, VAE
from ostinato.representations.bar_grid import BarGrid
from ostinato.representations.monophonic import REST
from ostinato.sampling.sequence import Composed
from ostinato.sampling.settings import AttributeSampling, Sampling, VariationSampling


def compose_segments(
    network: SegmentModel,
    representation: BarGrid,
    settings: Sampling,
    seed: int,
    given: SegmentBatch | None = None,
) -> list[Composed]:
    """Make `settings.pieces` segments; the same seed makes the same ones, and first the same.

    With `settings.interpolation_steps` each piece is a way from one segment to another, as in
    `ways`, and where those two are `given` there is one way. What is made of given segments follows
    each of them.
    """
    network.eval()
    device, random = next(network.parameters()).device, torch.Generator().manual_seed(seed)
    if given is not None and isinstance(network, VAE):
        rows = _of_given(network, representation, settings, given.to(device), random)
    elif settings.interpolation_steps is not None:
        ends = network.noise(2 * settings.pieces, random).to(device)
        pairs = ends.reshape(settings.pieces, 2, *ends.shape[1:])
        rows = ways(network, representation, pairs, settings.interpolation_steps)
    else:
        lines = network.draw(network.noise(settings.pieces, random).to(device))
        rows = list(tokens_of(lines, network.shape, representation))
    return [Composed(row, ended=True) for row in rows]


def _of_given(
    network: VAE,
    representation: BarGrid,
    settings: Sampling,
    given: SegmentBatch,
    random: torch.Generator,
) -> list[NDArray[Any]]:
    """Return what becomes of given segments: a way between two, variations, more or less."""
    means = network.encode(network.say(given.pitch, given.onset)).mean
    if settings.interpolation_steps is not None:
        return ways(network, representation, means[None], settings.interpolation_steps)
    means = means[torch.arange(settings.pieces, device=means.device) % len(means)]
    if isinstance(settings, AttributeSampling):
        direction = network.directions[ATTRIBUTES.index(settings.attribute)]
        amounts = torch.tensor(settings.amounts, device=means.device)[:, None]
        drawn = [network.draw(mean + amounts * direction) for mean in means]
        return [strung(lines, network.shape, representation) for lines in drawn]
    distance = settings.distance if isinstance(settings, VariationSampling) else 0.0
    noise = network.noise(len(means), random).to(means.device)
    pitch, onset = network.draw(means + distance * noise).said()
    both = []
    for i in range(len(means)):
        at = i % len(given)
        pitches = torch.stack([given.pitch[at], pitch[i]])
        onsets = torch.stack([given.onset[at] > 0, onset[i]])
        lines = lines_of(pitches, onsets, network.shape.pitches)
        both.append(strung(lines, network.shape, representation))
    return both


def ways(
    network: SegmentModel, representation: BarGrid, pairs: Tensor, steps: int
) -> list[NDArray[Any]]:
    """So many segments on the way from each first noise to each second, one after the other.

    pairs: (ways, 2, …); each way is (time,) tokens or (time, width) frames, with a bar of silence
    after each segment.
    """
    drawn = (network.draw(network.way(ends, steps)) for ends in pairs)
    return [strung(lines, network.shape, representation) for lines in drawn]


def tokens_of(lines: Lines, shape: Shape, representation: BarGrid) -> NDArray[Any]:
    """Segments as tokens (segments, time), or as frames (segments, time, width)."""
    return representation.from_grid(*_as_heard(lines, shape))


def strung(lines: Lines, shape: Shape, representation: BarGrid) -> NDArray[Any]:
    """Segments one after the other, a bar of silence after each: (time,) or (time, width)."""
    after = ((0, 0), (0, shape.bar), (0, 0))
    pitch, onset = _as_heard(lines, shape)
    steps = representation.from_grid(
        np.pad(pitch, after, constant_values=REST), np.pad(onset, after)
    )
    return steps.reshape(-1, *steps.shape[2:])


def _as_heard(lines: Lines, shape: Shape) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """MIDI pitches or `REST`, and where notes begin: (segments, steps, voices)."""
    pitch, onset = (part.cpu().numpy().transpose(0, 2, 1) for part in lines.said())
    return np.where(pitch < shape.pitches, pitch + np.array(shape.floors), REST), onset
