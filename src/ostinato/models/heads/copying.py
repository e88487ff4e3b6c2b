"""Attention that copies what followed earlier: half of a folk tune repeats its own past."""

from typing import Any

import torch
from torch import Tensor, nn

KEY = 32  # units of a key
MEMORY = 1024  # steps back that can be copied


class CopyHead(nn.Module):
    """Attends from each step to the earlier ones, whose values are the frames that followed them.

    An attention head finds steps like this one and returns, as a share of each pitch, what came
    next then: the pointer network of Vinyals et al. (NeurIPS 2015), over frames. A learned key
    stands for copying nothing.
    """

    def __init__(self, heads: int, *, input_size: int) -> None:
        super().__init__()
        self.heads = heads
        self.queries = nn.Linear(input_size, heads * KEY)
        self.keys = nn.Linear(input_size, heads * KEY)
        self.distance = nn.Parameter(torch.zeros(heads, MEMORY))
        self.nothing = nn.Parameter(torch.zeros(heads, 1, KEY))

    def forward(self, y: Tensor, frames: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Return shares (batch, time, heads * maps, pitch), and the keys and frames so far.

        y: (batch, time, input_size); frames: (batch, time, maps, pitch), each before its step.
        """
        batch, time = y.shape[:2]
        keys, values = self.keys(y), frames.flatten(2)
        if state is not None:
            keys, values = torch.cat([state[0], keys], 1), torch.cat([state[1], values], 1)
        past = keys.shape[1] - time
        # what followed step s is the frame before step s + 1; nothing is known to follow the last
        followed = nn.functional.pad(values[:, 1:], (0, 0, 0, 1))
        at = torch.arange(past, past + time, device=y.device)
        back = at[:, None] - torch.arange(past + time, device=y.device)
        # a learned bias for each head and distance; only earlier steps within MEMORY are seen
        bias = self.distance[:, back.clamp(0, MEMORY - 1)]
        bias = bias.masked_fill((back <= 0) | (back >= MEMORY), -torch.inf)
        # the key of copying nothing comes first: its value is an empty frame, its bias 0
        attended = nn.functional.scaled_dot_product_attention(
            self._split(self.queries(y)),
            torch.cat([self.nothing.expand(batch, -1, -1, -1), self._split(keys)], dim=2),
            nn.functional.pad(followed, (0, 0, 1, 0))[:, None].expand(-1, self.heads, -1, -1),
            attn_mask=nn.functional.pad(bias, (1, 0)).to(y.dtype),
        )
        # (batch, heads, time, maps * pitch) -> (batch, time, heads * maps, pitch)
        shares = attended.transpose(1, 2).reshape(batch, time, -1, frames.shape[-1])
        return shares, (keys[:, -MEMORY:], values[:, -MEMORY:])

    def _split(self, x: Tensor) -> Tensor:
        """Split (batch, time, heads * KEY) into heads: (batch, heads, time, KEY)."""
        return x.reshape(*x.shape[:2], self.heads, KEY).transpose(1, 2)
