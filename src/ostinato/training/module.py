"""The base of what Lightning trains: what trainer and callbacks may rely on."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import pytorch_lightning as pl
from torch import Tensor

from ostinato.errors import UserError
from ostinato.training.monitor import Monitor


class MethodModule(pl.LightningModule, ABC):
    """A network and how it is trained.

    monitor: the metric that chooses the best weights; it is logged as `validation_` and its name.
    averaging: the decay of a moving average of the weights, None for none.
    gradient_clip: the largest norm of the gradient, None for no limit. advice: which settings
    to change where the training diverges. losses: by name, of the last step, where there are more
    than the one that `training_step` returns. validates_training: whether validation has batches
    where no piece is for validation.
    """

    monitor: Monitor
    averaging: float | None = None
    gradient_clip: float | None = None
    advice: str = "lower the learning rate"
    losses: Mapping[str, Tensor] = {}
    validates_training: bool = False

    @abstractmethod
    def mean(self, part: str) -> Tensor | None:
        """Return the monitored metric of `train` or `validation` since the last call, if known."""

    def compile_step(self) -> None:
        """Have torch compile what a training step computes.

        Raises `UserError` where a method has nothing to compile.
        """
        raise UserError(f"{type(self).__name__} compiles nothing: say training.compile=false.")


def method_module(module: pl.LightningModule) -> MethodModule:
    """Return what a callback is given as the module that every method trains."""
    assert isinstance(module, MethodModule)
    return module
