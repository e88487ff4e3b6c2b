"""The contract of what `ostinato fetch` can fetch."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar


@dataclass(frozen=True)
class Terms:
    """The terms of a corpus: the licence, and whom to cite."""

    licence: str
    citation: str = ""

    def text(self) -> str:
        """Return the terms as `ostinato fetch` says it."""
        cite = f"\nTo cite it: {self.citation}" if self.citation else ""
        return f"Licence: {self.licence or 'none is stated.'}{cite}"


class Source(ABC):
    """A source of the files of a corpus.

    A source that is `fixed` gives the same files as long as its settings and our code stay.
    """

    fixed: ClassVar[bool] = False

    @abstractmethod
    def write(self, folder: Path, processes: int, mirror: str | None = None) -> None:
        """Fill an empty folder with music files, the same bytes every time.

        `mirror` replaces the host of what is downloaded: an address, or a folder. A source that
        downloads nothing ignores it. Raises `UserError` when there is nothing to write.
        """

    def terms(self) -> Terms | None:
        """Return the licence and the citation; None for music of the user's own."""
        return None
