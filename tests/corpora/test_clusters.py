"""Reading and encoding by a real Dask scheduler and its workers, on this machine."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from defaults import build
from ostinato import cli
from ostinato.errors import UserError
from ostinato.music.piece import Piece
from ostinato.music.writing import write_midi

HOST = "tcp://127.0.0.1"


def started(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "dask", *words]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def told(process: subprocess.Popen[str], word: str) -> str:
    """The line of a process's log that has this word."""
    assert process.stderr
    for line in process.stderr:
        if word in line:
            return line
    raise AssertionError(f"it ended without {word}")


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a scheduler with two workers."""
    processes = [started("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")]
    try:
        address = HOST + told(processes[0], "Scheduler at:").rpartition(HOST)[2].strip()
        local = ("--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1", "--no-nanny")
        processes += [started("worker", address, *local) for _ in range(2)]
        for worker in processes[1:]:
            told(worker, "Registered to:")
        yield address
    finally:
        for process in reversed(processes):
            process.kill()
            process.communicate()


@pytest.fixture
def music(project: Path, short_chorales: list[Piece], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with so many chorales that they make several parts."""
    for copy in range(8):
        for piece in short_chorales:
            write_midi(piece, project / "data" / "bach" / f"{copy}" / f"{piece.name}.mid")
    monkeypatch.chdir(project)
    return project


def pieces(project: Path, *overrides: str) -> dict[str, bytes]:
    """What preprocessing writes."""
    assert cli.main(["preprocess", *overrides]) == 0
    return {path.name: path.read_bytes() for path in (project / "outputs" / "pieces").iterdir()}


def test_dask_workers_write_the_same_bytes_as_this_machine(music: Path, scheduler: str) -> None:
    alone = pieces(music, "preprocess.processes=1")
    assert len(alone) == 11  # four parts, each of pieces and of notes, index, rejects, manifest
    words = ("preprocess.backend=dask", f"preprocess.address={scheduler}")
    assert pieces(music, *words) == alone


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostinato.parallel.ANSWER", "1s")
    workers = build("preprocess=loky", backend="dask", address=f"{HOST}:9")
    with pytest.raises(UserError, match=r"no Dask scheduler answers at .*127\.0\.0\.1:9: start"):
        list(workers.map(str, range(3), str))


def test_an_address_without_a_cluster_is_refused() -> None:
    with pytest.raises(ValueError, match="goes with backend=dask or backend=ray"):
        build("preprocess=loky", address=HOST)
