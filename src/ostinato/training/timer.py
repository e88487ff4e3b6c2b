"""Timer and progress of a training: by steps or by the clock."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback, Timer

from ostinato.training.settings import Training

MINUTE = 60_000  # milliseconds


class Clock(Timer):
    """Measures a training, validation included, and ends it when its minutes are used up.

    A training that is resumed goes on from the time of its checkpoint.
    """

    def __init__(self, minutes: float | None) -> None:
        super().__init__(None if minutes is None else timedelta(minutes=minutes), verbose=False)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin; a training whose minutes are used up ends at once."""
        super().on_train_start(trainer, pl_module)
        self.on_fit_start(trainer)

    @property
    def minutes(self) -> float:
        """Return how long the training has taken so far."""
        return self.time_elapsed() / 60


class LastValidated(Callback):
    """Validates the last epoch, whichever that is: where training stops, rates are lowest.

    Comes after whatever stops a training in the middle of an epoch.
    """

    def __init__(self, every: int) -> None:
        self.every = every

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Decide whether an epoch that is gone on with is validated: it does not start again."""
        self.on_train_epoch_start(trainer, pl_module)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Validate every so many epochs, and the last."""
        del pl_module
        last = trainer.current_epoch + 1 == trainer.max_epochs
        trainer.check_val_every_n_epoch = 1 if last else self.every

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Validate an epoch that has been cut short."""
        if trainer.should_stop:
            trainer.check_val_every_n_epoch = 1


def progress(settings: Training, trainer: pl.Trainer) -> tuple[Callable[[int], int], int]:
    """Return how far a training is at a step, and how far it goes: in steps, or in milliseconds."""
    if settings.minutes is None:
        return int, max(1, int(trainer.estimated_stepping_batches))
    [clock] = [callback for callback in trainer.callbacks if isinstance(callback, Clock)]  # type: ignore[attr-defined]
    return lambda _: round(clock.minutes * MINUTE), max(1, round(settings.minutes * MINUTE))
