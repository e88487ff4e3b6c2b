"""Backbones that carry information along time in both directions."""

import math
from abc import ABC, abstractmethod
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

LONGEST_PERIOD = 10_000.0  # steps, of sinusoidal positions


class BidirectionalBackbone(nn.Module, ABC):
    """Maps vectors of all time steps to vectors that know of each other."""

    @abstractmethod
    def forward(self, x: Tensor, inside: Tensor) -> Tensor:
        """Return y, (batch, steps, size) as x is.

        inside: (batch, steps), false where a step is padding, which has no influence.
        """


class Convolutions(BidirectionalBackbone):
    """Adds dilated convolutions over time, layer after layer, each of which looks both ways.

    The dilations are 1, 2, 4, …, `longest`, and then from 1 on again. The residual stack of
    coconet (Huang et al., Counterpoint by Convolution, ISMIR 2017), over time alone.
    """

    def __init__(
        self,
        layers: Annotated[int, Field(ge=1, le=64, description="residual layers")],
        kernel: Annotated[
            int, Field(ge=3, le=33, description="steps that a layer sees, an odd number")
        ],
        longest: Annotated[int, Field(ge=1, le=1024, description="the widest dilation, in steps")],
        dropout: Annotated[float, Field(ge=0, lt=1, description="dropped in every layer")],
        *,
        size: int,
    ) -> None:
        super().__init__()
        if kernel % 2 == 0:
            raise ValueError(f"kernel={kernel} does not fit: it should be odd.")
        cycle = 1 + math.floor(math.log2(longest))
        self.layers = nn.ModuleList(
            _ConvolutionLayer(size, kernel, 2 ** (i % cycle), dropout) for i in range(layers)
        )

    def forward(self, x: Tensor, inside: Tensor) -> Tensor:
        """Apply the layers, as `BidirectionalBackbone` says."""
        for layer in self.layers:
            x = layer(x, inside)
        return x


class _ConvolutionLayer(nn.Module):
    def __init__(self, size: int, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(size)
        padding = dilation * (kernel // 2)
        self.convolution = nn.Conv1d(size, size, kernel, dilation=dilation, padding=padding)
        self.mix = nn.Linear(size, size)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, inside: Tensor) -> Tensor:
        # padding is 0, as what lies beyond the ends of the tensor is
        y = self.norm(x) * inside[..., None]
        y = self.convolution(y.mT).mT
        added: Tensor = self.mix(self.dropout(nn.functional.relu(y)))
        return x + added


class Transformer(BidirectionalBackbone):
    """Attends from every step to all others (Vaswani et al. 2017), as BERT does."""

    def __init__(
        self,
        layers: Annotated[int, Field(ge=1, le=64, description="layers of attention")],
        heads: Annotated[
            int, Field(ge=1, le=64, description="heads of each; they divide the size")
        ],
        dropout: Annotated[float, Field(ge=0, lt=1, description="dropped in every layer")],
        *,
        size: int,
    ) -> None:
        super().__init__()
        if size % heads:
            raise ValueError(f"heads={heads} does not fit: it should divide the size, {size}.")
        layer = nn.TransformerEncoderLayer(
            size, heads, 4 * size, dropout, "gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)

    def forward(self, x: Tensor, inside: Tensor) -> Tensor:
        """Apply the layers, as `BidirectionalBackbone` says."""
        y: Tensor = self.encoder(x + _sinusoids(x), src_key_padding_mask=~inside)
        return y


def _sinusoids(x: Tensor) -> Tensor:
    """Return sines and cosines of the number of each step: (steps, size)."""
    half = (x.shape[-1] + 1) // 2
    speeds = LONGEST_PERIOD ** (-torch.arange(half, device=x.device) / half)
    angles = torch.arange(x.shape[-2], device=x.device)[:, None] * speeds
    return torch.cat([angles.sin(), angles.cos()], dim=-1)[:, : x.shape[-1]].to(x.dtype)


class BidirectionalLSTM(BidirectionalBackbone):
    """Reads the time steps forwards and backwards (Graves & Schmidhuber 2005), as DeepBach does."""

    def __init__(
        self,
        layers: Annotated[int, Field(ge=1, le=16, description="layers of each direction")],
        dropout: Annotated[float, Field(ge=0, lt=1, description="dropped between layers")],
        *,
        size: int,
    ) -> None:
        super().__init__()
        if size % 2:
            raise ValueError(f"size={size} does not fit: each direction takes half of it.")
        between = dropout if layers > 1 else 0.0
        self.lstm = nn.LSTM(
            size, size // 2, layers, batch_first=True, bidirectional=True, dropout=between
        )

    def forward(self, x: Tensor, inside: Tensor) -> Tensor:
        """Read the steps in both directions, as `BidirectionalBackbone` says.

        Padding comes last in a piece: backwards, it is left out by packing.
        """
        lengths = (inside * torch.arange(1, x.shape[1] + 1, device=x.device)).amax(dim=1).cpu()
        packed = nn.utils.rnn.pack_padded_sequence(
            x, lengths, batch_first=True, enforce_sorted=False
        )
        y, _ = nn.utils.rnn.pad_packed_sequence(
            self.lstm(packed)[0], batch_first=True, total_length=x.shape[1]
        )
        return x + y
