"""Optimizers and the schedule of their learning rate."""

import math
from typing import Any

import pytorch_lightning as pl
import torch
from torch import nn

from ostinato.training.settings import GradientDescent, Training
from ostinato.training.timer import progress


def create_optimizer(
    network: nn.Module, settings: GradientDescent, trainer: pl.Trainer
) -> dict[str, Any]:
    """Return the optimizer of a training and its schedule by steps, as Lightning takes them."""
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[settings.optimizer]
    optimizer = kind(
        network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
    )
    done, whole = progress(settings, trainer)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: rate(settings, done(step), whole)
    )
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def rate(settings: Training, step: int, steps: int) -> float:
    """Return the learning rate at a step (or millisecond) of so many, as a share of the highest."""
    warmup = round(settings.warmup * steps)
    if step < warmup:
        return (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    if settings.schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
    return 1 - min(1.0, done) if settings.schedule == "linear" else 1.0
