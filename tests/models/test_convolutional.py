"""How far back dilated convolutions hear, and what they keep of it."""

import pytest
import torch

from defaults import build
from ostinato.models.convolutional import TCN, Convolutional, WaveNet


def made(kind: type[Convolutional], layers: int, stacks: int, kernel: int) -> Convolutional:
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "layers": layers, "stacks": stacks, "kernel": kernel}
    network: Convolutional = build(f"model={kind.__name__.lower()}.backbone", **sizes, input_size=5)
    return network.eval().double()


@pytest.mark.parametrize("kind", [WaveNet, TCN])
@pytest.mark.parametrize(("layers", "stacks", "kernel"), [(1, 1, 2), (3, 1, 3), (3, 2, 2)])
def test_each_layer_doubles_how_far_back_is_heard(
    kind: type[Convolutional], layers: int, stacks: int, kernel: int
) -> None:
    network = made(kind, layers, stacks, kernel)
    x = torch.randn(4, 100, 5, dtype=torch.double).requires_grad_()
    network(x)[0][:, -1].sum().backward()
    assert x.grad is not None
    heard = x.grad.abs().sum(dim=(0, 2)).nonzero().flatten()
    per_block = 2 if kind is TCN else 1
    assert 99 - int(heard.min()) == per_block * stacks * (2**layers - 1) * (kernel - 1)


@pytest.mark.parametrize("kind", [WaveNet, TCN])
def test_what_is_kept_does_not_grow_with_the_music(kind: type[Convolutional]) -> None:
    network = made(kind, 4, 2, 3)
    kept, state = [], None
    with torch.no_grad():
        for length in (1, 5, 700):
            _, state = network(torch.randn(2, length, 5, dtype=torch.double), state)
            kept.append([tensor.shape[-1] for past in state for tensor in past])
    assert kept[0] == kept[1] == kept[2]
    per_block = 2 if kind is TCN else 1
    assert kept[0] == [2 * 2**i for _ in range(2) for i in range(4) for _ in range(per_block)]


def test_a_weight_of_the_tcn_is_a_length_times_a_direction() -> None:
    network = made(TCN, 1, 1, 3)
    convolution = network.blocks[0].convolutions[0].convolution  # type: ignore[union-attr, index]
    lengths = convolution.weight.norm(dim=(1, 2), keepdim=True)
    torch.testing.assert_close(convolution.parametrizations.weight.original0.abs(), lengths)


def test_before_the_first_step_there_is_silence() -> None:
    """A piece after zeros without biases sounds as it does alone."""
    network = made(TCN, 3, 1, 2)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
        x = torch.randn(1, 6, 5, dtype=torch.double)
        after_zeros = network(torch.cat([torch.zeros_like(x).repeat(1, 5, 1), x], dim=1))[0]
        torch.testing.assert_close(after_zeros[:, -6:], network(x)[0])
