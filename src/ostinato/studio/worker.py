"""A process beside the server that does one task after the other."""

import os
import signal
import sys
import time
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ostinato import console
from ostinato.error_sentences import explain_error
from ostinato.stages.workspace import Workspace

FAULT = "Ostinato made a mistake of its own: what it was stands where the studio was started."

PAUSE = 0.1  # seconds between two messages of progress


class CancelledTaskError(Exception):
    """A task whose asker no longer wants it."""


@dataclass(frozen=True)
class Task:
    """A task: its number, its name in `tasks.TASKS` and its request."""

    number: int
    name: str
    request: Any


@dataclass(frozen=True)
class Message:
    """What a worker says of its task: progress, piece, done, error or fault."""

    event: str
    data: Any


def work(connection: Connection, cancelled: Any, root: Path, here: Path) -> None:
    """Do the tasks that come through a connection until it closes.

    cancelled: a shared integer, the number of the task that is no longer wanted.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server ends it
    os.chdir(root)
    with console.seen_from(here):
        from ostinato.studio.models import ModelCache

        cache = ModelCache(Workspace(root, root / "outputs"), here)
        console.out.quiet = console.err.quiet = True
        while True:
            try:
                task = connection.recv()
            except EOFError:
                return
            connection.send(_do(task, connection, cancelled, cache))


def _do(task: Task, connection: Connection, cancelled: Any, cache: Any) -> Message:
    from ostinato.studio.tasks import TASKS, Context

    warnings: list[str] = []
    told = 0.0

    def check() -> None:
        if cancelled.value == task.number:
            raise CancelledTaskError

    def progress(done: float, of: float | None, unit: str) -> None:
        nonlocal told
        check()
        if (now := time.monotonic()) >= told + PAUSE:
            told = now
            connection.send(Message("progress", {"done": done, "of": of, "unit": unit}))

    def watch(piece: dict[str, Any]) -> None:
        check()
        connection.send(Message("piece", piece))

    try:
        with console.messages_to(console.Listener(progress, warnings.append)):
            answer = TASKS[task.name](task.request, Context(cache, watch))
    except CancelledTaskError:
        return Message("error", "cancelled")
    except Exception as error:
        explained = explain_error(error)
        if explained is not None:
            return Message("error", explained[0])
        traceback.print_exc(file=sys.stderr)
        return Message("fault", FAULT)
    return Message("done", answer | {"warnings": warnings})
