"""Running Lightning: fit, keep the best, resume what was interrupted."""

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, ModelCheckpoint

from ostinato import console
from ostinato.errors import UserError
from ostinato.training.averaging import Averaging
from ostinato.training.bar import EpochBar
from ostinato.training.callbacks import Curves, LoggedMetrics, Patience, SeedEachEpoch
from ostinato.training.checkpoints import AtomicCheckpointIO, resumable
from ostinato.training.divergence import DivergedError, Divergence
from ostinato.training.module import MethodModule
from ostinato.training.monitor import Monitor
from ostinato.training.settings import Training
from ostinato.training.timer import Clock, LastValidated

NOISE = (
    ".*does not have many workers.*",
    ".*`isinstance.treespec.*",
    ".*litlogger.*",
    ".*Checkpoint directory.*",
    ".*across ranks is zero.*",
    ".*overfit_batches.*",
    ".*smaller than the logging interval.*",
    ".*could not find the monitored key.*",  # before the first validation
    ".*`lr_scheduler.step.*",
)


@dataclass(frozen=True)
class Fitted:
    """Result of a training.

    `curves` has a row an epoch; `best_validation` is of the `monitor`, None without validation.
    The module carries the best weights, or without validation the last; averaged ones where
    training says so. `minutes` is how long it took, validation included. `diverged` says in a
    sentence where it left the numbers, if it did; its weights are those before.
    """

    curves: list[dict[str, float]]
    best_epoch: int
    best_validation: float | None
    monitor: Monitor
    minutes: float = field(default=0.0, compare=False)
    diverged: str = ""


def fit(
    module: MethodModule,
    data: pl.LightningDataModule,
    training: Training,
    seed: int,
    checkpoints: Path,
    logger: Any = None,
    validated: bool = True,
    more: Sequence[Callback] = (),
) -> Fitted:
    """Train, resuming from `checkpoints` where an earlier training was interrupted.

    `more` callbacks come before those that keep weights. A module that `validates_training` has
    batches to validate without validation pieces too, but nothing to choose the best weights by.
    Raises KeyboardInterrupt when interrupted; what was reached stays in `checkpoints`. Raises
    `DivergedError` for a training that leaves the numbers before there are weights to keep.
    """
    _quieten()
    curves, clock = Curves(), Clock(training.minutes)
    monitored = f"validation_{module.monitor.name}"
    # Lightning's own save_last would write last.ckpt only in epochs that are the best so far;
    # `last` comes after `best`, so that what is resumed knows of it
    best = _checkpoint(checkpoints, "best", monitored, module.monitor.mode)
    last = _checkpoint(checkpoints, "last", None)
    bar: list[Callback] = [EpochBar()] if console.err.is_terminal else []
    callbacks: list[Callback] = [SeedEachEpoch(seed), Divergence(), *bar, curves, clock]
    callbacks += [LoggedMetrics(), LastValidated(training.validate_every), *more]
    callbacks += [*([best] if validated else []), last]
    if averaging := module.averaging:
        callbacks.append(Averaging(averaging))
    if validated and training.early_stopping:
        callbacks.append(
            Patience(monitored, mode=module.monitor.mode, patience=training.early_stopping)
        )
    watched = validated or module.validates_training
    clipping = module.gradient_clip
    trainer = _trainer(training, callbacks, logger, checkpoints, watched, clipping)
    reached = resumable(checkpoints)
    diverged = ""
    try:
        trainer.fit(module, datamodule=data, ckpt_path=reached)
    except SystemExit as error:  # Lightning's way of ending an interrupted training
        raise KeyboardInterrupt from error
    except DivergedError as error:
        if not last.best_model_path:
            raise
        diverged = str(error)
    kept = best if validated and best.best_model_path else last
    fitted = _take_best(module, curves, kept)
    if diverged:
        console.warn(f"{diverged} The weights of epoch {fitted.best_epoch}, before, are kept.")
    return replace(fitted, minutes=clock.minutes, diverged=diverged)


def _checkpoint(folder: Path, name: str, monitor: str | None, mode: str = "min") -> ModelCheckpoint:
    return ModelCheckpoint(
        folder,
        filename=name,
        monitor=monitor,
        mode=mode,
        enable_version_counter=False,
        save_on_train_epoch_end=True,
    )


def _trainer(
    training: Training,
    callbacks: list[Callback],
    logger: Any,
    folder: Path,
    watched: bool,
    clipping: float | None,
) -> pl.Trainer:
    try:
        return pl.Trainer(
            max_epochs=training.epochs,
            accelerator=training.accelerator,
            devices=training.devices,
            strategy=training.strategy,
            precision=training.precision,
            gradient_clip_val=clipping,
            overfit_batches=training.overfit_batches,
            check_val_every_n_epoch=training.validate_every,
            limit_val_batches=None if watched else 0,
            profiler=training.profiler,
            deterministic="warn" if training.accelerator in ("gpu", "auto") else True,
            callbacks=callbacks,
            plugins=[AtomicCheckpointIO()],
            logger=logger or False,
            default_root_dir=folder,
            enable_progress_bar=False,
            enable_model_summary=False,
            log_every_n_steps=20,
            num_sanity_val_steps=0,
            reload_dataloaders_every_n_epochs=1,
            use_distributed_sampler=False,
        )
    except Exception as error:  # Lightning raises several kinds for a device that is not there
        raise UserError(
            f"training.accelerator={training.accelerator} with devices={training.devices} cannot "
            f"be used on this machine: {' '.join(str(error).split())[:200]}"
        ) from error


def _take_best(module: MethodModule, curves: Curves, kept: ModelCheckpoint) -> Fitted:
    rows, monitor = curves.rows, module.monitor
    state = torch.load(kept.best_model_path, map_location="cpu", weights_only=True)
    module.load_state_dict(state["state_dict"])
    if kept.monitor is None:
        return Fitted(rows, int(rows[-1]["epoch"]), None, monitor)
    reached = monitor.best(rows)
    return Fitted(rows, int(reached["epoch"]), reached["validation"], monitor)


def _quieten() -> None:
    """Leave the reader the progress and the results."""
    for name in ("pytorch_lightning", "lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    for message in NOISE:
        warnings.filterwarnings("ignore", message)
