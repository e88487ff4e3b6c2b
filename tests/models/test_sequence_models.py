"""A sequence model says the same step by step, in chunks and at once, and never looks ahead."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from defaults import build
from ostinato.config import Config
from ostinato.errors import ConfigError
from ostinato.models.bundle import build_network
from ostinato.models.inputs import OneHot
from ostinato.models.sequence import SequenceModel
from ostinato.models.steps import IGNORED, SequenceSpec
from small_networks import BACKBONES, OTHERS, REPRESENTATIONS, config_of, network_of, tensors_of

FEATURES = {"step": 3, "kind": 5}
VOCABULARY = 11


def built(backbone: str, hidden: int, layers: int, seed: int = 0) -> SequenceModel:
    config = config_of(backbone=backbone, hidden=hidden, layers=layers)
    torch.manual_seed(seed)
    network = config.build("model", spec=SequenceSpec("tokens", VOCABULARY, FEATURES))
    assert isinstance(network, SequenceModel)
    return network.eval()


def sequences(batch: int, time: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(VOCABULARY, (batch, time), generator=generator)
    features = [torch.randint(n, (batch, time), generator=generator) for n in FEATURES.values()]
    return tokens, torch.stack(features, dim=-1)


@given(
    backbone=st.sampled_from(BACKBONES),
    hidden=st.integers(1, 24),
    layers=st.integers(1, 3),
    batch=st.integers(1, 3),
    time=st.integers(1, 20),
    seed=st.integers(0, 999),
)
@settings(deadline=None, max_examples=40)
def test_stepping_equals_the_full_pass(
    backbone: str, hidden: int, layers: int, batch: int, time: int, seed: int
) -> None:
    network = built(backbone, hidden, layers, seed)
    tokens, positions = sequences(batch, time, seed)
    with torch.no_grad():
        whole, last = network(tokens, positions)
        steps, state = [], None
        for t in range(time):
            logits, state = network(tokens[:, t : t + 1], positions[:, t : t + 1], state=state)
            steps.append(logits)
    assert whole.shape == (batch, time, VOCABULARY)
    torch.testing.assert_close(torch.cat(steps, dim=1), whole, atol=1e-5, rtol=0)
    torch.testing.assert_close(state, last, atol=1e-5, rtol=0)


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("chunk", [1, 7, 30, 64])
def test_score_in_chunks_equals_score_at_once(backbone: str, chunk: int) -> None:
    network = built(backbone, 16, 2)
    tokens, positions = sequences(3, 30)
    targets = tokens.roll(-1, 1)
    targets[1, 20:] = IGNORED
    at_once = network.score(tokens, positions, targets, chunk=4096)
    in_chunks = network.score(tokens, positions, targets, chunk=chunk)
    torch.testing.assert_close(in_chunks, at_once, atol=1e-5, rtol=0)
    assert at_once.shape == (3, 30)
    assert torch.all(at_once[1, 20:] == 0)
    assert torch.all(at_once[0] > 0)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_a_later_token_changes_nothing_before_it(backbone: str) -> None:
    network = built(backbone, 16, 2)
    tokens, positions = sequences(2, 20)
    changed = tokens.clone()
    changed[:, 12] = (changed[:, 12] + 1) % VOCABULARY
    with torch.no_grad():
        before, after = network(tokens, positions)[0], network(changed, positions)[0]
    assert torch.equal(before[:, :12], after[:, :12])
    assert not torch.allclose(before[:, 12:], after[:, 12:])


@pytest.mark.parametrize("backbone", BACKBONES)
def test_pieces_side_by_side_do_not_hear_each_other(backbone: str) -> None:
    network = built(backbone, 16, 2)
    tokens, positions = sequences(4, 15)
    with torch.no_grad():
        together = network(tokens, positions)[0]
        alone = network(tokens[2:3], positions[2:3])[0]
    torch.testing.assert_close(alone, together[2:3], atol=1e-5, rtol=0)


@pytest.mark.parametrize("backbone", [*BACKBONES, *OTHERS])
@pytest.mark.parametrize("representation", ["voices", "pitch"])
@pytest.mark.parametrize("time", [8, 9, 11])
def test_rows_of_a_state_go_on_as_their_sequences_do(
    backbone: str, representation: str, time: int
) -> None:
    network, rows = network_of(representation, backbone=backbone), torch.tensor([1, 1, 0])
    tokens = torch.randint(128, (2, time), generator=torch.Generator().manual_seed(0))
    known = [REPRESENTATIONS[representation].positions(row) for row in tokens.numpy()]
    positions = torch.from_numpy(np.stack(known)).long()
    with torch.no_grad():
        _, state = network(tokens, positions)
        _, expected = network(tokens[rows], positions[rows])
        taken = network.select(state, rows)
        more = tokens[rows, :3].flip(0), positions[rows, :3]
        torch.testing.assert_close(tensors_of(taken), tensors_of(expected))
        on, as_expected = network(*more, state=taken), network(*more, state=expected)
        torch.testing.assert_close(tensors_of(on), tensors_of(as_expected))


def test_score_is_the_negative_logarithm_of_the_probability() -> None:
    network = built("LSTM", 8, 1)
    tokens, positions = sequences(1, 6)
    targets = tokens.roll(-1, 1)
    with torch.no_grad():
        shares = torch.softmax(network(tokens, positions)[0], dim=-1)
    expected = [-shares[0, t, targets[0, t]].log().item() for t in range(6)]
    assert network.score(tokens, positions, targets)[0].tolist() == pytest.approx(
        expected, abs=1e-5
    )


def test_embedding_knows_the_musical_position() -> None:
    network = built("GRU", 8, 1)
    tokens, positions = sequences(1, 5)
    elsewhere = positions.clone()
    elsewhere[..., 0] = (elsewhere[..., 0] + 1) % FEATURES["step"]
    with torch.no_grad():
        assert not torch.allclose(network(tokens, positions)[0], network(tokens, elsewhere)[0])


def test_one_hot_input_is_one_hot() -> None:
    x = OneHot(spec=SequenceSpec("tokens", 5))(torch.tensor([[0, 3]]), torch.zeros(1, 2, 0))
    assert x.tolist() == [[[1, 0, 0, 0, 0], [0, 0, 0, 1, 0]]]
    assert x.dtype == torch.float32


def test_one_hot_goes_with_pitches() -> None:
    tree = config_of("pitch").tree
    one_hot = {"_target_": "ostinato.models.inputs.OneHot", "_partial_": True}
    config = Config({**tree, "model": {**tree["model"], "input": one_hot}})
    network = build_network(config, build("representation=pitch"))
    logits, _ = network(torch.zeros(2, 3, dtype=torch.long), torch.zeros(2, 3, 1, dtype=torch.long))
    assert logits.shape == (2, 3, build("representation=pitch").size)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_the_same_seed_gives_the_same_network(backbone: str) -> None:
    one, same, other = (network_of(backbone=backbone, seed=s) for s in (1, 1, 2))
    first = torch.cat([p.flatten() for p in one.parameters()])
    assert torch.equal(first, torch.cat([p.flatten() for p in same.parameters()]))
    assert not torch.equal(first, torch.cat([p.flatten() for p in other.parameters()]))


def test_a_network_without_layers_is_refused() -> None:
    config = config_of(layers=0)
    with pytest.raises(ConfigError, match="layers=0 does not fit"):
        build_network(config, config.build("representation"))
