"""What Ctrl-C does."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

AGAIN = 0.05  # seconds
# packages; the first is what `importlib` is called until it is itself imported
NOT_WITHIN = ("_frozen_importlib", "importlib", "sqlalchemy")


@contextmanager
def orderly() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt as ever, but never within an import or a transaction.

    Libraries in C++ that are interrupted while they are being imported abort the whole process,
    and some that try one import after another take the interrupt for a missing package. A
    transaction that is interrupted keeps its lock: the run could not even be marked as killed.
    Afterwards Ctrl-C ends the process at once, without a traceback out of the interpreter's last
    steps.
    """
    before = signal.signal(signal.SIGINT, _interrupt)
    if hasattr(signal, "SIGALRM"):  # not on Windows
        signal.signal(signal.SIGALRM, _interrupt)
    try:
        yield
    finally:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)  # too late: the work is done
        own = before in (signal.default_int_handler, _interrupt)
        signal.signal(signal.SIGINT, signal.SIG_DFL if own else before)


def behind(error: BaseException | None) -> bool:
    """Whether an error is Ctrl-C, or what a library made of it."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number
    if _to_be_ended_first(frame) and hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, AGAIN)
        return
    raise KeyboardInterrupt


def _to_be_ended_first(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] in NOT_WITHIN:
            return True
        frame = frame.f_back
    return False
