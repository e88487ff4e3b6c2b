"""An MLflow server on this machine, as a team has one."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

Server = tuple[str, "subprocess.Popen[bytes]"]


@contextmanager
def serving(home: Path) -> Iterator[Server]:
    """A server that keeps its runs in a folder: its address and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    home.mkdir()
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{home}/mlflow.db"]
    command += ["--artifacts-destination", str(home / "artifacts")]
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=home, stdout=log, stderr=log, start_new_session=True
        )
    uri = f"http://127.0.0.1:{port}"
    try:
        answering(uri, process, home / "log")
        yield uri, process
    finally:
        stop(process)


def answering(uri: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    wait_until(lambda: urllib.request.urlopen(f"{uri}/health", timeout=5), process, log)


def wait_until(
    connect: Callable[[], AbstractContextManager[Any]],
    process: "subprocess.Popen[bytes]",
    log: Path,
) -> None:
    """Return when a server that was started takes a connection."""
    for _ in range(240):
        assert process.poll() is None, log.read_text()
        try:
            with connect():
                return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"the server does not answer: {log.read_text()}")


def stop(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        os.killpg(process.pid, 15)
        process.wait(60)
