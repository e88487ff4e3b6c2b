"""Ending a training whose loss or weights are no numbers any more, before they are kept."""

from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor

from ostinato.errors import UserError
from ostinato.training.module import method_module
from ostinato.training.precision import FLOAT32, choose_precision
from ostinato.training.settings import GradientDescent


class DivergedError(UserError):
    """A training that has left the numbers; the message says where, and what to set otherwise."""


class Divergence(Callback):
    """Raises `DivergedError` at the first loss, validation figure or weight that is no number.

    Comes before whatever keeps weights, so that what a checkpoint holds is sound. A module says in
    `losses` what each step came to, and in `advice` which settings would help. delayed: whether
    the losses of a step are looked at after the next one: to read them at once would wait for all
    that a device has to do. None: on all devices but the processor.
    """

    def __init__(self, delayed: bool | None = None) -> None:
        self.delayed = delayed
        self._unseen: tuple[Mapping[str, Tensor], str] | None = None

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Look at the losses of a step, on all devices alike."""
        del batch
        losses = method_module(pl_module).losses
        if isinstance(outputs, Mapping) and "loss" in outputs:
            losses = {"loss": outputs["loss"], **losses}
        where = f"in batch {batch_idx + 1} of epoch {trainer.current_epoch + 1}"
        if self.delayed is False or (self.delayed is None and pl_module.device.type == "cpu"):
            _check(trainer, pl_module, losses, where)
            return
        self._look(trainer, pl_module)
        self._unseen = (losses, where)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Look at the losses of the last step, before its weights are kept."""
        del checkpoint
        self._look(trainer, pl_module)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Look at the last losses, and at the figure by which weights are chosen."""
        self._look(trainer, pl_module)
        name = f"validation_{method_module(pl_module).monitor.name}"
        figure = trainer.callback_metrics.get(name)
        figures = {} if figure is None else {"validation figure": figure}
        _check(trainer, pl_module, figures, f"of epoch {trainer.current_epoch + 1}")

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Look at the last losses, and at the weights, which the last step may have spoilt."""
        self._look(trainer, pl_module)
        found = (not bool(torch.isfinite(p).all()) for p in pl_module.parameters())
        figures = {"sum of the weights": torch.tensor(torch.nan if any(found) else 0.0)}
        _check(trainer, pl_module, figures, f"after epoch {trainer.current_epoch + 1}")

    def _look(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Look at the losses that have not been looked at."""
        if self._unseen is not None:
            losses, where = self._unseen
            self._unseen = None
            _check(trainer, module, losses, where)


def advise(training: GradientDescent) -> str:
    """Return which settings of a gradient descent to change where it diverges."""
    lower = f"lower training.learning_rate ({training.learning_rate:g})"
    clip = training.gradient_clip
    ways = [lower, f"set training.gradient_clip ({'null' if clip is None else f'{clip:g}'}) to 1"]
    if clip is not None:
        ways = [lower, f"lower training.gradient_clip ({clip:g})"]
    if choose_precision(training) != FLOAT32:
        ways.append(f"set training.precision ({training.precision}) to 32-true")
    return f"{', '.join(ways[:-1])} or {ways[-1]}"


def _check(
    trainer: pl.Trainer, module: pl.LightningModule, figures: Mapping[str, Tensor], where: str
) -> None:
    wrong = {name: value for name, value in figures.items() if not _finite(value)}
    # every device must know: those that went on would wait for the others without end
    if trainer.strategy.reduce_boolean_decision(not wrong, all=True):
        return
    name, value = next(iter(wrong.items()), ("loss", torch.tensor(torch.nan)))
    advice = method_module(module).advice
    raise DivergedError(
        f"the training has diverged: the {name} {where} is {float(value):g}; {advice}."
    )


def _finite(value: Tensor) -> bool:
    return bool(torch.isfinite(value).all())
