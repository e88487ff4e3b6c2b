"""Training of a network by a method."""

from pathlib import Path

from torch import nn

from ostinato.methods.base import Method, TrainingTask
from ostinato.tracking import Run
from ostinato.training.lora import adapted
from ostinato.training.settings import Training
from ostinato.training.trainer import FitOptions, Fitted, fit


def fit_network(
    method: Method, task: TrainingTask, network: nn.Module, folder: Path, run: Run
) -> Fitted:
    """Train a network, which has the best weights afterwards; checkpoints are in `folder`."""
    settings: Training = task.settings
    data = method.data(task, network)
    with adapted(network, settings.lora_rank):
        fitted = fit(
            method.module(task, network),
            data,
            settings,
            FitOptions(
                task.seed,
                folder,
                run.logger(),
                method.is_validated(task, data),
                [*method.callbacks(task, network, run), *task.callbacks],
            ),
        )
    method.finish(task, network, data)
    return fitted
