"""The module that trains a masked model."""

from typing import Any

import torch
from torch import Tensor

from ostinato.data.windows import Batch
from ostinato.methods.likelihood.monitoring import nats_per
from ostinato.methods.masked.settings import MaskedTraining
from ostinato.models.masked.masks import random_masks, random_regions
from ostinato.models.masked.model import MaskedModel
from ostinato.models.steps import predicted
from ostinato.training.divergence import advise
from ostinato.training.module import MethodModule
from ostinato.training.optimizers import create_optimizer

MONITOR = nats_per("token")
VALIDATED_MASKS = 8  # of each validation piece


class MaskedModule(MethodModule):
    """Minimises the mean over orders of the negative log-likelihood, in nats per token.

    Of each window a random set of its cells is unknown, of any size alike. The mean nats of an
    unknown cell then weigh as all cells of the window, whatever the size of the set: the expected
    loss is the mean over orders (Uria et al. 2014). The best weights are chosen by that of whole
    validation pieces, with the same masks in every epoch.
    """

    monitor = MONITOR

    def __init__(self, network: MaskedModel, training: MaskedTraining) -> None:
        super().__init__()
        self.network, self.training_settings = network, training
        self.averaging = training.averaging
        self.advice, self.gradient_clip = advise(training), training.gradient_clip

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the loss of one batch of windows."""
        del batch_idx
        cells = self.network.read(batch.inputs, batch.positions, batch.targets)
        fills_in = torch.rand(len(cells.cell)) < self.training_settings.regions
        among = cells.real
        if fills_in.any():
            fills_in = fills_in.to(among.device)[:, None, None]
            among = torch.where(fills_in, random_regions(cells.real), among)
        unknown = random_masks(among)
        nats = self.network.nll(cells, unknown).sum(dim=(1, 2))
        counted = among.sum(dim=(1, 2))
        # (windows,): the mean of an unknown cell, as often as there are cells that could be
        of_windows = nats * counted / unknown.sum(dim=(1, 2)).clamp(min=1)
        mean = of_windows.sum() / counted.sum().clamp(min=1)
        self.add("train", mean.detach() * counted.sum(), counted.sum())
        name = f"train_step_{MONITOR.name}"
        self.log(name, mean.detach(), on_step=True, on_epoch=False, prog_bar=True)
        return mean

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Score whole pieces."""
        del batch_idx
        nats = self.network.score(
            batch.inputs, batch.positions, batch.targets, masks=VALIDATED_MASKS
        )
        self.add("validation", nats.sum(), predicted(batch.targets).sum())

    def on_validation_epoch_end(self) -> None:
        """Report nats per token over all validation pieces."""
        self.log(f"validation_{MONITOR.name}", self.mean("validation"), prog_bar=True)

    def configure_optimizers(self) -> Any:
        """Return an optimizer whose schedule moves on after every step."""
        return create_optimizer(self.network, self.training_settings, self.trainer)

    def mean(self, part: str) -> Tensor:
        """Return nats per token of `train` or `validation` since it was last asked."""
        total, count = self.take(part)
        return torch.tensor(total / max(1, count))
