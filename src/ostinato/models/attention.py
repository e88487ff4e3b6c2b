"""Causal self-attention that knows how far apart two steps are, with a cache of keys and values.

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


class KVCache(NamedTuple):
    """The state of one layer: keys and values of the steps before.

    Each is (batch, heads, time, head_size).
    """

    keys: Tensor
    values: Tensor


class RelativeLogits(nn.Module):
    """Compares each query with a learned vector for each distance (Huang et al. 2018).

    All distances beyond `max_distance` share one vector.
    """

    def __init__(self, heads: int, head_size: int, max_distance: int) -> None:
        super().__init__()
        self.scale = head_size**-0.5
        self.vectors = nn.Parameter(torch.randn(heads, max_distance + 1, head_size) * self.scale)

    def forward(self, queries: Tensor, keys: int) -> Tensor:
        """Return the logits of distances: (batch, heads, time, keys).

        queries: (batch, heads, time, head_size); the last query stands at the last key. The values
        at keys after a query have no meaning: the mask hides them.
        """
        time, farthest = queries.shape[-2], self.vectors.shape[1] - 1
        # each distance once, from the farthest, and one column more than there are keys
        distances = torch.arange(keys - 1, -2, -1, device=queries.device).clamp(0, farthest)
        by_distance = queries @ self.vectors.index_select(1, distances).mT * self.scale
        # a row is keys + 1 long: cut from the flat tensor at every keys-th value, each next row
        # begins one distance further on, as its query stands one key later
        flat: Tensor = by_distance.flatten(-2)[..., time - 1 : time - 1 + time * keys]
        shifted: Tensor = flat.view(*queries.shape[:-1], keys)
        return shifted


class DistanceBias(nn.Module):
    """Adds a learned number for each head and distance (Raffel et al. 2020).

    All distances beyond `max_distance` share one number.
    """

    def __init__(self, heads: int, max_distance: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(heads, max_distance + 1))

    def forward(self, queries: Tensor, keys: int) -> Tensor:
        """Return (heads, time, keys), the same for the whole batch.

        queries: (batch, heads, time, head_size), of which the shape alone counts.
        """
        time, farthest = queries.shape[-2], self.bias.shape[1] - 1
        distances = torch.arange(keys - 1, -time, -1, device=queries.device).clamp(0, farthest)
        # a window of `keys` distances for each query; the first window is that of the last query
        return self.bias.index_select(1, distances).unfold(-1, keys, 1).flip(-2)


def rotate(x: Tensor, first: int) -> Tensor:
    """Rotate queries or keys (…, time, head_size) by angles that grow with time from `first`.

    Pairs of units turn, each pair at its own speed (Su et al. 2021).
    """
    half = x.shape[-1] // 2
    speeds = ROTARY_BASE ** (-torch.arange(half, device=x.device) / half)
    angles = torch.arange(first, first + x.shape[-2], device=x.device)[:, None] * speeds
    a, b = x[..., :half], x[..., half:]  # unit i is paired with unit i + half
    cos, sin = angles.cos(), angles.sin()
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1).type_as(x)


class Attention(nn.Module):
    """Attends from every step to itself and to at most `memory` steps before it (None: all)."""

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

    def forward(self, x: Tensor, cache: KVCache | None, first: int) -> tuple[Tensor, KVCache]:
        """Return y, (batch, time, width) as x is, and the keys and values that next steps need.

        `first` counts the steps before x, also those that are out of reach.
        """
        split = self.projection(x).unflatten(-1, (3, self.heads, -1))
        queries, keys, values = split.permute(2, 0, 3, 1, 4)  # (batch, heads, time, head_size)
        if self.rotary:
            queries, keys = rotate(queries, first), rotate(keys, first)
        if cache is not None:
            keys = torch.cat([cache.keys, keys], dim=-2)
            values = torch.cat([cache.values, values], dim=-2)
        y = self._attend(queries, keys, values).transpose(1, 2).flatten(2)
        oldest = 0 if self.memory is None else max(0, keys.shape[-2] - self.memory)
        return self.output(y), KVCache(keys[..., oldest:, :], values[..., oldest:, :])

    def _attend(self, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        time, length = queries.shape[-2], keys.shape[-2]
        before = length - time  # steps of the cache
        all_in_reach = self.memory is None or length <= self.memory + 1
        # a plain causal mask serves, or none: the fused kernels need no mask in memory
        if self.distances is None and all_in_reach and (before == 0 or time == 1):
            return scaled_dot_product_attention(queries, keys, values, is_causal=time > 1)
        parts = []
        for start in range(0, time, BLOCK):
            stop = min(start + BLOCK, time)
            # the keys that the first query of the block can reach, up to that of its last query
            earliest = 0 if self.memory is None else max(0, before + start - self.memory)
            near = slice(earliest, before + stop)
            block = queries[..., start:stop, :]
            mask = self._mask(block, before + stop - earliest)
            parts.append(
                scaled_dot_product_attention(block, keys[..., near, :], values[..., near, :], mask)
            )
        return torch.cat(parts, dim=-2)

    def _mask(self, queries: Tensor, keys: int) -> Tensor:
        """Return what is added to the logits (…, time, keys); without distances a mask of bools.

        The last query stands at the last key.
        """
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
