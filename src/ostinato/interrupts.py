"""Ctrl-C, and a clock that ends what takes too long."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

AGAIN = 0.05  # seconds
ONCE_MORE = 1.0  # seconds of processor time after which code that went on is stopped once more
# packages; the first is what `importlib` is called until it is itself imported
NOT_WITHIN = ("_frozen_importlib", "importlib", "sqlalchemy")


@contextmanager
def deferred_interrupts() -> Iterator[None]:
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


def is_interrupt(error: BaseException | None) -> bool:
    """Return whether an error is Ctrl-C, or what a library made of it."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


class _TooLong(BaseException):
    """Out of time; no `Exception`, because libraries catch those."""


@contextmanager
def processor_seconds(seconds: float, refusal: Exception) -> Iterator[None]:
    """Raise `refusal` in the body once it has used so many seconds of processor time.

    Only the main thread of a process can be stopped (and not on Windows): elsewhere nothing is
    limited. A call into C is stopped when it returns.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGVTALRM, _stop)
    timer = signal.setitimer(signal.ITIMER_VIRTUAL, seconds, ONCE_MORE)
    try:
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    except _TooLong:
        raise refusal from None
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, *timer)
        signal.signal(signal.SIGVTALRM, before)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise _TooLong


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
