"""The module that trains a sequence model to fill music in."""

import torch
from torch import Tensor

from ostinato.data.windows import Batch
from ostinato.methods.anticipation.settings import AnticipationTraining
from ostinato.methods.likelihood.module import LikelihoodModule
from ostinato.models.anticipation import AnticipationModel
from ostinato.models.masked.cells import Cells, read_cells
from ostinato.models.masked.masks import random_regions
from ostinato.models.steps import predicted

FIXED = 20  # seed of the regions of validation pieces


class AnticipationModule(LikelihoodModule):
    """Minimises the mean negative log-likelihood of what is not given, in nats per token.

    The best weights are chosen by whole validation pieces of which nothing is given, and by the
    same pieces with a region to fill in, always the same: by the mean over the tokens of both.
    """

    network: AnticipationModel

    def __init__(self, network: AnticipationModel, training: AnticipationTraining) -> None:
        super().__init__(network, training)
        self.regions = training.regions

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the loss of one batch of windows."""
        del batch_idx
        cells = read_cells(batch.inputs, batch.positions, batch.targets, self.network.spec)
        fills_in = (torch.rand(len(cells.cell)) < self.regions).to(cells.cell.device)
        region = torch.where(fills_in[:, None, None], random_regions(cells.real), cells.real)
        nll, counted = self._region_nll(batch, cells, region)
        count = int(counted.sum())
        mean = nll.sum() / max(1, count)
        self.add("train", float(mean.detach()) * count, count)
        name = f"train_step_{self.monitor.name}"
        self.log(name, mean.detach(), on_step=True, on_epoch=False, prog_bar=True)
        return mean

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Score whole pieces, as they are and with a region to fill in."""
        super().validation_step(batch, batch_idx)
        cells = read_cells(batch.inputs, batch.positions, batch.targets, self.network.spec)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(FIXED)
            region = random_regions(cells.real)
        nll, counted = self._region_nll(batch, cells, region)
        self.add("validation", float(nll.sum()), int(counted.sum()))

    def _region_nll(self, batch: Batch, cells: Cells, region: Tensor) -> tuple[Tensor, Tensor]:
        """Return nats of the tokens of a region, and which they are: (batch, time) both.

        Where the region is a whole piece, its end token is among them.
        """
        whole = (region == cells.real).all(dim=2).all(dim=1)
        time = batch.targets.shape[1]
        counted = region[:, 1:-1].flatten(1)[:, :time]
        counted = torch.where(whole[:, None], predicted(batch.targets), counted)
        ahead = self.network.anticipate(cells, cells.real & ~region, time)
        logits, _ = self.network(batch.inputs, batch.positions, batch.semitones, ahead=ahead)
        nll = self.network.head.nll(logits, batch.targets)
        return nll * counted, counted
