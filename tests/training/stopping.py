"""A training that is stopped in the middle, as by a signal."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ostinato.methods.likelihood.module import LikelihoodModule


@contextmanager
def stopped_in_epoch(epoch: int) -> Iterator[None]:
    """Any training is interrupted in the middle of this epoch, counted from 1."""
    whole = LikelihoodModule.training_step

    def step(module: LikelihoodModule, batch: object, batch_idx: int) -> object:
        if module.current_epoch + 1 == epoch and batch_idx == 1:
            raise KeyboardInterrupt
        return whole(module, batch, batch_idx)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LikelihoodModule, "training_step", step)
        with pytest.raises(KeyboardInterrupt):
            yield
