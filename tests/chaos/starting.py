"""Starts of `ostinato` that take no time to import: a server that has imported all forks them."""

import atexit
import contextlib
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

HERE = Path(__file__).parent
LONGEST = 240.0  # seconds; a start that takes longer is stuck


@dataclass(frozen=True)
class Start:
    """A command line, where it is given, and variables of its environment.

    `first` is called in the new process before anything else.
    """

    words: tuple[str, ...]
    folder: Path
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    first: Callable[[], None] | None = None


class Started:
    """A process of its own group, as if a shell had started it."""

    def __init__(self, process: ForkServerProcess, start: Start) -> None:
        self._process, self.start = process, start

    def wait(self, seconds: float = LONGEST) -> int | None:
        """Return the exit code, negative for a signal; None where it still runs."""
        self._process.join(seconds)
        return self._process.exitcode

    def kill(self, group: bool = True) -> None:
        """Send SIGKILL to the process, and with it to its workers."""
        assert self._process.pid is not None
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(self._process.pid, signal.SIGKILL)
        self._process.join()


def forking() -> ForkServerContext:
    """Return the context whose processes are forked from a server that has imported all."""
    context = multiprocessing.get_context("forkserver")
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(HERE), str(HERE.parent), os.environ.get("PYTHONPATH", "")]
    )
    context.set_forkserver_preload(["imported"])
    return context


def begin(context: ForkServerContext, start: Start) -> Started:
    """Start `ostinato` and return at once."""
    process = context.Process(target=_run, args=(start,))
    process.start()
    return Started(process, start)


def _run(start: Start) -> None:
    """Become a process that a shell would have started, and end as one."""
    os.setsid()
    words = os.open(start.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(words, 1)
    os.dup2(words, 2)
    sys.argv = ["ostinato", *start.words]
    os.environ.update(start.environment)
    os.chdir(start.folder)
    tempfile.tempdir = None  # read $TMPDIR anew
    if start.first:
        start.first()
    from ostinato.cli import main

    code = main(start.words)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
