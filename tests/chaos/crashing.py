"""Ends a process at one of its file operations: Python tells of each before it happens."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
# the name of an audit event, and where its paths and their folders (as descriptors) stand in it
PATHS = {
    "open": ((0, None),),
    "os.rename": ((0, 2), (1, 3)),
    "os.remove": ((0, 1),),
    "os.rmdir": ((0, 1),),
    "os.mkdir": ((0, 2),),
    "os.link": ((0, 2), (1, 3)),
    "os.symlink": ((1, 2),),
    "os.truncate": ((0, None),),
    "sqlite3.connect": ((0, None),),
}


@dataclass(frozen=True)
class Point:
    """A file operation: what it is, and when it comes in a start that nothing disturbs."""

    words: str
    seconds: float


@dataclass(frozen=True)
class Record:
    """Writes a line to `file` for each operation below one of the `places`."""

    places: tuple[str, ...]
    file: Path

    def __call__(self) -> None:
        """Begin to watch this process."""
        lines = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        _watch(self.places, lambda words: os.write(lines, f"{time.time()} {words}\n".encode()))


@dataclass(frozen=True)
class Crash:
    """Kills this process before operation number `at` below one of the `places`, from 0.

    With `emptied`, a file that would have been opened to write is empty by then.
    """

    places: tuple[str, ...]
    at: int
    emptied: bool = False

    def __call__(self) -> None:
        """Begin to watch this process."""
        seen = 0

        def kill(words: str) -> None:
            nonlocal seen
            seen += 1
            if seen != self.at + 1:
                return
            if self.emptied and words.startswith("open "):
                os.close(
                    os.open(words.removeprefix("open "), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
                )
            os.kill(os.getpid(), signal.SIGKILL)

        _watch(self.places, kill)


def read_points(file: Path, began: float) -> list[Point]:
    """Return the operations that `Record` wrote, timed from when the start began."""
    lines = [line.split(" ", 1) for line in file.read_text().splitlines()]
    return [Point(words, float(at) - began) for at, words in lines]


def _watch(places: tuple[str, ...], act: Callable[[str], Any]) -> None:
    """Call `act` before each operation on files below the places, and each commit."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in PATHS or (event == "open" and not arguments[2] & WRITING):
            return
        paths = list(_absolute(event, arguments))
        if any(path.startswith(places) for path in paths):
            act(f"{event} {' '.join(paths)}")

    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    event.listen(Engine, "commit", lambda _: act("commit"))
    sys.addaudithook(hook)


def _absolute(event: str, arguments: tuple[Any, ...]) -> Iterator[str]:
    for at, folder_at in PATHS[event]:
        path = arguments[at]
        if not isinstance(path, str | bytes | os.PathLike):
            continue
        folder = arguments[folder_at] if folder_at is not None else None
        within = f"/proc/self/fd/{folder}" if folder is not None and folder >= 0 else ""
        yield str((Path(within).readlink() if within else Path.cwd()) / os.fsdecode(path))
