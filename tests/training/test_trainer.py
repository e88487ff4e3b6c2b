"""A network learns, the best weights are kept, and what was interrupted is taken up again."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor
from trainings import SHORT, Points, fit, validation_nll, weights

from defaults import build
from ostinato.data.datamodule import MusicData
from ostinato.data.store import TokenStore
from ostinato.data.windows import WindowSettings

NAMES = ("best", "last")


def test_one_batch_can_be_learned_by_heart(store: TokenStore, tmp_path: Path) -> None:
    training = replace(SHORT, epochs=60, overfit_batches=1, learning_rate=0.05, schedule="constant")
    fitted, _ = fit(store, training, tmp_path, validation=0)
    assert fitted.curves[0]["train"] > 4.0  # ln 131 is 4.9: nothing is known at first
    assert fitted.curves[-1]["train"] < 0.5


def test_overfitting_shows_the_same_batch_in_every_epoch(store: TokenStore) -> None:
    data = MusicData(
        store,
        np.arange(6),
        np.arange(0),
        build("representation=voices"),
        WindowSettings(48, 4, (-5, 5), 1),
    )

    def first(epoch: int, overfit: int) -> Tensor:
        trainer = pl.Trainer(overfit_batches=overfit, logger=False, accelerator="cpu")
        trainer.fit_loop.epoch_progress.current.completed = epoch
        trainer.fit_loop.epoch_progress.current.processed = epoch
        data.trainer = trainer
        return next(iter(data.train_dataloader())).inputs

    assert torch.equal(first(0, 1), first(1, 1))
    assert not torch.equal(first(0, 0), first(1, 0))


def test_the_same_seed_gives_the_same_weights_bit_for_bit(
    store: TokenStore, tmp_path: Path
) -> None:
    training = replace(SHORT, transpose=(-5, 6))
    one, first = fit(store, training, tmp_path / "one")
    two, second = fit(store, training, tmp_path / "two")
    _, other = fit(store, training, tmp_path / "other", seed=2)
    assert torch.equal(weights(first), weights(second))
    assert one == two
    assert not torch.equal(weights(first), weights(other))


def test_curves_have_a_row_an_epoch(store: TokenStore, tmp_path: Path) -> None:
    fitted, _ = fit(store, SHORT, tmp_path)
    assert [row["epoch"] for row in fitted.curves] == [1, 2, 3]
    assert all(set(row) == {"epoch", "train", "validation"} for row in fitted.curves)
    assert fitted.curves[-1]["train"] < fitted.curves[0]["train"]


def test_training_without_validation_keeps_the_last_weights(
    store: TokenStore, tmp_path: Path
) -> None:
    fitted, network = fit(store, SHORT, tmp_path, validation=0)
    assert fitted.best_epoch == 3
    assert fitted.best_validation is None
    assert all(set(row) == {"epoch", "train"} for row in fitted.curves)
    last = torch.load(tmp_path / "last.ckpt", weights_only=True)["state_dict"]
    kept = network.state_dict()
    assert all(torch.equal(last[f"network.{name}"], kept[name]) for name in kept)


@pytest.fixture(scope="module")
def stopped(store: TokenStore, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A training that soon learns six pieces by heart, and so grows worse on two others."""
    folder = tmp_path_factory.mktemp("stopped")
    training = replace(SHORT, epochs=60, learning_rate=0.05, schedule="constant", early_stopping=2)
    return (*fit(store, training, folder), training, folder)


def test_early_stopping_keeps_the_best_weights(store: TokenStore, stopped: Any) -> None:
    fitted, network, _, _ = stopped
    losses = [row["validation"] for row in fitted.curves]
    assert len(losses) < 60
    assert fitted.best_epoch == 1 + int(np.argmin(losses)) == len(losses) - 2
    assert fitted.best_validation == min(losses)
    assert validation_nll(network, store) == pytest.approx(min(losses), abs=1e-4)


def test_a_training_that_had_stopped_stays_stopped(store: TokenStore, stopped: Any) -> None:
    fitted, network, training, folder = stopped
    again, resumed = fit(store, training, folder)
    assert again == fitted
    assert torch.equal(weights(resumed), weights(network))


