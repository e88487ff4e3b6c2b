"""The progress bar of a training on a terminal."""

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ostinato import console

BAR_WIDTH = 20  # characters, so that the whole line fits into 80


class EpochBar(Callback):
    """Draws one bar for the epoch in progress, then one for its validation, and removes them.

    What stays on the terminal is the line that `Curves` prints of each epoch, which must therefore
    come after this callback. Epochs count from 1.
    """

    def __init__(self) -> None:
        self.bar: Progress | None = None

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Begin a bar of the epoch's training batches, of which there may have been some."""
        del pl_module, batch
        if self.bar is None:
            self._draw(trainer, "", int(trainer.num_training_batches), batch_idx)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin a bar of the validation batches in place of the other."""
        del pl_module
        self._draw(trainer, ", validation", int(sum(trainer.num_val_batches)))

    def on_train_batch_end(self, *_: Any) -> None:
        """Count a training batch."""
        self._advance()

    def on_validation_batch_end(self, *_: Any) -> None:
        """Count a validation batch."""
        self._advance()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Remove the bar."""
        del trainer, pl_module
        self._remove()

    def on_exception(self, *_: Any) -> None:
        """Remove the bar: the terminal belongs to the sentence that says what happened."""
        self._remove()

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Remove a bar that a training which ended early has left."""
        del trainer, pl_module, stage
        self._remove()

    def _draw(self, trainer: pl.Trainer, label: str, batches: int, done: int = 0) -> None:
        self._remove()
        if not trainer.is_global_zero:
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(BAR_WIDTH),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
        )
        # where stdout goes to a file, its lines must not come to the terminal
        self.bar = Progress(
            *columns, console=console.err, transient=True, redirect_stdout=console.out.is_terminal
        )
        epoch = f"epoch {trainer.current_epoch + 1} of {trainer.max_epochs}"
        self.bar.add_task(epoch + label, total=batches, completed=done)
        self.bar.start()

    def _advance(self) -> None:
        if self.bar is not None:
            self.bar.advance(self.bar.task_ids[0])

    def _remove(self) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = None
