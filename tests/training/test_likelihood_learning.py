"""What is minimised, and at which rate."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from defaults import build
from ostinato.methods.likelihood.module import token_weights
from ostinato.models.steps import IGNORED
from ostinato.music.piece import Piece
from ostinato.training.optimizers import rate
from small_networks import network_of, store_of


def test_the_rate_rises_then_falls_to_nothing() -> None:
    settings = build("training=cpu method=likelihood", schedule="cosine", warmup=0.1)
    rates = [rate(settings, step, 100) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == rates[10] == 1.0
    assert rates[55] == pytest.approx(0.5)
    assert rates[100] == pytest.approx(0.0)
    assert rates[:10] == sorted(rates[:10])
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_a_linear_rate_falls_evenly() -> None:
    settings = build("training=cpu method=likelihood", schedule="linear", warmup=0.0)
    assert [rate(settings, step, 4) for step in range(5)] == [1.0, 0.75, 0.5, 0.25, 0.0]


def test_a_constant_rate_stays() -> None:
    settings = build("training=cpu method=likelihood", schedule="constant", warmup=0.0)
    assert {rate(settings, step, 10) for step in range(20)} == {1.0}


@given(
    schedule=st.sampled_from(["constant", "cosine", "linear"]),
    warmup=st.floats(0, 0.99),
    steps=st.integers(1, 500),
    step=st.integers(0, 600),
)
def test_a_rate_is_a_share(schedule: str, warmup: float, steps: int, step: int) -> None:
    settings = build("training=cpu method=likelihood", schedule=schedule, warmup=warmup)
    assert 0 <= rate(settings, step, steps) <= 1


def test_weights_fall_with_frequency_and_leave_the_loss_its_size(
    short_chorales: list[Piece], tmp_path: Path
) -> None:
    store = store_of(short_chorales[:4], build("representation=pitch"), tmp_path / "tokens")
    indices = np.arange(4)
    weights = token_weights(store, indices, build("representation=pitch").size, 0.5)
    assert weights is not None
    counts = 1 + np.bincount(store.steps, minlength=build("representation=pitch").size)
    same = weights.numpy() * np.sqrt(counts)
    assert same == pytest.approx(same[0])
    assert (weights.numpy() * counts).sum() / counts.sum() == pytest.approx(1.0)
    hold, rare = int(np.argmax(counts)), int(np.argmin(counts))
    assert weights[hold] < 1 < weights[rare]


def test_without_an_exponent_nothing_is_weighed(
    short_chorales: list[Piece], tmp_path: Path
) -> None:
    store = store_of(short_chorales[:1], build("representation=voices"), tmp_path / "tokens")
    assert token_weights(store, np.arange(1), build("representation=voices").size, 0.0) is None


def test_weights_count_the_pieces_of_training_alone(
    short_chorales: list[Piece], tmp_path: Path
) -> None:
    store = store_of(short_chorales[:2], build("representation=pitch"), tmp_path / "tokens")
    alone = store_of(short_chorales[:1], build("representation=pitch"), tmp_path / "alone")
    both = [
        token_weights(s, np.array([0]), build("representation=pitch").size, 1.0)
        for s in (store, alone)
    ]
    assert both[0] is not None
    assert both[1] is not None
    assert torch.equal(both[0], both[1])


def test_padding_weighs_nothing() -> None:
    network = network_of()
    tokens = torch.randint(131, (2, 10), generator=torch.Generator().manual_seed(0))
    positions = torch.zeros(
        2, 10, len(build("representation=voices").position_features), dtype=torch.long
    )
    targets = tokens.roll(-1, 1)
    targets[1, 4:] = IGNORED
    changed = tokens.clone()
    changed[1, 5:] = 0  # what stands in the padding
    one = network.score(tokens, positions, targets)
    other = network.score(changed, positions, targets)
    torch.testing.assert_close(one, other, atol=1e-6, rtol=0)
