"""What Ctrl-C does."""

import signal
from types import FrameType

AGAIN = 0.05  # seconds


def orderly() -> None:
    """Let Ctrl-C raise KeyboardInterrupt as ever, but never in the middle of an import.

    Libraries in C++ that are interrupted while they are being imported abort the whole process,
    and some that try one import after another take the interrupt for a missing package.
    """
    signal.signal(signal.SIGINT, _interrupt)
    if hasattr(signal, "SIGALRM"):  # not on Windows
        signal.signal(signal.SIGALRM, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number
    if _importing(frame) and hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, AGAIN)
        return
    raise KeyboardInterrupt


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False
