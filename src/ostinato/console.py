"""Messages to the person who runs the program."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

T = TypeVar("T")

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)
_seen_from: Path | None = None


@dataclass(frozen=True)
class Listener:
    """A program that shows messages itself.

    progress: called with how much is done, of how much (None: unknown), and the unit; what it
    raises ends the work. warning: called with each warning.
    """

    progress: Callable[[float, float | None, str], None]
    warning: Callable[[str], None]


_listener: Listener | None = None


@contextmanager
def messages_to(listener: Listener) -> Iterator[None]:
    """Hand warnings and progress to a listener, and print neither, while the block works."""
    global _listener
    outer, _listener = _listener, listener
    try:
        yield
    finally:
        _listener = outer


def say(message: str) -> None:
    """Print a line of news."""
    out.print(message, markup=False)


def show(table: Any) -> None:
    """Print a table of rich's."""
    Console(highlight=False, width=None if out.is_terminal else 200).print(table)


def warn(message: str) -> None:
    """Print a line that should not be missed."""
    if _listener is not None:
        _listener.warning(message)
        return
    err.print(f"warning: {message}", style="yellow", markup=False)


@contextmanager
def seen_from(folder: Path) -> Iterator[None]:
    """Print paths as seen from `folder` while the block works in another, the project's root."""
    global _seen_from
    outer, _seen_from = _seen_from, folder
    try:
        yield
    finally:
        _seen_from = outer


def standing() -> Path:
    """Return the folder in which the command was started."""
    return (_seen_from or Path.cwd()).resolve()


def where(path: Path) -> str:
    """Return a path as one would type it where one stands.

    A path of the project leads up from a folder of it, as ../outputs; any other that is not below
    is absolute.
    """
    here, project = _seen_from or Path.cwd(), Path.cwd()
    full = Path(os.path.abspath(path))  # noqa: PTH100 - a link stays one
    if full.is_relative_to(here):
        return str(full.relative_to(here))
    if full.is_relative_to(project) and here.is_relative_to(project):
        return os.path.relpath(full, here)
    return str(full)


@contextmanager
def bar(description: str, total: float | None, unit: str = "") -> Iterator[Callable[[float], None]]:
    """Show a progress bar; call what it yields with how much is done; `total` None: unknown."""
    if (listener := _listener) is not None:
        yield lambda done: listener.progress(done, total, unit)
        return
    of_total = "" if total is None else "/{task.total:.0f}"
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}" + of_total + " " + unit),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, disable=err.quiet) as progress:
        task = progress.add_task(description, total=total)
        yield lambda done: progress.update(task, completed=done)


def track(items: Iterable[T], description: str, total: int, unit: str = "") -> Iterator[T]:
    """Yield the items behind a progress bar."""
    with bar(description, total, unit) as advance:
        for number, item in enumerate(items, 1):
            yield item
            advance(number)
