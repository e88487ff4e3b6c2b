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
from ostinato.interrupts import is_interrupt
from ostinato.models.threads import computing_with
from ostinato.training.averaging import Averaging
from ostinato.training.bar import EpochBar
from ostinato.training.callbacks import (
    Curves,
    LoggedMetrics,
    Patience,
    SeedEachEpoch,
    StopTogether,
)
from ostinato.training.checkpoints import AtomicCheckpointIO, find_checkpoint
from ostinato.training.compiling import check_compiler
from ostinato.training.devices import Rank, start_helpers
from ostinato.training.divergence import DivergedError, Divergence
from ostinato.training.memory import PeakMemory
from ostinato.training.module import MethodModule
from ostinato.training.monitor import Monitor
from ostinato.training.precision import choose_precision, report_precision
from ostinato.training.settings import Training
from ostinato.training.threads import warn_of_others
from ostinato.training.timer import Clock, LastValidated
from ostinato.training.within_epoch import LOGGED_EVERY, WithinEpoch

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
    ".*your dataloader is not resumable.*",  # its batches follow from the step
    ".*sync_dist=True.*",  # modules log what they have summed over all devices
    ".*`srun` command is available.*",  # SLURM is here, and this is no job of it
)


@dataclass(frozen=True)
class Fitted:
    """Result of a training.

    `curves` has a row an epoch; `best_validation` is of the `monitor`, None without validation.
    The module carries the best weights, or without validation the last; averaged ones where
    training says so. `minutes` is how long it took, validation included; `megabytes` the most
    memory that it held; `precision` that of its arithmetic. `diverged` says in a sentence where it
    left the numbers, if it did; its weights are those before.
    """

    curves: list[dict[str, float]]
    best_epoch: int
    best_validation: float | None
    monitor: Monitor
    minutes: float = field(default=0.0, compare=False)
    megabytes: float = field(default=0.0, compare=False)
    precision: str = field(default="", compare=False)
    diverged: str = ""


@dataclass(frozen=True)
class FitOptions:
    """Options of a training besides its settings.

    seed: of the batches. checkpoints: the folder from which an interrupted training goes on.
    logger: one of Lightning's, or None. validated: whether there is music to choose the best
    weights by. callbacks: more of them, which come before those that keep weights.
    """

    seed: int
    checkpoints: Path
    logger: Any = None
    validated: bool = True
    callbacks: Sequence[Callback] = ()


# the last is the checkpoint to go on from
Task = tuple[MethodModule, pl.LightningDataModule, Training, FitOptions, Path | None]


def fit(
    module: MethodModule, data: pl.LightningDataModule, training: Training, options: FitOptions
) -> Fitted:
    """Train a module, and return what the training reached.

    A module that `validates_training` has batches to validate without validation pieces too, but
    nothing to choose the best weights by. Raises KeyboardInterrupt when interrupted; what was
    reached stays in the checkpoints. Raises `DivergedError` for a training that leaves the numbers
    before there are weights to keep. On several devices, the callbacks of `options` and the logger
    are those of the first process alone.
    """
    checkpoint = find_checkpoint(options.checkpoints)
    report_precision(training)
    training = replace(training, precision=choose_precision(training))
    with computing_with(training.threads):
        warn_of_others(training)
        if training.devices == 1:
            return _fit((module, data, training, options, checkpoint))
        own = replace(options, logger=None, callbacks=())
        helping = (module, data, training, own, checkpoint)
        with start_helpers(training.devices, _help, helping) as rank:
            return _fit((module, data, training, options, checkpoint), rank)


def _help(rank: Rank, task: Task) -> None:
    """Train along, in a process that is not the first."""
    _fit(task, rank)


def _fit(task: Task, rank: Rank | None = None) -> Fitted:
    """Train in this process, alone or as one of several."""
    module, data, training, options, checkpoint = task
    _quieten()
    first = rank is None or rank.rank == 0
    if training.compile:
        check_compiler()
        module.compile_step()
    curves, clock, memory = Curves(), Clock(training.minutes), PeakMemory()
    monitored = f"validation_{module.monitor.name}"
    # Lightning's own save_last would write last.ckpt only in epochs that are the best so far;
    # `last` comes after `best`, so that what is resumed knows of it
    best = _checkpoint(options.checkpoints, "best", monitored, module.monitor.mode)
    last = _checkpoint(options.checkpoints, "last", None)
    bar: list[Callback] = [EpochBar()] if first and console.err.is_terminal else []
    callbacks: list[Callback] = [
        SeedEachEpoch(options.seed, rank.rank if rank else 0),
        Divergence(),
        *bar,
        curves,
        clock,
        memory,
    ]
    callbacks += [LoggedMetrics(), LastValidated(training.validate_every), *options.callbacks]
    callbacks += [*([StopTogether()] if rank else []), *([best] if options.validated else []), last]
    callbacks.append(WithinEpoch(options.checkpoints, training.checkpoint_minutes))
    if averaging := module.averaging:
        callbacks.append(Averaging(averaging))
    if options.validated and training.early_stopping:
        callbacks.append(
            Patience(monitored, mode=module.monitor.mode, patience=training.early_stopping)
        )
    trainer = _trainer(module, training, options, callbacks, rank)
    diverged = _run(module, data, trainer, last, checkpoint)
    kept = best if options.validated and best.best_model_path else last
    fitted = _take_best(module, curves, kept)
    if diverged:
        console.warn(f"{diverged} The weights of epoch {fitted.best_epoch}, before, are kept.")
    return replace(
        fitted,
        minutes=clock.minutes,
        megabytes=memory.megabytes,
        precision=training.precision,
        diverged=diverged,
    )


def _run(
    module: MethodModule,
    data: pl.LightningDataModule,
    trainer: pl.Trainer,
    last: ModelCheckpoint,
    checkpoint: Path | None,
) -> str:
    """Fit, from a checkpoint or from the beginning.

    Returns where the training left the numbers, or nothing if it did not.
    """
    try:
        trainer.fit(module, datamodule=data, ckpt_path=checkpoint)
    except SystemExit as error:
        # Lightning's way of ending an interrupted training; a cluster that wants the machine back
        # ends the process so too, and looks at its exit code
        if not is_interrupt(error):
            raise
        raise KeyboardInterrupt from error
    except DivergedError as error:
        if not last.best_model_path:
            raise
        return str(error)
    return ""


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
    module: MethodModule,
    training: Training,
    options: FitOptions,
    callbacks: list[Callback],
    rank: Rank | None,
) -> pl.Trainer:
    strategy = "ddp" if training.strategy == "auto" else training.strategy
    try:
        return pl.Trainer(
            max_epochs=training.epochs,
            accelerator=training.accelerator,
            devices=training.devices,
            strategy=strategy if rank else "auto",
            precision=training.precision,
            accumulate_grad_batches=training.accumulate,
            gradient_clip_val=module.gradient_clip,
            overfit_batches=training.overfit_batches,
            check_val_every_n_epoch=training.validate_every,
            limit_val_batches=None if options.validated or module.validates_training else 0,
            profiler=training.profiler,
            deterministic="warn" if training.accelerator in ("gpu", "auto") else True,
            callbacks=callbacks,
            plugins=[AtomicCheckpointIO(), *([rank] if rank else [])],
            logger=options.logger or False,
            default_root_dir=options.checkpoints,
            enable_progress_bar=False,
            enable_model_summary=False,
            log_every_n_steps=LOGGED_EVERY,
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
