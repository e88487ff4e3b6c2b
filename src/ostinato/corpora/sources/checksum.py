"""Checksums, which tell the file that was published from any other."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ostinato.errors import UserError

Kind = Literal["sha256", "md5"]


@dataclass(frozen=True)
class Checksum:
    """The digits that a file must have, in hexadecimal.

    An md5 tells a broken download from a whole one; only a sha256 also tells a forged one.
    """

    kind: Kind
    digits: str
    unless: str  # the override that takes a file without looking, as in corpus.source.sha256=null

    def fits(self, file: Path) -> bool:
        """Return whether it is the file."""
        return digest(file, self.kind) == self.digits

    def refusal(self, what: object, file: Path, ways_out: str = "") -> UserError:
        """Return the error for another `file`, which came from `what`."""
        return UserError(
            f"{what} is not the file that was published: its {self.kind} is "
            f"{digest(file, self.kind)}, not {self.digits}. {ways_out}To take it all the same, set "
            f"{self.unless}."
        )


def sha256_or_none(digits: str | None) -> Checksum | None:
    """Return the checksum that a config gives under `sha256`, if any."""
    return Checksum("sha256", digits, "corpus.source.sha256=null") if digits else None


def digest(file: Path, kind: Kind = "sha256") -> str:
    """Return the checksum of a file, in hexadecimal digits."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, kind).hexdigest()
