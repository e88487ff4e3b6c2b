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

ConvolutionState = tuple[Tensor, ...]  # of a block: the last inputs of each of its convolutions


class CausalConvolution(nn.Module):
    """Convolves the present step with `kernel` - 1 before it, `dilation` steps apart."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, dilation: int, normed: bool = False
    ) -> None:
        super().__init__()
        self.dilation, self.reach = dilation, (kernel - 1) * dilation
        convolution = nn.Conv1d(inputs, outputs, kernel, dilation=dilation)
        self.convolution = weight_norm(convolution) if normed else convolution

    def forward(self, x: Tensor, before: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return y, (batch, outputs, time), and the last `reach` inputs, which next steps need.

        x: (batch, inputs, time); before: the last `reach` inputs before x, None for zeros.
        """
        if before is None:
            before = x.new_zeros(x.shape[0], x.shape[1], self.reach)
        inputs = torch.cat([before, x], dim=-1)
        after = inputs[..., x.shape[-1] :]
        if x.shape[-1] > 1:
            return self.convolution(inputs), after
        # one step needs no dilation, which costs ten times as much
        taps = inputs[..., :: self.dilation]
        return conv1d(taps, self.convolution.weight, self.convolution.bias), after


class Block(nn.Module, ABC):
    """One layer of a stack."""

    @abstractmethod
    def forward(
        self, x: Tensor, state: ConvolutionState | None
    ) -> tuple[Tensor, Tensor, ConvolutionState]:
        """Return the input of the next block, what skips to the end, and the state after x.

        x: (batch, inputs, time); the first two results are (batch, width, time).
        """


class GatedBlock(Block):
    """Adds one gated convolution to its input; a part of it skips to the end."""

    def __init__(self, inputs: int, width: int, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.entry = _fitted(inputs, width)
        self.convolution = CausalConvolution(width, 2 * width, kernel, dilation)
        self.dropout = nn.Dropout(dropout)
        self.mix = nn.Conv1d(width, 2 * width, 1)

    def forward(
        self, x: Tensor, state: ConvolutionState | None
    ) -> tuple[Tensor, Tensor, ConvolutionState]:
        """Apply the block, as `Block` says."""
        x = self.entry(x)
        y, after = self.convolution(x, state[0] if state else None)
        signal, gate = y.chunk(2, dim=1)
        added, skip = self.mix(self.dropout(signal.tanh() * gate.sigmoid())).chunk(2, dim=1)
        return x + added, skip, (after,)


class ResidualBlock(Block):
    """Adds two weight-normalised convolutions with ReLU and dropout to the input."""

    def __init__(self, inputs: int, width: int, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.residual = _fitted(inputs, width)
        self.convolutions = nn.ModuleList(
            CausalConvolution(size, width, kernel, dilation, normed=True)
            for size in (inputs, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Tensor, state: ConvolutionState | None
    ) -> tuple[Tensor, Tensor, ConvolutionState]:
        """Apply the block, as `Block` says."""
        y, after = x, []
        for i, convolution in enumerate(self.convolutions):
            y, last = convolution(y, state[i] if state else None)
            y = self.dropout(y.relu())
            after.append(last)
        y = (y + self.residual(x)).relu()
        return y, y, tuple(after)


def _fitted(inputs: int, width: int) -> nn.Module:
    return nn.Identity() if inputs == width else nn.Conv1d(inputs, width, 1)


class Summed(nn.Module):
    """Adds up all skips and applies a last layer to the sum (WaveNet)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Conv1d(width, width, 1)

    def forward(self, skips: list[Tensor]) -> Tensor:
        """Return one tensor (batch, width, time) of several of that shape."""
        return self.mix(torch.stack(skips).sum(0).relu()).relu()  # type: ignore[no-any-return]


class Last(nn.Module):
    """Returns the last block's skip as it is (TCN)."""

    def __init__(self, width: int) -> None:
        del width
        super().__init__()

    def forward(self, skips: list[Tensor]) -> Tensor:
        """Return the last of several tensors (batch, width, time)."""
        return skips[-1]


class Convolutional(Backbone):
    """Stacks blocks whose dilations are 1, 2, 4, …: each layer doubles how far back it sees."""

    @property
    @abstractmethod
    def block(self) -> type[GatedBlock | ResidualBlock]:
        """Return the kind of block."""

    @property
    @abstractmethod
    def ending(self) -> type[Summed | Last]:
        """Return what is made of the blocks' skips."""

    def __init__(
        self,
        hidden_size: Annotated[int, Field(ge=1, le=16384, description="channels per layer")],
        layers: Annotated[
            int, Field(ge=1, le=16, description="layers of a stack; each doubles the dilation")
        ],
        stacks: Annotated[int, Field(ge=1, le=64, description="stacks, one above the other")],
        kernel: Annotated[
            int, Field(ge=1, le=64, description="steps that a convolution sees, dilation apart")
        ],
        dropout: Annotated[float, Field(ge=0, lt=1, description="dropped in every block")],
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
        self, x: Tensor, state: tuple[ConvolutionState, ...] | None = None
    ) -> tuple[Tensor, tuple[ConvolutionState, ...]]:
        """Return y (batch, time, hidden_size) and the state after x (batch, time, input_size)."""
        y, skips, after = x.mT, [], []  # within, time comes last
        for i, block in enumerate(self.blocks):
            y, skip, block_state = block(y, state[i] if state else None)
            skips.append(skip)
            after.append(block_state)
        return self.end(skips).mT, tuple(after)


class WaveNet(Convolutional):
    """Stacks gated convolutions, all of which pass something on to the end.

    Source: van den Oord et al., WaveNet: A Generative Model for Raw Audio (2016).
    """

    block, ending = GatedBlock, Summed


class TCN(Convolutional):
    """Stacks plain residual blocks: the temporal convolutional network.

    Source: Bai et al., An Empirical Evaluation of Generic Convolutional and Recurrent Networks for
    Sequence Modeling (2018).
    """

    block, ending = ResidualBlock, Last
