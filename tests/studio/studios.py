"""A studio that is served on this machine, and questions to it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

PATIENCE = 120  # seconds until a studio has opened its models


@dataclass(frozen=True)
class Answer:
    """Status and JSON of an answer."""

    status: int
    body: Any


@dataclass(frozen=True)
class Served:
    """A running studio: its address, its process and the project that it is of."""

    address: str
    process: "subprocess.Popen[bytes]"
    project: Path
    token: str = ""

    def get(self, path: str) -> Any:
        """Return the JSON of a page."""
        return requests.get(self.address + path, timeout=PATIENCE).json()

    def post(self, path: str, **body: Any) -> Answer:
        """Return what a request with this JSON is answered."""
        answer = requests.post(self.address + path, json=body, timeout=PATIENCE)
        return Answer(answer.status_code, answer.json())

    def events(self, path: str, **body: Any) -> Iterator[tuple[str, Any]]:
        """Yield the events that a request is answered by."""
        headers = {"Accept": "text/event-stream"}
        with requests.post(
            self.address + path, json=body, headers=headers, stream=True, timeout=PATIENCE
        ) as answer:
            name = ""
            for line in answer.iter_lines(decode_unicode=True):
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    yield name, json.loads(line.removeprefix("data: "))

    def children(self) -> list[int]:
        """Return the ids of the processes that do its work."""
        import psutil

        found = psutil.Process(self.process.pid).children(recursive=True)
        return [child.pid for child in found if "resource_tracker" not in " ".join(child.cmdline())]


@contextmanager
def studio(project: Path, *words: str) -> Iterator[Served]:
    """Serve the studio of a project as a user does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    program = Path(sys.executable).parent / "ostinato"
    command = [str(program), "studio", *words, "--port", str(port), "--no-browser"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    log = project / "studio.log"
    with log.open("w") as said:
        process = subprocess.Popen(
            command, cwd=project, env=environment, stdout=said, stderr=said, start_new_session=True
        )
    try:
        printed = _wait(process, log)
        token = printed.partition("token=")[2].split(" ")[0]
        yield Served(f"http://127.0.0.1:{port}", process, project, token)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def _wait(process: "subprocess.Popen[bytes]", log: Path) -> str:
    """Return what a studio has printed when it is served."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        if "the studio is at" in (said := log.read_text()):
            return said
        time.sleep(0.1)
    raise AssertionError(f"the studio has not begun: {log.read_text()}")
