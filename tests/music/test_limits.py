"""A parser that goes on for ever is stopped, whatever it catches, and leaves no clock behind."""

import signal
import threading
import time

import pytest

from ostinato.errors import UnreadableError
from ostinato.music.limits import cpu_seconds, one_line


def for_ever() -> None:
    """Work that catches every `Exception`, as parsers do."""
    while True:
        try:
            sum(range(1000))
        except Exception:
            continue


def clock() -> tuple[object, float]:
    return signal.getsignal(signal.SIGVTALRM), signal.getitimer(signal.ITIMER_VIRTUAL)[0]


def test_work_without_end_is_stopped() -> None:
    before, began = clock(), time.process_time()
    with pytest.raises(UnreadableError, match=r"longer than 0\.1 s"), cpu_seconds(0.1):
        for_ever()
    assert time.process_time() - began < 2
    assert clock() == before


def test_work_that_swallows_the_first_stop_is_stopped_again() -> None:
    def stubborn() -> None:
        try:
            for_ever()
        except BaseException:
            for_ever()

    with pytest.raises(UnreadableError), cpu_seconds(0.1):
        stubborn()


def test_work_that_ends_in_time_or_in_an_error_leaves_no_clock() -> None:
    before = clock()
    with cpu_seconds(10):
        pass
    assert clock() == before
    with pytest.raises(ValueError, match="its own"), cpu_seconds(10):
        raise ValueError("its own")
    assert clock() == before


def test_a_clock_within_a_clock_gives_it_back() -> None:
    def work() -> None:
        with cpu_seconds(10):
            sum(range(1000))
        for_ever()

    with pytest.raises(UnreadableError, match=r"longer than 0\.2 s"), cpu_seconds(0.2):
        work()


def test_threads_go_without() -> None:
    done = []

    def work() -> None:
        with cpu_seconds(0.01):
            sum(range(3_000_000))
        done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]


def test_what_an_error_says_is_one_printable_line() -> None:
    assert one_line(ValueError("first\n\tsecond\x00 \x1b[31mthird")) == "first second [31mthird"
    assert one_line(KeyError("C")) == "KeyError 'C'"
    assert one_line(MemoryError()) == "MemoryError"
    assert len(one_line(ValueError("word " * 1000))) <= 200
