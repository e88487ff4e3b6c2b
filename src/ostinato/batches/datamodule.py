"""The LightningDataModule: batches for training and validation."""

from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from ostinato.batches.store import TokenStore
from ostinato.batches.windows import Batch, TrainingWindows, WholePieces
from ostinato.representations.base import Representation


class MusicData(pl.LightningDataModule):
    """Windows of the training pieces, drawn anew each epoch, and the validation pieces whole."""

    def __init__(
        self,
        store: TokenStore,
        training: NDArray[np.int64],
        validation: NDArray[np.int64],
        representation: Representation,
        window: int,
        batch_size: int,
        transpose: tuple[int, int],
        seed: int,
        period: int = 1,
        transposed: float = 1.0,
    ) -> None:
        super().__init__()
        self.store, self.representation = store, representation
        self.training, self.validation = training, validation
        self.window, self.batch_size, self.transpose = window, batch_size, transpose
        self.seed, self.period, self.transposed = seed, period, transposed

    def train_dataloader(self) -> DataLoader[Batch]:
        """This epoch's batches."""
        trainer = self.trainer
        again = trainer is not None and trainer.overfit_batches  # type: ignore[attr-defined]
        windows = TrainingWindows(
            self.store,
            self.training,
            self.representation,
            self.window,
            self.batch_size,
            self.transpose,
            self.seed,
            trainer.current_epoch if trainer and not again else 0,
            (trainer.global_rank, trainer.world_size) if trainer else (0, 1),
            self.period,
            self.transposed,
        )
        return DataLoader(windows, batch_size=None)

    def val_dataloader(self) -> DataLoader[Batch]:
        """The validation pieces."""
        return DataLoader(
            WholePieces(self.store, self.validation, self.batch_size), batch_size=None
        )

    def transfer_batch_to_device(
        self, batch: Any, device: torch.device, dataloader_idx: int
    ) -> Any:
        """Move a batch."""
        del dataloader_idx
        return batch.to(device)
