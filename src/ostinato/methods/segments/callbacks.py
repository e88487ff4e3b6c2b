"""Samples of a training, on the MLflow run."""

from collections.abc import Callable

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from ostinato.methods.segments.module import segment_module
from ostinato.representations.voice_roll import VoiceRoll

SHOWN = 4  # segments


class SampleLogger(Callback):
    """Shows the first segments of the fixed noise every so many epochs, and in the last."""

    def __init__(self, every: int, show: Callable[[int, VoiceRoll], None]) -> None:
        self.every, self.show = every, show

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show the segments that the validation generated."""
        epoch = trainer.current_epoch + 1
        last = epoch == trainer.max_epochs or trainer.should_stop
        roll = segment_module(pl_module).generated
        if roll is not None and (last or epoch % self.every == 0):
            self.show(epoch, roll[:SHOWN])
