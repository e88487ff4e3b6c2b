"""The module that trains a sequence model by maximum likelihood."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ostinato import console
from ostinato.data.store import TokenStore
from ostinato.data.windows import Batch, WholePieces
from ostinato.methods.base import TrainingTask
from ostinato.methods.likelihood.monitoring import nats_per
from ostinato.methods.likelihood.settings import LikelihoodTraining
from ostinato.models.sequence import SequenceModel
from ostinato.models.steps import predicted
from ostinato.models.voices.controls import BarControls
from ostinato.training.divergence import advise
from ostinato.training.module import MethodModule
from ostinato.training.optimizers import create_optimizer
from ostinato.wording import agree

MEASURED_PIECES = 200


class LikelihoodModule(MethodModule):
    """Minimises the mean negative log-likelihood of the next step, in nats.

    `unit` is what a step is called in what is reported: token or frame.
    `token_weights: (vocabulary,)` weigh the tokens in the loss, never in what is reported.
    """

    def __init__(
        self,
        network: SequenceModel,
        training: LikelihoodTraining,
        token_weights: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.network, self.training_settings = network, training
        self.unit = network.spec.unit
        self.monitor, self.averaging = nats_per(self.unit), training.averaging
        self.token_weights: Tensor | None
        self.register_buffer("token_weights", token_weights, persistent=False)
        self._nll = network.nll
        self.advice, self.gradient_clip = advise(training), training.gradient_clip

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of one batch of windows."""
        del batch_idx
        shown: dict[str, Tensor] = {}  # networks of plug-ins may take no controls
        if self.network.controls is not None:
            shown["levels"] = self.network.controls.draw(batch.targets, batch.positions)
        nll = self._nll(batch.inputs, batch.positions, batch.targets, batch.semitones, **shown)
        real = predicted(batch.targets)
        mean = nll.sum() / (each := self._on_each_device(count := real.sum()))
        self.add("train", mean.detach() * each, count)
        name = f"train_step_{self.monitor.name}"
        self.log(name, mean.detach(), on_step=True, on_epoch=False, prog_bar=True)
        if self.token_weights is None:
            return mean
        weights = self.token_weights[batch.targets.clamp(min=0)] * real
        return (nll * weights).sum() / self._on_each_device(weights.sum())

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Score whole pieces."""
        del batch_idx
        nll = self.network.score(batch.inputs, batch.positions, batch.targets)
        self.add("validation", nll.sum(), predicted(batch.targets).sum())

    def on_validation_epoch_end(self) -> None:
        """Report nats per token or frame over all validation pieces."""
        self.log(f"validation_{self.monitor.name}", self.mean("validation"), prog_bar=True)

    def configure_optimizers(self) -> Any:
        """Adam or AdamW, with the schedule moved on after every step."""
        return create_optimizer(self.network, self.training_settings, self.trainer)

    def mean(self, part: str) -> Tensor:
        """Nats per `unit` of `train` or `validation` since it was last asked, over all devices."""
        local = torch.tensor(self.take(part), dtype=torch.float64)
        total, count = self.trainer.strategy.reduce(local.to(self.device), reduce_op="sum")
        mean: Tensor = (total / count).to(torch.float32)
        return mean

    def compile_step(self) -> None:
        """Have torch compile the negative log-likelihood of a batch, and its gradient."""
        self._nll = torch.compile(self.network.nll)

    def _on_each_device(self, total: Tensor) -> Tensor:
        """Return the mean of a total over the devices; the total itself on one.

        Gradients are averaged over devices: divided by this, a loss weighs every step alike,
        whichever device has the more of them.
        """
        if self.trainer.world_size == 1:
            return total
        found: Tensor = self.trainer.strategy.reduce(total.double(), reduce_op="mean")
        return found.to(total.dtype if total.is_floating_point() else torch.float32)


def fit_controls(controls: BarControls, task: TrainingTask) -> None:
    """Let controls learn what bars of the training pieces are like; of many, some of them.

    Warns of what is the same in most bars: nobody can ask for less or more of it.
    """
    some = task.training[:: max(1, len(task.training) // MEASURED_PIECES)]
    pieces = WholePieces(task.store, some, 1)
    batches = (pieces[i] for i in range(len(pieces)))
    controls.fit((batch.targets, batch.positions) for batch in batches)
    if same := controls.uniform:
        console.warn(
            f"{' and '.join(same)} {agree(len(same), 'is', 'are')} the same in four of five bars "
            "of the training pieces: to ask for less or more of it changes little."
        )


def token_weights(
    store: TokenStore, indices: NDArray[np.int64], size: int, exponent: float
) -> Tensor | None:
    """Weights (vocabulary,) that fall with a token's frequency in these pieces; their mean is 1."""
    if exponent == 0:
        return None
    counts = np.ones(size)
    for i in indices:
        counts += np.bincount(store.piece(i), minlength=size)
    weights = counts**-exponent
    mean = (weights * counts).sum() / counts.sum()
    return torch.from_numpy(weights / mean).float()
