"""The batches of an epoch that are still to come."""

from collections.abc import Iterator
from typing import Any

import pytorch_lightning as pl
from torch.utils.data import DataLoader, Dataset, SequentialSampler


class BatchesLeft(SequentialSampler):
    """Numbers of the batches of an epoch from the one on that a training has come to."""

    def __init__(self, batches: Any, trainer: pl.Trainer | None) -> None:
        super().__init__(batches)
        self.trainer = trainer

    def __iter__(self) -> Iterator[int]:
        """Yield numbers.

        The first is looked up when it is asked for: Lightning makes the loader before it restores
        how far the training was.
        """
        first = 0 if self.trainer is None else self.trainer.fit_loop.batch_idx + 1
        yield from range(first, len(self))


def load_epoch(batches: Dataset[Any], trainer: pl.Trainer | None) -> DataLoader[Any]:
    """Return a loader of an epoch's batches, which are the items of `batches`, in their order.

    A training that stopped within the epoch goes on with its next batch. The batches must be the
    same whenever they are drawn for that epoch.
    """
    return DataLoader(batches, batch_size=None, sampler=BatchesLeft(batches, trainer))
