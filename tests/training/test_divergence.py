"""A training that leaves the numbers ends there, with the last weights that were sound."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_adversarial_learning import SHORT as GAN_SHORT
from test_adversarial_learning import fit as fit_gan
from test_adversarial_learning import segments as gan_segments  # noqa: F401  (a fixture)
from test_variational_learning import SHORT as VAE_SHORT
from test_variational_learning import fit as fit_vae
from test_variational_learning import segments as vae_segments  # noqa: F401  (a fixture)
from trainings import SHORT, fit, validation_nll, weights

from ostinato.data.store import TokenStore
from ostinato.methods.likelihood.module import LikelihoodModule
from ostinato.training import precision, trainer
from ostinato.training.divergence import DivergedError, Divergence, advise

LONG = replace(SHORT, epochs=4)


@contextmanager
def spoilt(epoch: int, batch: int) -> Iterator[None]:
    """In this batch of this epoch, counted from 1, the gradient step makes weights no numbers."""
    whole = LikelihoodModule.on_before_zero_grad

    def spoil(module: LikelihoodModule, optimizer: Any) -> None:
        whole(module, optimizer)
        loop = module.trainer.fit_loop.epoch_loop
        if module.current_epoch + 1 == epoch and loop.batch_idx + 1 == batch:
            with torch.no_grad():
                next(module.network.parameters()).fill_(math.nan)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LikelihoodModule, "on_before_zero_grad", spoil)
        yield


def test_the_best_weights_before_are_kept(
    store: TokenStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with spoilt(epoch=3, batch=1):
        fitted, network = fit(store, LONG, tmp_path)
    assert [row["epoch"] for row in fitted.curves] == [1, 2]
    assert all(math.isfinite(value) for row in fitted.curves for value in row.values())
    assert fitted.best_validation == min(row["validation"] for row in fitted.curves)
    assert validation_nll(network, store) == pytest.approx(fitted.best_validation, abs=1e-4)
    assert "the training has diverged: the loss in batch 2 of epoch 3 is nan" in fitted.diverged
    assert "lower training.learning_rate (0.01)" in fitted.diverged
    assert f"weights of epoch {fitted.best_epoch}, before, are kept" in " ".join(
        capsys.readouterr().err.split()
    )


@pytest.mark.parametrize("batch", [1, 2])
def test_losses_that_are_looked_at_a_step_later_end_it_the_same(
    store: TokenStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    settings = replace(LONG, batch_size=48)  # two batches an epoch
    with spoilt(epoch=3, batch=batch):
        at_once, first = fit(store, settings, tmp_path / "once")
        monkeypatch.setattr(trainer, "Divergence", partial(Divergence, delayed=True))
        later, second = fit(store, settings, tmp_path / "later")
    assert later == at_once
    assert later.diverged
    assert torch.equal(weights(first), weights(second))
    last = torch.load(tmp_path / "later" / "last.ckpt", weights_only=True)
    assert last["epoch"] + 1 == 2


def test_the_same_again_ends_in_the_same_weights(store: TokenStore, tmp_path: Path) -> None:
    with spoilt(epoch=3, batch=1):
        once, first = fit(store, LONG, tmp_path)
        again, second = fit(store, LONG, tmp_path)
    assert again == once
    assert torch.equal(weights(first), weights(second))


def test_weights_that_the_last_step_of_an_epoch_spoils_reach_no_checkpoint(
    store: TokenStore, tmp_path: Path
) -> None:
    with spoilt(epoch=2, batch=2):
        fitted, network = fit(store, replace(LONG, batch_size=48), tmp_path, validation=0)
    last = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert fitted.best_epoch == 1 == last["epoch"] + 1
    assert torch.isfinite(weights(network)).all()
    assert fitted.diverged


def test_nothing_is_kept_where_nothing_was_sound(store: TokenStore, tmp_path: Path) -> None:
    with spoilt(epoch=1, batch=1):
        for _ in range(2):
            with pytest.raises(DivergedError, match=r"diverged: .* of epoch 1 is nan; lower") as no:
                fit(store, LONG, tmp_path)
    assert no.value.exit_code == 1
    assert list(tmp_path.glob("*.ckpt")) == []


def test_a_checkpoint_of_weights_that_are_no_numbers_is_not_gone_on_from(
    store: TokenStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fit(store, LONG, tmp_path)
    spoilt_one = torch.load(tmp_path / "last.ckpt", weights_only=True)
    next(iter(spoilt_one["state_dict"].values())).fill_(math.nan)
    torch.save(spoilt_one, tmp_path / "last.ckpt")
    fitted, network = fit(store, LONG, tmp_path)
    assert "as its weights are no numbers: the training begins anew" in " ".join(
        capsys.readouterr().err.split()
    )
    assert len(fitted.curves) == LONG.epochs
    assert torch.isfinite(weights(network)).all()


def test_a_validation_figure_that_is_no_number_is_no_best(
    store: TokenStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = LikelihoodModule.validation_step

    def step(module: LikelihoodModule, batch: Any, batch_idx: int) -> None:
        whole(module, batch, batch_idx)
        if module.current_epoch + 1 == 2:
            module.add("validation", math.inf, 1)

    monkeypatch.setattr(LikelihoodModule, "validation_step", step)
    fitted, _ = fit(store, LONG, tmp_path)
    assert fitted.best_epoch == 1
    assert "the validation figure of epoch 2 is inf" in fitted.diverged


def test_a_loss_that_grows_is_a_loss_still(store: TokenStore, tmp_path: Path) -> None:
    fitted, _ = fit(store, replace(LONG, learning_rate=10, gradient_clip=None), tmp_path)
    assert len(fitted.curves) == LONG.epochs
    assert not fitted.diverged


@pytest.mark.parametrize(
    ("changed", "ways"),
    [
        ({}, r"lower training\.learning_rate \(0\.01\) or lower training\.gradient_clip \(1\)\."),
        ({"gradient_clip": None}, r" or set training\.gradient_clip \(null\) to 1\."),
    ],
)
def test_what_would_help_follows_from_what_is_set(
    store: TokenStore, tmp_path: Path, changed: dict[str, Any], ways: str
) -> None:
    with spoilt(epoch=1, batch=1), pytest.raises(DivergedError, match=ways):
        fit(store, replace(LONG, **changed), tmp_path)


@pytest.mark.parametrize("there", [True, False])
def test_another_precision_would_help_where_it_was_taken(
    monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    monkeypatch.setattr(precision, "has_bfloat16", lambda: there)
    way = " or set training.precision (bf16-mixed) to 32-true"
    assert advise(replace(LONG, precision="bf16-mixed")).endswith(way) == there


def test_a_critic_that_leaves_the_numbers_ends_the_training(
    gan_segments: Any,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from ostinato.methods.adversarial.module import AdversarialModule

    whole = AdversarialModule._critic_step

    def step(module: AdversarialModule, *arguments: Any) -> None:
        if module.current_epoch == 2:
            with torch.no_grad():
                next(module.critic.parameters()).fill_(math.nan)
        whole(module, *arguments)

    monkeypatch.setattr(AdversarialModule, "_critic_step", step)
    fitted, network = fit_gan(gan_segments, tmp_path, GAN_SHORT)
    assert len(fitted.curves) == 2
    assert "the critic gap in batch 1 of epoch 3 is nan" in fitted.diverged
    assert "lower training.generator_rate (0.001)" in fitted.diverged
    assert all(torch.isfinite(p).all() for p in network.parameters())


def test_an_autoencoder_that_leaves_the_numbers_ends_the_training(
    vae_segments: Any,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from ostinato.methods.variational.module import VariationalModule

    whole = VariationalModule.training_step

    def step(module: VariationalModule, batch: Any, batch_idx: int) -> Any:
        scale = math.inf if module.current_epoch == 1 else 1.0
        return whole(module, batch, batch_idx) * scale

    monkeypatch.setattr(VariationalModule, "training_step", step)
    fitted, network = fit_vae(vae_segments, tmp_path, VAE_SHORT)
    assert len(fitted.curves) == 1
    assert "the loss in batch 1 of epoch 2 is inf" in fitted.diverged
    assert np.isfinite(weights_of(network)).all()


def weights_of(network: torch.nn.Module) -> Any:
    return torch.cat([p.detach().flatten() for p in network.parameters()]).numpy()
