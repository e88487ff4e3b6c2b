"""LightningDataModules: batches for training and validation."""

from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from ostinato.data.batches import load_epoch
from ostinato.data.segments import Segments, TrainingSegments
from ostinato.data.store import TokenStore
from ostinato.data.windows import Batch, TrainingWindows, WholePieces, WindowSettings
from ostinato.representations.base import Representation
from ostinato.representations.voice_roll import VoiceRoll


class MusicData(pl.LightningDataModule):
    """Windows of the training pieces, drawn anew each epoch, and the validation pieces whole."""

    def __init__(
        self,
        store: TokenStore,
        training: NDArray[np.int64],
        validation: NDArray[np.int64],
        representation: Representation,
        settings: WindowSettings,
    ) -> None:
        super().__init__()
        self.store, self.representation = store, representation
        self.training, self.validation = training, validation
        self.settings = settings

    def train_dataloader(self) -> DataLoader[Batch]:
        """Return this epoch's batches."""
        trainer = self.trainer
        windows = TrainingWindows(
            self.store,
            self.training,
            self.representation,
            self.settings,
            epoch=current_epoch(trainer),
            shard=(trainer.global_rank, trainer.world_size) if trainer else (0, 1),
        )
        return load_epoch(windows, trainer)

    def val_dataloader(self) -> DataLoader[Batch]:
        """Return the validation pieces."""
        pieces = WholePieces(self.store, self.validation, self.settings.batch_size)
        return DataLoader(pieces, batch_size=None)

    def transfer_batch_to_device(
        self, batch: Any, device: torch.device, dataloader_idx: int
    ) -> Any:
        """Move a batch."""
        del dataloader_idx
        return batch.to(device)


class SegmentData(pl.LightningDataModule):
    """Segments of the training pieces, shuffled and transposed anew each epoch.

    Validated are at most `judged` of them, untransposed, and as many of the validation pieces,
    where there are any.
    """

    def __init__(
        self,
        training: Segments,
        validation: Segments,
        *,
        batch_size: int,
        transpose: tuple[int, int],
        transpose_probability: float,
        seed: int,
        judged: int,
    ) -> None:
        super().__init__()
        self.training = training
        self.batch_size, self.seed = batch_size, seed
        self.transpose, self.transpose_probability = transpose, transpose_probability
        parts = [part for part in (training, validation) if len(part)]
        self.real = [part.sample(judged, seed) for part in parts]

    def train_dataloader(self) -> DataLoader[VoiceRoll]:
        """Return this epoch's batches."""
        segments = TrainingSegments(
            self.training,
            self.batch_size,
            self.transpose,
            self.transpose_probability,
            self.seed,
            current_epoch(self.trainer),
        )
        return load_epoch(segments, self.trainer)

    def val_dataloader(self) -> DataLoader[VoiceRoll]:
        """Return real segments, of the training pieces and then of the validation pieces."""
        return DataLoader(self.real, batch_size=None)  # type: ignore[arg-type]

    def transfer_batch_to_device(
        self, batch: Any, device: torch.device, dataloader_idx: int
    ) -> Any:
        """Return a voice roll as it is: the module makes tensors of it on its own device."""
        del device, dataloader_idx
        return batch


def current_epoch(trainer: pl.Trainer | None) -> int:
    """Return the epoch to draw batches for: always the first where a training shall overfit."""
    if trainer is None or trainer.overfit_batches:  # type: ignore[attr-defined]
        return 0
    return trainer.current_epoch
