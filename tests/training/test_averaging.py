"""The average of the weights that a training passes through is validated and kept."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from trainings import SHORT, fit, validation_nll, weights

from ostinato.data.store import TokenStore
from ostinato.methods.likelihood.module import LikelihoodModule
from ostinato.training.averaging import warmed_up
from stopping import stopped_in_epoch

AVERAGED = replace(SHORT, averaging=0.9)


def test_early_weights_are_soon_forgotten() -> None:
    decays = [warmed_up(0.99, steps) for steps in range(1, 2000)]
    assert decays[0] == pytest.approx(2 / 11)
    assert decays == sorted(decays)
    assert decays[-1] == 0.99


def checkpoint(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = torch.load(path, weights_only=True)
    return loaded


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """The weights of every training from here on, after each of its steps."""
    seen: list[Tensor] = []

    def look(module: LikelihoodModule, *_: Any) -> None:
        seen.append(weights(module.network).clone())

    monkeypatch.setattr(LikelihoodModule, "on_train_batch_end", look)
    return seen


def test_what_is_kept_is_the_average(
    store: TokenStore, tmp_path: Path, passed: list[Tensor]
) -> None:
    _, network = fit(store, AVERAGED, tmp_path, validation=0)
    average = passed[0].double()
    for steps, current in enumerate(passed[1:], start=1):
        average += (1 - warmed_up(0.9, steps)) * (current - average)
    torch.testing.assert_close(weights(network).double(), average, atol=1e-5, rtol=0)
    assert not torch.allclose(weights(network), passed[-1], atol=1e-3)


def test_the_average_does_not_change_what_is_learned(
    store: TokenStore, tmp_path: Path, passed: list[Tensor]
) -> None:
    plain, _ = fit(store, SHORT, tmp_path / "plain")
    steps = len(passed)
    averaged, _ = fit(store, AVERAGED, tmp_path / "averaged")
    assert all(map(torch.equal, passed[:steps], passed[steps:]))
    train = [[row["train"] for row in fitted.curves] for fitted in (plain, averaged)]
    assert train[0] == train[1]


def test_the_average_is_validated_and_the_best_of_it_kept(
    store: TokenStore, tmp_path: Path
) -> None:
    training = replace(AVERAGED, epochs=40, learning_rate=0.05, schedule="constant")
    fitted, network = fit(store, replace(training, early_stopping=3), tmp_path)
    losses = [row["validation"] for row in fitted.curves]
    assert fitted.best_validation == min(losses) < losses[-1]
    assert validation_nll(network, store) == pytest.approx(min(losses), abs=1e-4)
    best = checkpoint(tmp_path / "best.ckpt")
    assert best["epoch"] + 1 == fitted.best_epoch
    kept = network.state_dict()
    assert all(torch.equal(best["state_dict"][f"network.{name}"], kept[name]) for name in kept)


@pytest.mark.parametrize("validation", [2, 0])
def test_stopped_and_resumed_it_ends_in_the_same_average(
    store: TokenStore, tmp_path: Path, validation: int
) -> None:
    training = replace(AVERAGED, epochs=4, transpose=(-3, 3))
    whole, network = fit(store, training, tmp_path / "whole", validation)
    with stopped_in_epoch(3):
        fit(store, training, tmp_path / "stopped", validation)
    assert checkpoint(tmp_path / "stopped" / "last.ckpt")["epoch"] == 1
    fitted, resumed = fit(store, training, tmp_path / "stopped", validation)
    assert fitted == whole
    assert torch.equal(weights(resumed), weights(network))
    again, ended = fit(store, training, tmp_path / "stopped", validation)
    assert again == whole
    assert torch.equal(weights(ended), weights(network))
