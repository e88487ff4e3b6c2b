"""Composing with a segment model: whole segments at once, from noise."""

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from ostinato.models.segments import SegmentModel
from ostinato.models.variational.vae import ATTRIBUTES, VAE
from ostinato.representations.bar_grid import BarGrid
from ostinato.representations.voice_roll import VoiceRoll, concatenate
from ostinato.sampling.latent_settings import LatentSampling
from ostinato.sampling.sequence import Composed
from ostinato.sampling.settings import AttributeSampling, Sampling, VariationSampling
from ostinato.sampling.voice_rolls import draw_segments, encode


def compose_segments(
    network: SegmentModel,
    representation: BarGrid,
    settings: Sampling,
    seed: int,
    conditions: VoiceRoll | None = None,
) -> list[Composed]:
    """Return `settings.pieces` segments; the same seed makes the same ones, and first the same.

    With `settings.interpolation_steps` each piece goes from one segment to another, as
    `interpolate_segments` does it, and where `conditions` are those two there is one such piece.
    What a VAE makes of conditions follows each of them.
    """
    network.eval()
    device, random = next(network.parameters()).device, torch.Generator().manual_seed(seed)
    if isinstance(settings, LatentSampling) and isinstance(network, VAE):
        rows = _shift(network, representation, settings, conditions, random)
    elif conditions is not None and isinstance(network, VAE):
        rows = _vary(network, representation, settings, conditions, random)
    elif settings.interpolation_steps is not None:
        # (pieces, 2, …): the noise of the first and of the last segment of each piece
        ends = network.noise(2 * settings.pieces, random).to(device)
        pairs = ends.reshape(settings.pieces, 2, *ends.shape[1:])
        rows = interpolate_segments(network, representation, pairs, settings.interpolation_steps)
    else:
        roll = draw_segments(network, network.noise(settings.pieces, random).to(device))
        rows = list(representation.from_grid(roll))
    return [Composed(row, ended=True) for row in rows]


def _shift(
    network: VAE,
    representation: BarGrid,
    settings: LatentSampling,
    conditions: VoiceRoll | None,
    random: torch.Generator,
) -> list[NDArray[Any]]:
    """Return segments, of `conditions` or drawn, with more or less of the attributes."""
    if conditions is None:
        latent = network.noise(settings.pieces, random).to(network.directions.device)
    else:
        means = network.encode(encode(conditions, network.spec, network.directions.device)).mean
        latent = means[torch.arange(settings.pieces, device=means.device) % len(means)]
    amounts = torch.tensor(
        [getattr(settings.attributes, name) for name in ATTRIBUTES], device=latent.device
    )
    # (attributes,) and (attributes, latent_size): the sum of the attribute vectors
    return list(
        representation.from_grid(draw_segments(network, latent + amounts @ network.directions))
    )


def _vary(
    network: VAE,
    representation: BarGrid,
    settings: Sampling,
    conditions: VoiceRoll,
    random: torch.Generator,
) -> list[NDArray[Any]]:
    """Return what becomes of segments: steps between two, variations, more or less."""
    tokens = encode(conditions, network.spec, network.directions.device)
    means = network.encode(tokens).mean  # (conditions, latent_size)
    if settings.interpolation_steps is not None:
        return interpolate_segments(
            network, representation, means[None], settings.interpolation_steps
        )
    means = means[torch.arange(settings.pieces, device=means.device) % len(means)]
    if isinstance(settings, AttributeSampling):
        direction = network.directions[ATTRIBUTES.index(settings.attribute)]
        # (amounts, 1) and (latent_size,): a latent vector for each amount
        amounts = torch.tensor(settings.amounts, device=means.device)[:, None]
        rolls = [draw_segments(network, mean + amounts * direction) for mean in means]
        return [join_segments(roll, representation) for roll in rolls]
    distance = settings.distance if isinstance(settings, VariationSampling) else 0.0
    noise = network.noise(len(means), random).to(means.device)
    originals = conditions.repeat(len(means))
    variations = draw_segments(network, means + distance * noise)
    pairs = [concatenate([originals[i : i + 1], variations[i : i + 1]]) for i in range(len(means))]
    return [join_segments(pair, representation) for pair in pairs]


def interpolate_segments(
    network: SegmentModel, representation: BarGrid, pairs: Tensor, steps: int
) -> list[NDArray[Any]]:
    """Return `steps` segments from each first noise to each second, as one piece for each pair.

    pairs: (pieces, 2, …); each piece is (time,) tokens or (time, width) frames, with a bar of
    silence after each segment.
    """
    rolls = (draw_segments(network, network.interpolate(ends, steps)) for ends in pairs)
    return [join_segments(roll, representation) for roll in rolls]


def join_segments(roll: VoiceRoll, representation: BarGrid) -> NDArray[Any]:
    """Return segments one after the other, a bar of silence after each.

    (time,) tokens or (time, width) frames.
    """
    steps = representation.from_grid(roll.pad(roll.bar_steps))
    return steps.reshape(-1, *steps.shape[2:])
