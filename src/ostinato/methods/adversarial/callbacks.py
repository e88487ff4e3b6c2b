"""Stopping the training of a GAN that has collapsed."""

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from ostinato import console
from ostinato.methods.adversarial.module import AdversarialModule, Judgement

PATIENCE = 5  # validations in a row
MORE_EMPTY = 0.5  # of all bars, than among real ones


class CollapseStopping(Callback):
    """Stops a training whose segments have become alike or silent.

    alike: the share of the real segments' diversity below which they are; several times in a row,
    as they may be so for a while. The best weights are kept as ever. A training that is resumed
    after it had stopped stays stopped.
    """

    def __init__(self, alike: float) -> None:
        self.alike = alike
        self.times, self.reason = 0, ""

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop at once what had stopped already."""
        del pl_module
        if self.reason:
            trainer.should_stop = True

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Look at how the segments were judged."""
        assert isinstance(pl_module, AdversarialModule)
        reason = self._collapsed(pl_module.judgements["train"])
        self.times = self.times + 1 if reason else 0
        if self.times >= PATIENCE:
            self._stop(trainer, f"for {PATIENCE} validations {reason}")

    def _collapsed(self, judgement: Judgement) -> str:
        """Return what is wrong with the segments, or nothing."""
        ours, theirs = judgement.generated, judgement.real
        if ours["diversity"] < self.alike * theirs["diversity"]:
            return (
                f"its segments have differed in {ours['diversity']:.0%} of their steps, where real "
                f"ones differ in {theirs['diversity']:.0%}"
            )
        if ours["empty_bars"] > theirs["empty_bars"] + MORE_EMPTY:
            return (
                f"{ours['empty_bars']:.0%} of its bars have been empty, where "
                f"{theirs['empty_bars']:.0%} of real ones are"
            )
        return ""

    def _stop(self, trainer: pl.Trainer, reason: str) -> None:
        if not self.reason:
            console.warn(
                f"the training has collapsed: {reason}; it stops here, with its best weights."
            )
        self.reason = reason
        trainer.should_stop = True

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint must hold: how often it looked bad, and why it stopped."""
        return {"times": self.times, "reason": self.reason}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.times, self.reason = state_dict["times"], state_dict["reason"]
