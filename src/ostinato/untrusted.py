"""Files that a stranger may have made: read only where they are regular, and up to a size."""

import os
import stat
from pathlib import Path

from ostinato.errors import UserError

KIB, MIB = 2**10, 2**20
NO_WAITING = getattr(os, "O_NONBLOCK", 0)  # opening a FIFO waits for somebody who writes to it


def read_regular(path: Path, most: int) -> bytes:
    """Return the bytes of a regular file.

    Raises `UserError` for a device, a pipe or a folder, and for more than `most` bytes.
    """
    file = os.open(path, os.O_RDONLY | NO_WAITING)
    try:
        size = _size(file, path, most)
        with os.fdopen(os.dup(file), "rb") as opened:
            data = opened.read(size + 1)
    finally:
        os.close(file)
    if len(data) > size:
        raise UserError(f"{path} grows while it is read: try again when it is finished.")
    return data


def check_regular(path: Path, most: int) -> int:
    """Return the size of a regular file in bytes; raises as `read_regular`."""
    file = os.open(path, os.O_RDONLY | NO_WAITING)
    try:
        return _size(file, path, most)
    finally:
        os.close(file)


def printable(text: str, most: int = 200) -> str:
    """Return a text without what a terminal would obey, cut after so many characters."""
    cut = text if len(text) <= most else f"{text[: most - 1]}…"
    return "".join(c if c.isprintable() else " " for c in cut)


def _size(file: int, path: Path, most: int) -> int:
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode):
        raise UserError(f"{path} is no regular file: a device, a pipe or a folder is not read.")
    if status.st_size > most:
        raise UserError(
            f"{path} is too large: it has {_in_words(status.st_size)}, and up to "
            f"{_in_words(most)} are read."
        )
    return status.st_size


def _in_words(size: int) -> str:
    return f"{size / MIB:,.1f} MiB" if size >= MIB else f"{size:,} bytes"
