"""Low-rank adaptation: small matrices that are trained in place of the weights of a network.

Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models" (ICLR 2022).
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ostinato import console


class LowRank(nn.Module):
    """Adds to a matrix of weights the product of two narrow ones, which is zero at first.

    A kernel (out, in, width) is a matrix (out, in × width). The product has the scale 1: `alpha`
    is the rank.
    """

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        rows, columns = len(weight), weight[0].numel()
        self.down = nn.Parameter(torch.empty(min(rank, rows, columns), columns))
        self.up = nn.Parameter(torch.zeros(rows, len(self.down)))
        nn.init.kaiming_uniform_(self.down, a=5**0.5)

    def forward(self, weight: Tensor) -> Tensor:
        """Return the adapted weight, of the same shape."""
        return weight + self.change().view_as(weight)

    def change(self) -> Tensor:
        """Return what is added to the matrix: (rows, columns)."""
        return self.up @ self.down


@contextmanager
def adapted(network: nn.Module, rank: int | None) -> Iterator[None]:
    """Within the block, low-rank matrices alone are trained; after it, the weights hold them.

    Every matrix and every kernel is adapted, also of embeddings and of recurrent layers; biases and
    scales stay. Where the block raises, the network stays adapted. rank: None leaves all as it is.
    """
    if rank is None:
        yield
        return
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    places = _matrices(network)
    adapters = {id(weight): LowRank(weight, rank) for _, _, weight in places}
    for module, name, weight in places:
        # a weight that two modules share has one adapter, in both
        parametrize.register_parametrization(module, name, adapters[id(weight)])
    trained = sum(p.numel() for p in network.parameters() if p.requires_grad)
    console.say(f"low-rank matrices of {trained:,} parameters are trained, and nothing else")
    yield
    for module, name, _ in places:
        parametrize.remove_parametrizations(module, name, leave_parametrized=False)
    for weight in {id(weight): weight for _, _, weight in places}.values():
        with torch.no_grad():
            weight.add_(adapters[id(weight)].change().view_as(weight))
    for parameter in network.parameters():
        parameter.requires_grad_(True)


def _matrices(network: nn.Module) -> list[tuple[nn.Module, str, nn.Parameter]]:
    """Return each weight of two or more dimensions, after its module and its name there."""
    return [
        (module, name, weight)
        for module in network.modules()
        for name, weight in module.named_parameters(recurse=False)
        if weight.dim() > 1
    ]
