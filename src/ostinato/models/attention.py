"""Causal self-attention that knows how far apart two steps are, with a cache of keys and values.

Distances enter as learned vectors that queries are compared with (Huang et al. 2018), as a learned
bias of each head (Raffel et al. 2020), or by rotating queries and keys (Su et al. 2021).
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

Positions = Literal["relative", "bias", "rotary", "none"]

BLOCK = 256  # queries at a time, so that what is added to their logits stays small
ROTARY_BASE = 10_000.0
LEAST_ROOM = 64  # steps that fit in new memory besides those that are copied


class KVCache:
    """The state of one layer: keys and values of the steps before.

    Each is (batch, heads, time, head_size). Without gradients they are views of memory that has
    room for more steps, so that to append one copies none of those before. No cache changes: two
    that go on from the same one have memory of their own.
    """

    def __init__(
        self, keys: Tensor, values: Tensor, memory: "_Memory | None" = None, end: int = 0
    ) -> None:
        self.keys, self.values = keys, values
        self._memory, self._end = memory, end  # the steps of the memory that come before `end`

    def append(self, keys: Tensor, values: Tensor) -> "KVCache":
        """Return the cache with these steps after its own."""
        if torch.is_grad_enabled():
            return KVCache(
                torch.cat([self.keys, keys], dim=-2), torch.cat([self.values, values], dim=-2)
            )
        before, added = self.keys.shape[-2], keys.shape[-2]
        memory, end = self._memory, self._end
        if memory is None or memory.used != end or end + added > memory.keys.shape[-2]:
            memory, end = _Memory.copy_of(self, before + max(before, added, LEAST_ROOM)), before
        memory.used = end + added
        memory.keys[..., end : memory.used, :] = keys
        memory.values[..., end : memory.used, :] = values
        seen = slice(end - before, memory.used)
        return KVCache(memory.keys[..., seen, :], memory.values[..., seen, :], memory, memory.used)

    def last(self, steps: int | None) -> "KVCache":
        """Return the cache of the last so many steps; None: of all."""
        oldest = 0 if steps is None else max(0, self.keys.shape[-2] - steps)
        keys, values = self.keys[..., oldest:, :], self.values[..., oldest:, :]
        return KVCache(keys, values, self._memory, self._end)

    def select(self, rows: Tensor) -> "KVCache":
        """Return the cache of the sequences numbered `rows`, (batch,) int64, which may repeat."""
        return KVCache(self.keys.index_select(0, rows), self.values.index_select(0, rows))


class _Memory:
    """Room for keys and values, (batch, heads, room, head_size), of which `used` steps are taken.

    What is taken is written once.
    """

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        self.keys, self.values, self.used = keys, values, 0

    @classmethod
    def copy_of(cls, cache: KVCache, room: int) -> "_Memory":
        """Return memory for `room` steps that begins with those of a cache."""
        made = []
        for old in (cache.keys, cache.values):
            new = old.new_empty((*old.shape[:-2], room, old.shape[-1]))
            new[..., : old.shape[-2], :] = old
            made.append(new)
        return cls(*made)


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
        if time == 1:
            # heads first, or the vectors would be copied for every sequence
            near = (queries[..., 0, :] * self.scale).transpose(0, 1) @ self.vectors[:, :keys].mT
            by_key = near.flip(-1)  # (heads, batch, keys in reach), the oldest key first
            if keys > farthest + 1:
                beyond = by_key[..., :1].expand(-1, -1, keys - farthest - 1)
                by_key = torch.cat([beyond, by_key], dim=-1)
            return by_key.transpose(0, 1)[..., None, :]  # type: ignore[no-any-return]
        # each distance once, from the farthest, and one column more than there are keys
        distances = torch.arange(keys - 1, -2, -1, device=queries.device).clamp(0, farthest)
        by_distance = queries @ self.vectors.index_select(1, distances).mT * self.scale
        # a row is keys + 1 long: cut from the flat tensor at every keys-th value, each next row
        # begins one distance further on, as its query stands one key later
        flat: Tensor = by_distance.flatten(-2)[..., time - 1 : time - 1 + time * keys]
        shifted: Tensor = flat.view(*queries.shape[:-1], keys)
        return shifted


def _distances(keys: int, farthest: int, device: torch.device) -> Tensor:
    """Return how far the last step is from each key: (keys,), at most `farthest`."""
    return torch.arange(keys - 1, -1, -1, device=device).clamp(max=farthest)


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
        if time == 1:
            return self.bias.index_select(1, _distances(keys, farthest, queries.device))[:, None]
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
        cache = KVCache(keys, values) if cache is None else cache.append(keys, values)
        y = self._attend(queries, cache.keys, cache.values).transpose(1, 2).flatten(2)
        return self.output(y), cache.last(self.memory)

    def _attend(self, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        time, length = queries.shape[-2], keys.shape[-2]
        before = length - time  # steps of the cache
        all_in_reach = self.memory is None or length <= self.memory + 1
        # a plain causal mask serves, or none: the fused kernels need no mask in memory
        if all_in_reach and (time == 1 or (self.distances is None and before == 0)):
            added = None
            if self.distances is not None:
                added = self.distances(queries, length).type_as(queries)
            return scaled_dot_product_attention(queries, keys, values, added, is_causal=time > 1)
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
