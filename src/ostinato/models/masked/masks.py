"""Masks of unknown cells, of all sizes alike, as a random order of drawing gives them."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor


def stratified_masks(real: Tensor, count: int, seed: int = 0) -> Iterator[Tensor]:
    """Yield `count` masks, (batch, steps, voices), of cells among the real ones, always the same.

    real: the same shape. In mask i of a piece of n cells, between i / count and (i + 1) / count of
    them are unknown, and at least one. They follow from the seed and n alone, whatever pieces lie
    beside.
    """
    sizes = real.sum(dim=(1, 2)).tolist()
    draws = [np.random.default_rng([seed, size]) for size in sizes]
    for number in range(count):
        unknown = torch.zeros_like(real)
        for row, (size, random) in enumerate(zip(sizes, draws, strict=True)):
            if size:
                drawn = 1 + int((number + random.random()) / count * size)
                chosen = random.permutation(size) < min(drawn, size)
                unknown[row][real[row]] = torch.from_numpy(chosen).to(real.device)
        yield unknown


def random_masks(among: Tensor) -> Tensor:
    """Return a mask of some of the cells `among`: (batch, steps, voices) both.

    How many are unknown is any number from 1 to all with the same probability, spread evenly over
    the batch, and then any set of so many. Drawn from torch's generator.
    """
    flat = among.flatten(1)
    count = flat.sum(dim=1)
    batch = len(flat)
    spread = (torch.randperm(batch) + torch.rand(batch)) / batch  # (batch,), each part of it once
    drawn = 1 + (spread.to(count.device) * count).floor().clamp(max=count.clamp(min=1) - 1)
    noise = torch.rand(flat.shape).to(flat.device).masked_fill(~flat, 2.0)
    rank = noise.argsort(dim=1).argsort(dim=1)
    return ((rank < drawn[:, None]) & flat).view_as(among)


def random_regions(real: Tensor) -> Tensor:
    """Return what is to be made of each piece when the rest of it is given: (batch, steps, voices).

    At most half of the regions are whole voices, at least one and not all; the others are up to
    half of the time steps in a row, of at least one voice.
    """
    batch, steps, voices = real.shape
    chosen = torch.rand(batch, voices).argsort(dim=1) < torch.randint(1, voices + 1, (batch, 1))
    whole = chosen & ~chosen.all(dim=1, keepdim=True) & (torch.rand(batch, 1) < 0.5)
    length = torch.randint(1, max(2, steps // 2), (batch, 1))
    first = (torch.rand(batch, 1) * (steps - length + 1)).floor()
    at = torch.arange(steps)
    span = (at >= first) & (at < first + length)
    by_voice = whole.any(dim=1)[:, None, None]
    region = torch.where(by_voice, whole[:, None, :], span[..., None] & chosen[:, None, :])
    region = region.to(real.device) & real
    # a region without cells, beyond the end of a piece, would teach nothing
    return torch.where(region.any(dim=(1, 2), keepdim=True), region, real)