def test_what_is_resumed_is_the_last_epoch_not_the_best(stopped: Any) -> None:
    fitted, _, _, folder = stopped
    epochs = {n: torch.load(folder / f"{n}.ckpt", weights_only=True)["epoch"] for n in NAMES}
    assert epochs == {"best": fitted.best_epoch - 1, "last": len(fitted.curves) - 1}


def test_a_training_that_had_ended_gives_the_same_again(store: TokenStore, tmp_path: Path) -> None:
    fitted, network = fit(store, SHORT, tmp_path)
    again, resumed = fit(store, SHORT, tmp_path)
    assert again == fitted
    assert torch.equal(weights(resumed), weights(network))


def test_some_epochs_are_validated_and_the_last_is(store: TokenStore, tmp_path: Path) -> None:
    training = replace(SHORT, epochs=5, validate_every=2)
    fitted, network = fit(store, training, tmp_path / "some")
    every, _ = fit(store, replace(training, validate_every=1), tmp_path / "every")
    validated = [row for row in fitted.curves if "validation" in row]
    assert [row["epoch"] for row in validated] == [2, 4, 5]
    assert validated == [row for row in every.curves if row["epoch"] in (2, 4, 5)]
    best = min(row["validation"] for row in validated)
    assert fitted.best_validation == best
    assert validation_nll(network, store) == pytest.approx(best, abs=1e-4)


def test_patience_is_counted_in_validations(store: TokenStore, tmp_path: Path) -> None:
    training = replace(SHORT, epochs=90, learning_rate=0.05, schedule="constant", early_stopping=2)
    fitted, _ = fit(store, replace(training, validate_every=3), tmp_path)
    losses = [row["validation"] for row in fitted.curves if "validation" in row]
    assert len(fitted.curves) == 3 * len(losses) < 90
    assert int(np.argmin(losses)) == len(losses) - 3
    assert fitted.best_epoch == 3 * (len(losses) - 2)


def test_validation_is_per_token_over_all_pieces(store: TokenStore, tmp_path: Path) -> None:
    fitted, network = fit(store, replace(SHORT, epochs=1), tmp_path)
    assert fitted.best_validation == pytest.approx(validation_nll(network, store), abs=1e-4)


@pytest.mark.parametrize("epoch", [2, 3])
def test_a_curve_has_the_point_of_an_epoch_whose_logging_was_interrupted(
    epoch: int, store: TokenStore, tmp_path: Path
) -> None:
    whole, before, after = Points(), Points(killed_in=epoch), Points()
    fit(store, SHORT, tmp_path / "whole", logger=whole)
    with pytest.raises(KeyboardInterrupt):
        fit(store, SHORT, tmp_path / "killed", logger=before)
    fit(store, SHORT, tmp_path / "killed", logger=after)
    for name in ("train_nats_per_token", "validation_nats_per_token"):
        assert before.points[name] | after.points[name] == pytest.approx(whole.points[name])
        assert len(whole.points[name]) == SHORT.epochs


def test_what_is_logged_within_an_epoch_is_not_logged_again_at_its_end(
    store: TokenStore, tmp_path: Path
) -> None:
    training = replace(SHORT, epochs=6)
    whole, after = Points(), Points()
    fit(store, training, tmp_path / "whole", logger=whole)
    with pytest.raises(KeyboardInterrupt):
        fit(store, training, tmp_path / "killed", logger=Points(killed_in=6))
    fit(store, training, tmp_path / "killed", logger=after)
    assert "train_step_nats_per_token" in whole.points
    assert "train_nats_per_token" in after.points
    for name, points in after.points.items():
        assert set(points) <= set(whole.points[name])


class Threads(Callback):
    """Notes with how many threads torch computes in each epoch."""

    def __init__(self) -> None:
        self.found: list[int] = []

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        del trainer, pl_module
        self.found.append(torch.get_num_threads())


@pytest.mark.parametrize(("asked", "expected"), [(3, 3), (None, 1)])
def test_a_training_computes_with_as_many_threads_as_asked(
    store: TokenStore, tmp_path: Path, asked: int | None, expected: int
) -> None:
    torch.set_num_threads(1)
    threads = Threads()
    fit(store, replace(SHORT, threads=asked, epochs=1), tmp_path, callbacks=[threads])
    assert threads.found == [expected]
    assert torch.get_num_threads() == 1
