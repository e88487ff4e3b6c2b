"""Locks between processes: the system lets go of them when their holder ends, however it ends."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ostinato import console

if TYPE_CHECKING:
    from filelock import BaseFileLock

T = TypeVar("T")

ATTEMPTS = 1000
PATIENCE = 1.0  # seconds of waiting before the holder is named
POLL = 0.2  # seconds between two attempts


@contextmanager
def locked(path: Path, task: str = "") -> Iterator[None]:
    """Hold the lock of `path`, waiting for a process that has it and saying which one that is.

    `task` says what is done under the lock, for those who wait. The lock is the file `path`.lock,
    which is there only while it is held.
    """
    lock = _acquire(path)
    try:
        Path(lock.lock_file).write_text(json.dumps(_about(task)), encoding="utf-8")
        yield
    finally:
        # while it is still held: whoever waits sees that the file is gone, and makes a new one
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


@contextmanager
def if_free(path: Path) -> Iterator[bool]:
    """Hold the lock of `path` where no other process has it; yield whether it is held."""
    lock = try_lock(Path(f"{path}.lock"))
    try:
        yield lock is not None
    finally:
        if lock is not None:
            Path(lock.lock_file).unlink(missing_ok=True)
            lock.release()


def try_lock(file: Path) -> "BaseFileLock | None":
    """Return the lock of a lock file, held, or None where another holds it or it cannot be had."""
    from filelock import FileLock, Timeout

    lock = FileLock(file)
    try:
        lock.acquire(blocking=False)
    except (Timeout, OSError):
        return None
    return lock


def remove_dead_lock(file: Path) -> None:
    """Remove a lock file of ours whose holder has ended."""
    if file.is_symlink() or not file.is_file() or (lock := try_lock(file)) is None:
        return
    try:
        if not file.read_bytes() or _read(file):  # empty: its holder had just made it
            file.unlink()
    except FileNotFoundError:
        pass
    finally:
        lock.release()


def retry(action: Callable[[], T]) -> T:
    """Return what an action returns, again where another process removes the folder it works in."""
    for attempt in range(ATTEMPTS):
        try:
            return action()
        except (FileNotFoundError, FileExistsError):
            if attempt == ATTEMPTS - 1:
                raise
    raise AssertionError


def _acquire(path: Path) -> "BaseFileLock":
    from filelock import FileLock, Timeout

    lock = FileLock(f"{path}.lock")

    def acquire(timeout: float) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=timeout, poll_interval=POLL)

    try:
        retry(lambda: acquire(PATIENCE))
    except Timeout:
        console.say(f"waiting for {_holder(Path(lock.lock_file))} (Ctrl-C ends the waiting)")
        retry(lambda: acquire(-1))  # without end: a holder that dies lets go
    return lock


def _about(task: str) -> dict[str, str | int]:
    return {"pid": os.getpid(), "since": f"{datetime.now():%H:%M}", "task": task}


def _holder(file: Path) -> str:
    if not (about := _read(file)):
        return f"another process that holds {console.where(file)}"
    task = f", {about['task']}" if about["task"] else ""
    return f"process {about['pid']}, at work since {about['since']}{task}"


def _read(file: Path) -> dict[str, Any]:
    """Return what the holder of a lock wrote into it; nothing where it is no lock of ours."""
    try:
        about = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return about if isinstance(about, dict) and about.keys() == _about("").keys() else {}
