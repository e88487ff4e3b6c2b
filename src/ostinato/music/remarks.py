"""Remarks on what was guessed while a file was read, for whoever collects them."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_collected: ContextVar[list[str] | None] = ContextVar("remarks", default=None)


@contextmanager
def collect() -> Iterator[list[str]]:
    """Yield a list that gets the remarks made in the body, each a sentence about one file."""
    remarks: list[str] = []
    before = _collected.set(remarks)
    try:
        yield remarks
    finally:
        _collected.reset(before)


def add(remark: str) -> None:
    """Make a remark about the file that is being read; nothing happens where nobody collects."""
    if (remarks := _collected.get()) is not None:
        remarks.append(remark)
