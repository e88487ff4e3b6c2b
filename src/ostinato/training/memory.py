"""Memory that a training takes."""

from typing import Any

import psutil
from pytorch_lightning.callbacks import Callback

MEGABYTE = 10**6


class PeakMemory(Callback):
    """Measures the most memory that the process held while it trained, after each batch.

    It is that of the process, with the program and the data in it; a GPU's is not counted.
    """

    def __init__(self) -> None:
        self.megabytes = 0.0
        self.process = psutil.Process()

    def on_train_batch_end(self, *_: Any) -> None:
        """Measure."""
        self._measure()

    def on_validation_batch_end(self, *_: Any) -> None:
        """Measure."""
        self._measure()

    def _measure(self) -> None:
        held = self.process.memory_info().rss / MEGABYTE
        self.megabytes = max(self.megabytes, held)
