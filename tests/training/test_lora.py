"""Low-rank adaptation: what is trained, and that the merged network is the one that was trained."""

import copy

import pytest
import torch
from torch import Tensor, nn

from ostinato.training.lora import adapted


class Net(nn.Module):
    """A network of every kind of layer that holds weights; its first and last share theirs."""

    def __init__(self) -> None:
        super().__init__()
        self.token = nn.Embedding(7, 6)
        self.convolution = nn.Conv1d(6, 6, 3, padding=1)
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True)
        self.recurrent = nn.LSTM(6, 6, num_layers=2, batch_first=True)
        self.norm = nn.LayerNorm(6)
        self.output = nn.Linear(6, 7)
        self.output.weight = self.token.weight

    def forward(self, tokens: Tensor) -> Tensor:
        """Return logits (batch, steps, 7) for tokens (batch, steps)."""
        x = self.convolution(self.token(tokens).mT).mT
        x = x + self.attention(x, x, x, need_weights=False)[0]
        x, _ = self.recurrent(x)
        logits: Tensor = self.output(self.norm(x))
        return logits


@pytest.fixture
def network() -> Net:
    torch.manual_seed(0)
    return Net().eval()


TOKENS = torch.arange(10).view(2, 5) % 7


def train(network: Net, steps: int = 5) -> None:
    optimizer = torch.optim.AdamW(network.parameters(), 0.05, weight_decay=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        network(TOKENS).logsumexp(-1).square().mean().backward()
        optimizer.step()


def test_it_changes_nothing_before_a_step(network: Net) -> None:
    before = network(TOKENS)
    with adapted(network, 2):
        assert torch.equal(network(TOKENS), before)


def test_the_merged_network_is_the_trained_one_and_keeps_the_names_of_its_weights(
    network: Net,
) -> None:
    before = copy.deepcopy(network.state_dict())
    with adapted(network, 2):
        train(network)
        trained = network(TOKENS)
    torch.testing.assert_close(network(TOKENS), trained)
    after = network.state_dict()
    assert sorted(after) == sorted(before)
    assert network.output.weight is network.token.weight
    for name, weight in before.items():
        moved = not torch.equal(after[name], weight)
        assert moved == (weight.dim() > 1), name


def test_each_weight_moves_by_a_matrix_of_at_most_that_rank(network: Net) -> None:
    before = copy.deepcopy(network.state_dict())
    with adapted(network, 2):
        train(network)
    for name, weight in network.state_dict().items():
        if weight.dim() > 1:
            change = (weight - before[name]).flatten(1).double()
            values = torch.linalg.svdvals(change)
            assert values[2] < 1e-5 * values[0], name


def test_fewer_numbers_are_trained_and_all_again_afterwards(network: Net) -> None:
    whole = sum(p.numel() for p in network.parameters())
    with adapted(network, 1):
        own = [p.numel() for p in network.parameters() if p.requires_grad]
        assert 0 < sum(own) < whole / 3
    assert all(p.requires_grad for p in network.parameters())
    assert sum(p.numel() for p in network.parameters()) == whole


def test_without_a_rank_every_weight_is_trained(network: Net) -> None:
    with adapted(network, None):
        assert all(p.requires_grad for p in network.parameters())
