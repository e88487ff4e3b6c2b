"""Several processes train as one would, and their batches may be gathered into larger ones."""

import multiprocessing
import pickle
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from trainings import SHORT, fit, weights

from ostinato.data.store import TokenStore
from ostinato.errors import UserError
from ostinato.methods.likelihood.settings import LikelihoodTraining
from ostinato.training.compiling import COMPILERS
from ostinato.training.within_epoch import WithinEpoch
from stopping import OFTEN, stopped_in_epoch

PAIR = replace(SHORT, devices=2, strategy="ddp")


def close(one: list[dict[str, float]], other: list[dict[str, float]]) -> bool:
    """Whether two curves have the same figures, within a ten-thousandth of a nat."""
    assert [sorted(row) for row in one] == [sorted(row) for row in other]
    return all(
        np.allclose(list(a.values()), list(b.values()), atol=1e-4, rtol=0)
        for a, b in zip(one, other, strict=True)
    )


def test_two_processes_train_as_one_with_twice_the_batch(store: TokenStore, tmp_path: Path) -> None:
    one, alone = fit(store, replace(SHORT, batch_size=8), tmp_path / "one")
    two, together = fit(store, PAIR, tmp_path / "two")
    assert close(one.curves, two.curves)
    assert one.best_epoch == two.best_epoch
    assert torch.allclose(weights(alone), weights(together), atol=1e-3)
    half, _ = fit(store, SHORT, tmp_path / "half")
    assert not close(one.curves, half.curves), "the size of a batch makes a difference"


class Once(Callback):
    """Does something at the end of an epoch."""

    def __init__(self, epoch: int, action: Any) -> None:
        self.epoch, self.action = epoch, action

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        del pl_module
        if trainer.current_epoch == self.epoch:
            self.action()


def interrupt() -> None:
    raise KeyboardInterrupt


def kill_another() -> None:
    [other] = multiprocessing.active_children()
    other.kill()
    other.join()


@pytest.mark.slow
def test_an_interrupted_training_on_two_devices_goes_on(
    store: TokenStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, untouched = fit(store, PAIR, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        fit(store, PAIR, tmp_path / "stopped", callbacks=[Once(1, interrupt)])
    assert not multiprocessing.active_children()
    capsys.readouterr()
    again, resumed = fit(store, PAIR, tmp_path / "stopped")
    assert capsys.readouterr().out.count("resuming") == 1, "one process alone says so"
    assert again.curves == whole.curves
    assert torch.equal(weights(untouched), weights(resumed))


@pytest.mark.slow
def test_a_training_on_two_devices_goes_on_within_an_epoch(
    store: TokenStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pair = replace(PAIR, batch_size=2, transpose=(-3, 3), checkpoint_minutes=OFTEN)
    whole, untouched = fit(store, pair, tmp_path / "whole")
    with stopped_in_epoch(2, batch=4):
        fit(store, pair, tmp_path / "stopped")
    capsys.readouterr()
    again, resumed = fit(store, pair, tmp_path / "stopped")
    assert "within.ckpt" in capsys.readouterr().out
    states = torch.load(tmp_path / "stopped" / "within.ckpt", weights_only=True)[WithinEpoch.KEY]
    assert not torch.equal(*(state["random"]["torch"] for state in states))
    assert states[0]["sums"] != states[1]["sums"]
    assert again.curves == whole.curves
    assert torch.equal(weights(untouched), weights(resumed))


@pytest.mark.slow
def test_a_process_that_is_killed_ends_the_training(store: TokenStore, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"on 2 devices has ended before its time .*-9"):
        fit(store, PAIR, tmp_path, callbacks=[Once(0, kill_another)])


def test_gradients_are_averaged_over_batches(store: TokenStore, tmp_path: Path) -> None:
    def steps(training: LikelihoodTraining, name: str) -> int:
        fit(store, training, tmp_path / name)
        saved = torch.load(tmp_path / name / "last.ckpt", weights_only=True)
        return int(saved["global_step"])

    two = steps(replace(SHORT, accumulate=2), "two")
    eight = steps(replace(SHORT, batch_size=8), "eight")
    assert two == eight < steps(SHORT, "one")


@pytest.mark.slow
def test_a_step_that_is_compiled_comes_to_the_same(store: TokenStore, tmp_path: Path) -> None:
    if not any(shutil.which(name) for name in COMPILERS):
        pytest.skip("there is no C++ compiler on this machine")
    short = replace(SHORT, window=8, epochs=2)  # compiling takes longer, the longer the window
    plain, _ = fit(store, short, tmp_path / "plain")
    compiled, network = fit(store, replace(short, compile=True), tmp_path / "compiled")
    assert close(plain.curves, compiled.curves)
    assert not any("_orig_mod" in name for name in network.state_dict())


def test_a_missing_compiler_is_named(
    store: TokenStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(UserError, match=r"needs a C\+\+ compiler, and there is none .*g\+\+"):
        fit(store, replace(SHORT, compile=True), tmp_path / "run")


def test_several_devices_have_no_common_clock() -> None:
    with pytest.raises(ValueError, match=r"minutes=5 goes with devices=1"):
        replace(PAIR, minutes=5)


def test_a_store_is_opened_again_where_it_is_copied(store: TokenStore) -> None:
    copied = pickle.dumps(store)
    assert len(copied) < 1000
    other = pickle.loads(copied)
    assert np.array_equal(other.steps, store.steps)
    assert isinstance(other.steps, np.memmap)
