"""Callbacks of every training: seeds, early stopping, learning curves."""

from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, EarlyStopping

from ostinato import console
from ostinato.training.module import method_module
from ostinato.training.within_epoch import is_within_epoch

OF_A_STEP = "train_step_"  # what a metric is called that is logged within an epoch


class SeedEachEpoch(Callback):
    """Draw each epoch's random numbers from (seed, epoch): a resumed training repeats them.

    rank: the number of the process where several train; each has random numbers of its own.
    """

    def __init__(self, seed: int, rank: int = 0) -> None:
        self.seed, self.rank = seed, rank

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Seed torch before the first batch: a resumed epoch has no other hook."""
        del batch
        if batch_idx:
            return
        del pl_module
        own = [self.rank] if self.rank else []
        entropy = [self.seed, trainer.current_epoch, 1, *own]
        words = np.random.SeedSequence(entropy).generate_state(2)
        torch.manual_seed(int(words[0]) << 32 | int(words[1]))


class Patience(EarlyStopping):
    """Early stopping that a training resumed after its last epoch remembers."""

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop at once what had stopped already."""
        del pl_module
        if self.wait_count >= self.patience:
            trainer.should_stop = True


class StopTogether(Callback):
    """Stops all processes of a training where a callback of one of them has asked for it.

    Those that went on would wait for the others without end. Comes after what asks.
    """

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Agree after a step."""
        self._agree(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Agree after an epoch."""
        del pl_module
        self._agree(trainer)

    def _agree(self, trainer: pl.Trainer) -> None:
        stop = trainer.strategy.reduce_boolean_decision(trainer.should_stop, all=False)
        trainer.should_stop = trainer.should_stop or stop


class Curves(Callback):
    """Keeps one row an epoch: epoch, train and, if it was validated, validation.

    Both are by the module's `monitor`; `mean("train")` gives what the epoch came to, where that
    is known.
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []
        self.validated = False

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lightning keeps the figure of an earlier epoch: this one has its own."""
        del trainer, pl_module
        self.validated = True

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Add a row, and print it where it says how far the training has come."""
        module = method_module(pl_module)
        monitor = module.monitor
        row: dict[str, float] = {"epoch": trainer.current_epoch + 1}
        train = module.mean("train")
        if train is not None:
            pl_module.log(f"train_{monitor.name}", train, prog_bar=True)
            row["train"] = round(float(train), 6)
        validation = trainer.callback_metrics.get(f"validation_{monitor.name}")
        if validation is not None and self.validated:
            row["validation"] = round(float(validation), 6)
        self.validated = False
        self.rows.append(row)
        if len(row) > 1 and trainer.is_global_zero:
            parts = ", ".join(f"{k} {v:.4f}" for k, v in row.items() if k != "epoch")
            epoch = f"epoch {row['epoch']} of {trainer.max_epochs}"
            console.say(f"{epoch}: {parts} {monitor.words}")

    def state_dict(self) -> dict[str, Any]:
        """The rows so far travel in the checkpoint."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue the rows of a checkpoint."""
        self.rows = list(state_dict["rows"])


class LoggedMetrics(Callback):
    """Logs an epoch's metrics again when a training is resumed after it.

    Lightning hands them to the logger after it has written the checkpoint: a training that is
    killed in between would go on with the next epoch, and a point of its curves would be missing.
    """

    KEY = "ostinato_logged_metrics"

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Put the metrics, and the step that they are logged at, into the checkpoint."""
        del pl_module
        if is_within_epoch(trainer):  # those of the epoch before were logged when it ended
            return
        logged = trainer.logged_metrics.items()
        checkpoint[self.KEY] = {
            # those of a step were logged when it ended
            "metrics": {n: float(value) for n, value in logged if not n.startswith(OF_A_STEP)},
            # at the end of an epoch Lightning counts from 0, as it does within one
            "step": trainer.fit_loop.epoch_loop._batches_that_stepped - 1,
        }

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Log what the checkpoint holds."""
        del pl_module
        logged = checkpoint.get(self.KEY, {"metrics": {}})
        for logger in trainer.loggers if logged["metrics"] else ():
            logger.log_metrics(logged["metrics"], logged["step"])
