"""A training that is stopped at any step goes on within the epoch, and ends in the same bits."""

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from trainings import SHORT, Points, fit, joined, weights

from ostinato.data.store import TokenStore
from ostinato.methods.likelihood.module import LikelihoodModule
from ostinato.training.within_epoch import WithinEpoch
from stopping import OFTEN, stopped_in_epoch

SMALL = replace(SHORT, batch_size=2, transpose=(-3, 3), checkpoint_minutes=OFTEN)
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "averaged": {"averaging": 0.9},
    "accumulated": {"accumulate": 2},
    "sometimes validated": {"validate_every": 2},
    "stopped early": {"epochs": 9, "early_stopping": 2, "learning_rate": 0.1},
    "overfitted": {"overfit_batches": 7},
}


class Shaking(Callback):
    """Moves the weights by random numbers of every generator, as dropout would, in each step."""

    def on_before_optimizer_step(self, trainer: pl.Trainer, pl_module: Any, optimizer: Any) -> None:
        del trainer, optimizer
        shake = torch.rand(()) + np.random.random() + random.random()
        with torch.no_grad():
            next(pl_module.parameters()).add_(1e-3 * shake)


def train(
    store: TokenStore, training: Any, folder: Path, logger: Any, validation: int = 2
) -> tuple[Any, Any]:
    """Train from the same states of all generators."""
    np.random.seed(1)
    random.seed(1)
    return fit(store, training, folder, validation, logger=logger, callbacks=[Shaking()])


@pytest.mark.parametrize(
    ("name", "epoch"),
    [
        ("plain", 1),
        ("plain", 3),
        ("averaged", 3),
        ("accumulated", 1),
        ("sometimes validated", 3),
        ("stopped early", 3),
        ("overfitted", 1),
        ("overfitted", 2),
    ],
)
def test_it_ends_in_the_same_weights_curves_and_points(
    store: TokenStore, tmp_path: Path, name: str, epoch: int, capsys: pytest.CaptureFixture[str]
) -> None:
    training = replace(SMALL, **VARIANTS[name])
    whole, before, after = Points(), Points(), Points()
    undisturbed = replace(training, checkpoint_minutes=None)
    expected, network = train(store, undisturbed, tmp_path / "whole", whole)
    assert not (tmp_path / "whole" / "within.ckpt").exists()
    with stopped_in_epoch(epoch, batch=6):  # no step follows the one before, if two make one
        train(store, training, tmp_path / "stopped", before)
    capsys.readouterr()
    fitted, resumed = train(store, training, tmp_path / "stopped", after)
    words = capsys.readouterr().out
    assert "within.ckpt" in words
    assert f"epoch {epoch - 1} of" not in words
    assert fitted == expected
    assert torch.equal(weights(resumed), weights(network))
    assert joined(before, after) == whole.points
    assert len(whole.points["train_nats_per_token"]) == len(expected.curves)
    assert (name == "stopped early") == (len(expected.curves) < training.epochs)


def test_a_training_is_stopped_again_and_again(store: TokenStore, tmp_path: Path) -> None:
    expected, network = train(store, SMALL, tmp_path / "whole", None)
    for epoch, batch in ((1, 3), (1, 6), (2, 2), (2, 7), (3, 4)):
        with stopped_in_epoch(epoch, batch):
            train(store, SMALL, tmp_path / "stopped", None)
    fitted, resumed = train(store, SMALL, tmp_path / "stopped", None)
    assert fitted == expected
    assert torch.equal(weights(resumed), weights(network))


def test_a_step_that_is_logged_is_logged_again_where_that_was_interrupted(
    store: TokenStore, tmp_path: Path
) -> None:
    long = replace(SMALL, batch_size=1)  # more than 20 batches: every 20th is logged
    whole, before, after = Points(), Points(killed_at=19), Points()
    fit(store, long, tmp_path / "whole", logger=whole)
    with pytest.raises(KeyboardInterrupt):
        fit(store, long, tmp_path / "stopped", logger=before)
    fit(store, long, tmp_path / "stopped", logger=after)
    assert joined(before, after) == whole.points
    assert {19, 39} <= set(whole.points["train_step_nats_per_token"])


def test_without_validation_it_ends_in_the_same_weights(store: TokenStore, tmp_path: Path) -> None:
    expected, network = train(store, SMALL, tmp_path / "whole", None, validation=0)
    with stopped_in_epoch(2, batch=5):
        train(store, SMALL, tmp_path / "stopped", None, validation=0)
    fitted, resumed = train(store, SMALL, tmp_path / "stopped", None, validation=0)
    assert fitted == expected
    assert torch.equal(weights(resumed), weights(network))


def test_only_what_comes_after_the_checkpoint_is_trained_again(
    store: TokenStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stopped_in_epoch(2, batch=5):
        train(store, SMALL, tmp_path, None)
    steps: list[tuple[int, int]] = []
    monkeypatch.setattr(
        LikelihoodModule,
        "on_train_batch_end",
        lambda module, _outputs, _batch, batch_idx: steps.append((module.current_epoch, batch_idx)),
    )
    train(store, SMALL, tmp_path, None)
    assert steps[0] == (1, 4)
    batches = 1 + max(batch for _, batch in steps)
    assert steps == [(1, b) for b in range(4, batches)] + [(2, b) for b in range(batches)]


def test_a_checkpoint_follows_only_when_the_minutes_are_over(
    store: TokenStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[int] = []
    save = pl.Trainer.save_checkpoint

    def count(trainer: pl.Trainer, file: Any, *rest: Any) -> None:
        saved.append(Path(file).name == "within.ckpt")
        save(trainer, file, *rest)

    monkeypatch.setattr(pl.Trainer, "save_checkpoint", count)
    fit(store, replace(SMALL, checkpoint_minutes=5), tmp_path / "rarely")
    assert not any(saved)
    fit(store, SMALL, tmp_path / "often")
    assert any(saved)


def test_a_damaged_checkpoint_within_an_epoch_gives_way_to_the_last_whole_epoch(
    store: TokenStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with stopped_in_epoch(2, batch=5):
        fit(store, SMALL, tmp_path / "stopped")
    within = tmp_path / "stopped" / "within.ckpt"
    within.write_bytes(within.read_bytes()[:1000])
    capsys.readouterr()
    fitted, _ = fit(store, SMALL, tmp_path / "stopped")
    told, warned = capsys.readouterr()
    assert "within.ckpt cannot be gone on from, as it cannot be read: an older one serves" in (
        " ".join(warned.split())
    )
    assert "last.ckpt" in told
    assert [row["epoch"] for row in fitted.curves] == [1, 2, 3]


def test_batches_that_could_not_be_gone_on_with_get_no_checkpoint(
    store: TokenStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torch.utils.data import DataLoader

    from ostinato.data import datamodule

    monkeypatch.setattr(
        datamodule, "load_epoch", lambda batches, _: DataLoader(batches, batch_size=None)
    )
    fit(store, SMALL, tmp_path)
    assert not (tmp_path / "within.ckpt").exists()
    assert WithinEpoch.KEY not in torch.load(tmp_path / "last.ckpt", weights_only=True)
