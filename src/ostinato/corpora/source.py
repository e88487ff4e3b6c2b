"""The contract of what `ostinato fetch` can fetch."""

from abc import ABC, abstractmethod
from pathlib import Path


class Source(ABC):
    """Where the files of a corpus come from."""

    @abstractmethod
    def write(self, folder: Path, processes: int) -> None:
        """Fill an empty folder with music files, the same bytes every time.

        Raises `UserError` when there is nothing to write.
        """
