"""Small trainings that the tests of learning share."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import Logger
from torch import Tensor

from defaults import build
from ostinato.data.datamodule import MusicData
from ostinato.data.store import TokenStore
from ostinato.data.windows import WindowSettings
from ostinato.methods.likelihood.module import LikelihoodModule
from ostinato.methods.likelihood.settings import LikelihoodTraining
from ostinato.models.sequence import SequenceModel
from ostinato.training import trainer
from ostinato.training.trainer import Fitted
from small_networks import network_of

SHORT = build(
    "training=cpu method=likelihood",
    epochs=3,
    batch_size=4,
    window=48,
    learning_rate=0.01,
    transpose=(0, 0),
    early_stopping=None,
)


def fit(
    store: TokenStore,
    training: LikelihoodTraining,
    folder: Path,
    validation: int = 2,
    seed: int = 1,
    logger: Any = None,
    callbacks: Sequence[Callback] = (),
) -> tuple[Fitted, SequenceModel]:
    """Train a small network on six pieces, validated by as many others as said."""
    network = network_of(hidden=32).train()
    data = MusicData(
        store,
        np.arange(6),
        np.arange(6, 6 + validation),
        build("representation=voices"),
        WindowSettings(training.window, training.batch_size, training.transpose, seed),
    )
    module = LikelihoodModule(network, training)
    fitted = trainer.fit(
        module, data, training, trainer.FitOptions(seed, folder, logger, validation > 0, callbacks)
    )
    return fitted, network


def weights(network: SequenceModel) -> Tensor:
    """All parameters, one after the other."""
    return torch.cat([p.detach().flatten() for p in network.parameters()])


def validation_nll(network: SequenceModel, store: TokenStore) -> float:
    """Nats per token of pieces 6 and 7, a piece at a time."""
    network.eval()
    total = count = 0.0
    for i in (6, 7):
        part = slice(store.offsets[i], store.offsets[i + 1])
        tokens = torch.from_numpy(store.steps[part].astype(np.int64))[None]
        positions = torch.from_numpy(store.positions[part].astype(np.int64))[None]
        nll = network.score(tokens[:, :-1], positions[:, :-1], tokens[:, 1:])
        total, count = total + float(nll.double().sum()), count + nll.numel()
    return total / count


class Points(Logger):
    """Keeps what it is given to log, until a given step, or the training figure of an epoch."""

    name, version = "points", 0

    def __init__(self, killed_in: int | None = None, killed_at: int | None = None) -> None:
        super().__init__()
        self.points: dict[str, dict[int, float]] = {}
        self.epochs, self.killed_in, self.killed_at = 0, killed_in, killed_at

    def log_hyperparams(self, *_: Any, **__: Any) -> None:
        pass

    def log_metrics(self, metrics: Any, step: int | None = None) -> None:
        assert step is not None
        self.epochs += "train_nats_per_token" in metrics
        if self.epochs == self.killed_in or step == self.killed_at:
            raise KeyboardInterrupt
        for name, value in metrics.items():
            self.points.setdefault(name, {})[step] = value


def joined(before: Points, after: Points) -> dict[str, dict[int, float]]:
    """The points of a training that was stopped, and of the one that went on from it."""
    names = before.points | after.points
    return {name: before.points.get(name, {}) | after.points.get(name, {}) for name in names}
