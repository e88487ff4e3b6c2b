"""Dilated causal convolutions: WaveNet (van den Oord et al. 2016), TCN (Bai et al. 2018).

Inside, tensors are (batch, channels, time). The state is the inputs that each convolution will
look back at: a step costs the same however long the music is.
"""

from abc import ABC, abstractmethod
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import conv1d
from torch.nn.utils.parametrizations import weight_norm

from ostinato.models.backbone import Backbone

Past = tuple[Tensor, ...]  # of the convolutions of a block


class CausalConvolution(nn.Module):
    """Sees the present step and, `dilation` steps apart, `kernel` - 1 before it."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, dilation: int, normed: bool = False
    ) -> None:
        super().__init__()
        self.dilation, self.reach = dilation, (kernel - 1) * dilation
        convolution = nn.Conv1d(inputs, outputs, kernel, dilation=dilation)
        self.convolution = weight_norm(convolution) if normed else convolution

    def forward(self, x: Tensor, before: Tensor | None) -> tuple[Tensor, Tensor]:
        """x: (batch, inputs, time) -> y: (batch, outputs, time), and the last `reach` inputs.

        Before the first step there are zeros.
        """
        if before is None:
            before = x.new_zeros(x.shape[0], x.shape[1], self.reach)
        heard = torch.cat([before, x], dim=-1)
        kept = heard[..., x.shape[-1] :]
        if x.shape[-1] > 1:
            return self.convolution(heard), kept
        # one step needs no dilation, which costs ten times as much
        taps = heard[..., :: self.dilation]
        return conv1d(taps, self.convolution.weight, self.convolution.bias), kept


class Block(nn.Module, ABC):
    """One layer of a stack."""

    @abstractmethod
    def forward(self, x: Tensor, past: Past | None) -> tuple[Tensor, Tensor, Past]:
        """x: (batch, inputs, time) -> what the next block hears, what skips to the end, the past.

        Both are (batch, width, time).
        """


class GatedBlock(Block):
    """One convolution behind a gate, added to its input; a part of it skips to the end."""

    def __init__(self, inputs: int, width: int, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.entry = _fitted(inputs, width)
        self.convolution = CausalConvolution(width, 2 * width, kernel, dilation)
        self.dropout = nn.Dropout(dropout)
        self.mix = nn.Conv1d(width, 2 * width, 1)

    def forward(self, x: Tensor, past: Past | None) -> tuple[Tensor, Tensor, Past]:
        """As `Block` says."""
        x = self.entry(x)
        y, kept = self.convolution(x, past[0] if past else None)
        signal, gate = y.chunk(2, dim=1)
        added, skip = self.mix(self.dropout(signal.tanh() * gate.sigmoid())).chunk(2, dim=1)
        return x + added, skip, (kept,)


class ResidualBlock(Block):
    """Two weight-normalised convolutions with ReLU and dropout, added to the input."""

    def __init__(self, inputs: int, width: int, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.residual = _fitted(inputs, width)
        self.convolutions = nn.ModuleList(
            CausalConvolution(size, width, kernel, dilation, normed=True)
            for size in (inputs, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, past: Past | None) -> tuple[Tensor, Tensor, Past]:
        """As `Block` says."""
        y, kept = x, []
        for i, convolution in enumerate(self.convolutions):
            y, last = convolution(y, past[i] if past else None)
            y = self.dropout(y.relu())
            kept.append(last)
        y = (y + self.residual(x)).relu()
        return y, y, tuple(kept)


def _fitted(inputs: int, width: int) -> nn.Module:
    return nn.Identity() if inputs == width else nn.Conv1d(inputs, width, 1)


class Summed(nn.Module):
    """All skips added up, and a last layer over them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Conv1d(width, width, 1)

    def forward(self, skips: list[Tensor]) -> Tensor:
        """Tensors (batch, width, time) -> one of that shape."""
        return self.mix(torch.stack(skips).sum(0).relu()).relu()  # type: ignore[no-any-return]


class Last(nn.Module):
    """The last block's skip as it is."""

    def __init__(self, width: int) -> None:
        del width
        super().__init__()

    def forward(self, skips: list[Tensor]) -> Tensor:
        """Tensors (batch, width, time) -> one of that shape."""
        return skips[-1]


class Convolutional(Backbone):
    """Stacks of blocks whose dilations are 1, 2, 4, …: each layer doubles how far back it hears."""

    @property
    @abstractmethod
    def block(self) -> type[GatedBlock | ResidualBlock]:
        """The kind of block."""

    @property
    @abstractmethod
    def ending(self) -> type[Summed | Last]:
        """What is made of the blocks' skips."""

    def __init__(
        self,
        hidden_size: Annotated[int, Field(ge=1, le=16384, description="channels per layer")] = 96,
        layers: Annotated[
            int, Field(ge=1, le=16, description="layers of a stack; each doubles the dilation")
        ] = 6,
        stacks: Annotated[int, Field(ge=1, le=64, description="stacks, one above the other")] = 2,
        kernel: Annotated[
            int, Field(ge=1, le=64, description="steps that a convolution sees, dilation apart")
        ] = 2,
        dropout: Annotated[float, Field(ge=0, lt=1, description="dropped in every block")] = 0.1,
        *,
        input_size: int,
    ) -> None:
        super().__init__()
        self.output_size = hidden_size
        dilations = [2**i for _ in range(stacks) for i in range(layers)]
        inputs = [input_size, *[hidden_size] * (len(dilations) - 1)]
        self.blocks = nn.ModuleList(
            self.block(size, hidden_size, kernel, dilation, dropout)
            for size, dilation in zip(inputs, dilations, strict=True)
        )
        self.end = self.ending(hidden_size)

    def forward(
        self, x: Tensor, state: tuple[Past, ...] | None = None
    ) -> tuple[Tensor, tuple[Past, ...]]:
        """x: (batch, time, input_size) -> (batch, time, hidden_size) and the state after it."""
        y, skips, after = x.mT, [], []
        for i, block in enumerate(self.blocks):
            y, skip, kept = block(y, state[i] if state else None)
            skips.append(skip)
            after.append(kept)
        return self.end(skips).mT, tuple(after)


class WaveNet(Convolutional):
    """Gated convolutions, all of which pass something on to the end."""

    block, ending = GatedBlock, Summed


class TCN(Convolutional):
    """The temporal convolutional network: plain residual blocks."""

    block, ending = ResidualBlock, Last
