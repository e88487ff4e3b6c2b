"""Causal self-attention that knows how far apart two steps are, and keeps what it has heard.

Distances enter as learned vectors that queries are compared with (Huang et al. 2018), as a learned
bias of each head (Raffel et al. 2020), or by rotating queries and keys (Su et al. 2021).
"""

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

Positions = Literal["relative", "bias", "rotary", "none"]

BLOCK = 256  # queries at a time, so that what is added to their logits stays small
ROTARY_BASE = 10_000.0


class Heard(NamedTuple):
    """Keys and values of the steps before, (batch, heads, time, head_size) each."""

    keys: Tensor
    values: Tensor


class RelativeLogits(nn.Module):
    """What each query makes of each distance; all beyond `max_distance` are one (Huang et al.)."""

    def __init__(self, heads: int, head_size: int, max_distance: int) -> None:
        super().__init__()
        self.scale = head_size**-0.5
        self.vectors = nn.Parameter(torch.randn(heads, max_distance + 1, head_size) * self.scale)

    def forward(self, queries: Tensor, keys: int) -> Tensor:
        """queries: (batch, heads, time, head_size) -> (batch, heads, time, keys).

        The last query stands at the last key. What is said of keys after a query has no meaning.
        """
        time, farthest = queries.shape[-2], self.vectors.shape[1] - 1
        # one column too many, so that each row, laid end to end, begins one distance further on
        distances = torch.arange(keys - 1, -2, -1, device=queries.device).clamp(0, farthest)
        by_distance = queries @ self.vectors.index_select(1, distances).mT * self.scale
        flat: Tensor = by_distance.flatten(-2)[..., time - 1 : time - 1 + time * keys]
        slanted: Tensor = flat.view(*queries.shape[:-1], keys)
        return slanted


class DistanceBias(nn.Module):
    """A number for each head and distance; all beyond `max_distance` are one (Raffel et al.)."""

    def __init__(self, heads: int, max_distance: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(heads, max_distance + 1))

    def forward(self, queries: Tensor, keys: int) -> Tensor:
        """queries: (batch, heads, time, head_size) -> (heads, time, keys), the same for all."""
        time, farthest = queries.shape[-2], self.bias.shape[1] - 1
        distances = torch.arange(keys - 1, -time, -1, device=queries.device).clamp(0, farthest)
        return self.bias.index_select(1, distances).unfold(-1, keys, 1).flip(-2)


def rotated(x: Tensor, first: int) -> Tensor:
    """Queries or keys (…, time, head_size), turned by angles that grow with time from `first`."""
    half = x.shape[-1] // 2
    speeds = ROTARY_BASE ** (-torch.arange(half, device=x.device) / half)
    angles = torch.arange(first, first + x.shape[-2], device=x.device)[:, None] * speeds
    a, b = x[..., :half], x[..., half:]
    cos, sin = angles.cos(), angles.sin()
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1).type_as(x)


class Attention(nn.Module):
    """Every step looks at itself and at no more than `memory` steps before it (None: all)."""

    def __init__(
        self,
        width: int,
        heads: int,
        positions: Positions,
        max_distance: int,
        memory: int | None,
    ) -> None:
        super().__init__()
        self.heads, self.memory = heads, memory
        self.rotary = positions == "rotary"
        self.projection = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.distances: nn.Module | None = None
        if positions == "relative":
            self.distances = RelativeLogits(heads, width // heads, max_distance)
        elif positions == "bias":
            self.distances = DistanceBias(heads, max_distance)

    def forward(self, x: Tensor, heard: Heard | None, first: int) -> tuple[Tensor, Heard]:
        """x: (batch, time, width) -> y of the same shape, and what the next steps may look at.

        `first` counts the steps before x, also those that are out of reach.
        """
        split = self.projection(x).unflatten(-1, (3, self.heads, -1))
        queries, keys, values = split.permute(2, 0, 3, 1, 4)
        if self.rotary:
            queries, keys = rotated(queries, first), rotated(keys, first)
        if heard is not None:
            keys = torch.cat([heard.keys, keys], dim=-2)
            values = torch.cat([heard.values, values], dim=-2)
        y = self._attend(queries, keys, values).transpose(1, 2).flatten(2)
        kept = slice(0 if self.memory is None else max(0, keys.shape[-2] - self.memory), None)
        return self.output(y), Heard(keys[..., kept, :], values[..., kept, :])

    def _attend(self, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        time, length = queries.shape[-2], keys.shape[-2]
        before = length - time
        all_in_reach = self.memory is None or length <= self.memory + 1
        if self.distances is None and all_in_reach and (before == 0 or time == 1):
            return scaled_dot_product_attention(queries, keys, values, is_causal=time > 1)
        parts = []
        for start in range(0, time, BLOCK):
            stop = min(start + BLOCK, time)
            earliest = 0 if self.memory is None else max(0, before + start - self.memory)
            near = slice(earliest, before + stop)
            block = queries[..., start:stop, :]
            mask = self._mask(block, before + stop - earliest)
            parts.append(
                scaled_dot_product_attention(block, keys[..., near, :], values[..., near, :], mask)
            )
        return torch.cat(parts, dim=-2)

    def _mask(self, queries: Tensor, keys: int) -> Tensor:
        """What is added to the logits (…, time, keys), or without distances what may be seen."""
        time = queries.shape[-2]
        to_key = torch.arange(keys, device=queries.device)
        distance = torch.arange(keys - time, keys, device=queries.device)[:, None] - to_key
        seen = distance >= 0
        if self.memory is not None:
            seen &= distance <= self.memory
        if self.distances is None:
            return seen
        added: Tensor = self.distances(queries, keys)
        return added.masked_fill(~seen, -torch.inf).type_as(queries)
