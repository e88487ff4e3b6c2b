"""Ctrl-C within imports and transactions, and after the work is done."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import sqlalchemy

from ostinato import interrupts


def process(tmp_path: Path, late: str, then: str) -> subprocess.CompletedProcess[str]:
    """A process that is interrupted by itself while it imports a module."""
    (tmp_path / "slow_to_import.py").write_text(
        "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\n" + late
    )
    script = f"""
    import time
    from ostinato import interrupts
    try:
        with interrupts.deferred_interrupts():
            import slow_to_import
            {then}
    except KeyboardInterrupt:
        print("interrupted", slow_to_import.whole)
    time.sleep(0.2)
    print("end")
    """
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        timeout=60,
        check=False,
    )


def test_an_interrupt_waits_for_the_end_of_an_import(tmp_path: Path) -> None:
    done = process(tmp_path, "time.sleep(0.3)\nwhole = True\n", "time.sleep(5)")
    assert done.stdout.split() == ["interrupted", "True", "end"], done.stderr


def test_an_interrupt_that_comes_too_late_ends_nothing(tmp_path: Path) -> None:
    done = process(tmp_path, "whole = True\n", "pass")
    assert done.stdout.split() == ["end"], done.stderr
    assert done.returncode not in (-signal.SIGALRM, -signal.SIGINT)


def test_an_interrupt_waits_for_the_end_of_a_statement() -> None:
    """Else the transaction would stay open, and lock the store for whoever comes next."""
    answers = []

    def work(connection: sqlalchemy.Connection) -> None:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.create_function("ctrl_c", 0, lambda: os.kill(os.getpid(), signal.SIGINT) or 1)
        answers.append(connection.execute(sqlalchemy.text("select ctrl_c()")).scalar_one())
        time.sleep(5)

    with (
        interrupts.deferred_interrupts(),
        sqlalchemy.create_engine("sqlite://").begin() as connection,
        pytest.raises(KeyboardInterrupt),
    ):
        work(connection)
    assert answers == [1]
