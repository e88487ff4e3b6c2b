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
    where no piece is for validation. sums: what the module has added up since the epoch began, by
    name; a checkpoint within an epoch holds it, and nothing that Lightning adds up.
    """

    monitor: Monitor
    averaging: float | None = None
    gradient_clip: float | None = None
    advice: str = "lower the learning rate"
    losses: Mapping[str, Tensor] = {}
    validates_training: bool = False

    def __init__(self) -> None:
        super().__init__()
        self.sums: dict[str, list[float | Tensor]] = {}

    @abstractmethod
    def mean(self, part: str) -> Tensor | None:
        """Return the monitored metric of `train` or `validation` since the last call, if known."""

    def add(self, name: str, total: float | Tensor, count: float | Tensor) -> None:
        """Add a total over so many things to the sums of the epoch.

        Tensors are added where they are: to read one would wait for all that a device has to do.
        """
        before = self.sums.get(name, [0.0, 0])
        self.sums[name] = [before[0] + _exact(total), before[1] + _exact(count)]

    def take(self, name: str) -> tuple[float, float]:
        """Return a total and how many it is of, and forget both."""
        total, count = self.sums.pop(name, [0.0, 0])
        return float(total), float(count)

    def compile_step(self) -> None:
        """Have torch compile what a training step computes.

        Raises `UserError` where a method has nothing to compile.
        """
        raise UserError(f"{type(self).__name__} compiles nothing: say training.compile=false.")


def _exact(number: float | Tensor) -> float | Tensor:
    """Return a number in double precision, where its device has that."""
    if not isinstance(number, Tensor):
        return number
    return number.detach() if number.device.type == "mps" else number.detach().double()


def method_module(module: pl.LightningModule) -> MethodModule:
    """Return what a callback is given as the module that every method trains."""
    assert isinstance(module, MethodModule)
    return module
