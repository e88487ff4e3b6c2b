"""A training that is stopped in the middle, as by a signal."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ostinato.methods.likelihood.module import LikelihoodModule
from ostinato.training.module import MethodModule

OFTEN = 1e-9  # minutes from a checkpoint within an epoch to the next: one follows every step


@contextmanager
def stopped_in_epoch(
    epoch: int, batch: int = 2, of: type[MethodModule] = LikelihoodModule
) -> Iterator[None]:
    """Any training is interrupted in the middle of an epoch, at one of its batches: both from 1."""
    whole: Any = of.training_step

    def step(module: MethodModule, given: object, batch_idx: int) -> object:
        if (module.current_epoch + 1, batch_idx + 1) == (epoch, batch):
            raise KeyboardInterrupt
        return whole(module, given, batch_idx)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(of, "training_step", step)
        with pytest.raises(KeyboardInterrupt):
            yield
