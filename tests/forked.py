"""Commands in processes of their own that begin with everything imported."""

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ostinato import cli

FORK = multiprocessing.get_context("fork")
PATIENCE = 300  # seconds


def die(*_: object, **__: object) -> None:
    """End this process as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


def start(project: Path, *words: str, first: Callable[[], Any] = lambda: None) -> Any:
    """Start `ostinato` with these words in a project, in a process that calls `first` before."""

    def work() -> None:
        log = project / f"{os.getpid()}.log"
        with (
            contextlib.chdir(project),
            log.open("w", buffering=1) as file,
            contextlib.redirect_stdout(file),
            contextlib.redirect_stderr(file),
        ):
            first()
            os._exit(cli.main(list(words)))

    child = FORK.Process(target=work)
    child.start()
    return child


def ended(child: Any) -> int:
    """The exit code of a process, negative for the signal that ended it."""
    child.join(PATIENCE)
    assert child.exitcode is not None, "it does not end"
    return int(child.exitcode)


def run(project: Path, *words: str, first: Callable[[], Any] = lambda: None) -> int:
    """Run `ostinato` in a process of its own; returns its exit code."""
    return ended(start(project, *words, first=first))
