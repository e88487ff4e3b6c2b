"""A training that goes by the clock ends in time, with its rate run down and its end validated."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from trainings import SHORT, fit, validation_nll

from ostinato.data.store import TokenStore
from ostinato.methods.likelihood.module import LikelihoodModule
from stopping import stopped_in_epoch

SECONDS = 2.0
TIMED = replace(SHORT, epochs=100_000, minutes=SECONDS / 60, warmup=0.25, validate_every=1000)


@pytest.fixture
def rates(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The learning rate at every step of every training from here on."""
    seen: list[float] = []

    def look(module: LikelihoodModule, *_: Any) -> None:
        seen.append(module.optimizers().param_groups[0]["lr"])  # type: ignore[union-attr]

    monkeypatch.setattr(LikelihoodModule, "on_train_batch_end", look)
    return seen


def test_training_ends_in_time_and_its_rate_with_it(
    store: TokenStore, tmp_path: Path, rates: list[float]
) -> None:
    began = time.monotonic()
    fitted, network = fit(store, TIMED, tmp_path)
    assert SECONDS <= fitted.minutes * 60 <= time.monotonic() - began
    assert fitted.minutes * 60 < SECONDS + 2  # a step and a validation more
    highest = rates.index(max(rates))
    assert 0 < highest < len(rates) / 2
    assert rates[:highest] == sorted(rates[:highest])
    assert rates[highest:] == sorted(rates[highest:], reverse=True)
    assert max(rates) > 0.8 * TIMED.learning_rate
    assert rates[-1] < 0.01 * TIMED.learning_rate
    validated = [row["epoch"] for row in fitted.curves if "validation" in row]
    assert validated == [len(fitted.curves)]
    assert validation_nll(network, store) == pytest.approx(fitted.best_validation, abs=1e-4)


def test_a_resumed_training_goes_on_from_the_time_it_had(store: TokenStore, tmp_path: Path) -> None:
    long = replace(TIMED, minutes=10.0, epochs=6, validate_every=1)
    with stopped_in_epoch(6):
        fit(store, long, tmp_path)
    reached = torch.load(tmp_path / "last.ckpt", weights_only=True)
    spent = reached["callbacks"]["Clock"]["time_elapsed"]["train"]
    began = time.monotonic()
    fitted, _ = fit(store, long, tmp_path)
    assert [row["epoch"] for row in fitted.curves] == [1, 2, 3, 4, 5, 6]
    assert 0 < spent < fitted.minutes * 60 < spent + time.monotonic() - began


def test_minutes_that_are_used_up_are_not_given_again(store: TokenStore, tmp_path: Path) -> None:
    fitted, _ = fit(store, TIMED, tmp_path)
    again, _ = fit(store, TIMED, tmp_path)
    assert len(again.curves) <= len(fitted.curves)
    assert again.minutes == pytest.approx(fitted.minutes, abs=1 / 60)


def test_every_training_knows_how_long_it_took(store: TokenStore, tmp_path: Path) -> None:
    began = time.monotonic()
    fitted, _ = fit(store, SHORT, tmp_path)
    assert 0 < fitted.minutes * 60 < time.monotonic() - began
