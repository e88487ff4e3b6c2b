"""Averaging the weights that a training passes through."""

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import WeightAveraging
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn


class Averaging(WeightAveraging):
    """An exponential moving average of the weights, which is validated and kept in their place.

    After Polyak and Juditsky 1992. Early steps count for less, as their weights are far from the
    last ones: the decay is (1 + n) / (10 + n) after n steps, and never above `decay`. Checkpoints
    hold both the average, as their `state_dict`, and the weights to go on from.
    """

    def __init__(self, decay: float) -> None:
        def average(averaged: Any, current: Any, count: Tensor | int) -> None:
            blend = get_ema_multi_avg_fn(warmed_up(decay, int(count)))  # type: ignore[no-untyped-call]
            blend(averaged, current, count)

        # buffers say where a step stands, not what was learned
        super().__init__(use_buffers=False, multi_avg_fn=average)

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Keep the average where the network will be: it has not been moved there yet."""
        self._device = trainer.strategy.root_device
        super().setup(trainer, pl_module, stage)


def warmed_up(decay: float, steps: int) -> float:
    """Return how much of the average stays after so many steps."""
    return min(decay, (1 + steps) / (10 + steps))
