"""Checkpoints within an epoch, from which a training goes on as if it had not stopped."""

import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint

from ostinato.data.batches import BatchesLeft
from ostinato.training.module import method_module

WITHIN = "within.ckpt"
LOGGED_EVERY = 20  # steps, from one whose figures are logged to the next


class WithinEpoch(Checkpoint):
    """Writes a checkpoint when an epoch, or the time since the last one, has taken so many minutes.

    Lightning keeps weights, optimizers, schedules and how many batches there were. Added are the
    states of the random generators and what the module has summed up, of each device. What an epoch
    ends with is not for this callback; nor is an epoch whose batches are no `BatchesLeft`, as it
    could not go on where it was. minutes: None for no such checkpoint.
    """

    KEY = "ostinato_within_epoch"

    def __init__(self, folder: Path, minutes: float | None) -> None:
        self.file, self.minutes = folder / WITHIN, minutes
        self.since = time.monotonic()
        self.loaded: dict[str, Any] | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin to count: an epoch that is gone on with does not start."""
        del trainer, pl_module
        self.since = time.monotonic()

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin to count."""
        del trainer, pl_module
        self.since = time.monotonic()

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Go on from what was loaded, now that nothing else draws random numbers before a step."""
        del trainer, batch, batch_idx
        if self.loaded is not None:
            method_module(pl_module).sums = self.loaded["sums"]
            _set_random_states(self.loaded["random"])
            self.loaded = None

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Write a checkpoint if it is time."""
        if self.minutes is None or not _can_stop_here(trainer):
            return
        due = time.monotonic() - self.since >= 60 * self.minutes
        if trainer.strategy.reduce_boolean_decision(due, all=False):
            trainer.save_checkpoint(self.file)
            self.since = time.monotonic()

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add what Lightning leaves out, from every device."""
        if not is_within_epoch(trainer):
            return
        own = {"random": _random_states(), "sums": method_module(pl_module).sums}
        states: list[Any] = [own] * trainer.world_size
        if trainer.world_size > 1:
            torch.distributed.all_gather_object(states, own)
        checkpoint[self.KEY] = states

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Keep what the checkpoint holds of this device for the first step."""
        del pl_module
        if self.KEY in checkpoint:
            self.loaded = checkpoint[self.KEY][trainer.global_rank]


def is_within_epoch(trainer: pl.Trainer) -> bool:
    """Return whether an epoch has begun and has batches or a validation to come."""
    epochs: Any = trainer.fit_loop.epoch_progress.current
    return bool(epochs.processed < epochs.started)


def _can_stop_here(trainer: pl.Trainer) -> bool:
    """Return whether nothing is lost but what a checkpoint holds, after a batch.

    Gradients that are averaged over batches are in no checkpoint. Nor are the figures of a step:
    Lightning logs them next. What ends an epoch writes a checkpoint soon.
    """
    loop = trainer.fit_loop
    if trainer.is_last_batch or trainer.should_stop:
        return False
    if (loop.batch_idx + 1) % trainer.accumulate_grad_batches:
        return False
    logged = (loop.epoch_loop._batches_that_stepped + 1) % LOGGED_EVERY == 0
    loader = trainer.train_dataloader
    return not logged and isinstance(getattr(loader, "sampler", None), BatchesLeft)


def _random_states() -> dict[str, Any]:
    """Return the states of all global generators, as what a checkpoint may hold."""
    name, keys, *numbers = np.random.get_state()
    states = {
        "torch": torch.get_rng_state(),
        "numpy": (name, torch.from_numpy(np.asarray(keys, np.int64)), *numbers),
        "python": random.getstate(),
    }
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state_all()
    return states


def _set_random_states(states: dict[str, Any]) -> None:
    torch.set_rng_state(states["torch"])
    name, keys, *numbers = states["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), *numbers))
    version, values, gauss = states["python"]
    random.setstate((version, tuple(values), gauss))
    if "cuda" in states:
        torch.cuda.set_rng_state_all(states["cuda"])
