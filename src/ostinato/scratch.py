"""Temporary files: beside what they become, locked by their owner, removed once it has died.

Each file or folder that is being made lies in a folder of its own below `.ostinato-tmp`, which git
and DVC ignore. It is on the file system of what it becomes, so that one rename finishes it.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ostinato.locks import locked, remove_dead_lock, retry, try_lock

if TYPE_CHECKING:
    from filelock import BaseFileLock

NAME = ".ostinato-tmp"
LOCK, NEW, OLD, TARGET = "ostinato.lock", "new", "old", "target"


def place_of(path: Path, within: Path | None = None) -> Path:
    """Return the folder for the temporary files of `path`: beside it, or beside `within`.

    `within` is a folder above `path` whose content is hashed or watched: where another file system
    is mounted on it, temporary files cannot lie outside of it.
    """
    if within is None or within == path or not within.exists():
        return (within or path).parent / NAME
    outside = within.resolve().parent
    same = outside.stat().st_dev == within.stat().st_dev
    return (outside if same else within) / NAME


@contextmanager
def temporary(path: Path, within: Path | None = None) -> Iterator[Path]:
    """Yield an empty folder of this process's own in which `path` can be made.

    It is removed at the end; if the process dies first, `clear` removes it.
    """
    place = place_of(path, within)
    entry, lock = retry(lambda: _claim(place, path.name))
    try:
        yield entry
    finally:
        _remove(entry)
        lock.release()
        remove_empty(place)


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Replace `path` in the block while no other process does."""
    try:
        with locked(place_of(path) / path.name):
            yield
    finally:
        remove_empty(place_of(path))


def put(new: Path, path: Path) -> None:
    """Let a file or folder become `path`, where none is, in one step.

    From another file system it is copied beside `path` first.
    """
    try:
        new.replace(path)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with temporary(path) as beside:
            copy, remove = (
                (shutil.copytree, shutil.rmtree) if new.is_dir() else (shutil.copyfile, os.unlink)
            )
            copy(new, beside / NEW)
            (beside / NEW).replace(path)
        remove(new)


def clear(place: Path) -> None:
    """Remove what processes that have died left in a folder for temporary files.

    A folder that one of them had moved aside, to put another in its place, is put back. What
    belongs to a living process stays, and so does whatever is none of ours.
    """
    if place.is_symlink():
        return
    try:
        found = list(place.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return  # nothing was left, or another process has removed it meanwhile
    for entry in found:
        if entry.name.endswith(".lock"):
            remove_dead_lock(entry)
        elif entry.is_dir() and not entry.is_symlink():
            _clear_entry(entry)
    remove_empty(place)


def _clear_entry(entry: Path) -> None:
    if not (entry / LOCK).is_file():
        with suppress(OSError):
            entry.rmdir()  # its owner died, or will find that it is gone, before it was locked
        return
    if (lock := try_lock(entry / LOCK)) is None:
        return
    try:
        _put_back(entry)
        _remove(entry)
    finally:
        lock.release()


def _put_back(entry: Path) -> None:
    old = entry / OLD
    if not old.exists() or not (entry / TARGET).exists():
        return
    home = entry.parent.parent
    target = home / (entry / TARGET).read_text(encoding="utf-8")
    if ".." not in target.parts and target.is_relative_to(home) and not target.exists():
        put(old, target)


def _remove(entry: Path) -> None:
    """Remove an entry so that, wherever this is cut short, `clear` goes on with it.

    First goes what would have half of an old folder put back, and last the lock, by which an entry
    is known for one of ours.
    """
    with suppress(OSError):
        (entry / TARGET).unlink(missing_ok=True)
        for child in entry.iterdir():
            if child.is_dir() and not child.is_symlink():
                shutil.rmtree(child, ignore_errors=True)
            elif child.name != LOCK:
                child.unlink(missing_ok=True)
    shutil.rmtree(entry, ignore_errors=True)


def _claim(place: Path, name: str) -> "tuple[Path, BaseFileLock]":
    """Make a folder that is locked for as long as this process lives."""
    from filelock import FileLock

    place.mkdir(parents=True, exist_ok=True)
    entry = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=place))
    lock = FileLock(entry / LOCK)
    lock.acquire()  # FileNotFoundError: another process took it for one whose owner had died
    return entry, lock


def remove_empty(place: Path) -> None:
    """Remove a folder for temporary files in which there are none."""
    with suppress(OSError):
        place.rmdir()
