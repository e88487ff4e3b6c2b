"""Jobs that run at once share the threads and the GPUs of a machine."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ostinato.sweeps.shares import (
    Asked,
    Machine,
    count_at_once,
    share_gpus,
    share_threads,
    take_share,
)

EIGHT = Machine(8, None, None)


@pytest.mark.parametrize(
    ("launcher", "settings", "jobs", "expected"),
    [
        ("basic", {}, 9, 0),
        ("joblib", {"n_jobs": 3}, 9, 3),
        ("joblib", {"n_jobs": -1}, 9, 8),
        ("joblib", {"n_jobs": -2}, 9, 7),
        ("joblib", {"n_jobs": 1}, 9, 0),
        ("submitit_local", {}, 9, 9),
        ("submitit_slurm", {}, 9, 0),
        ("ray", {}, 9, 0),
    ],
)
def test_jobs_at_once_are_those_of_one_machine(
    launcher: str, settings: dict[str, int], jobs: int, expected: int
) -> None:
    assert count_at_once(launcher, settings, jobs, cores=8) == expected


@pytest.mark.parametrize(
    ("at_once", "user", "reserved", "expected"),
    [
        (2, None, None, 4),
        (3, None, None, 2),
        (20, None, None, 1),
        (0, None, None, None),
        (2, "3", None, 3),
        (2, None, 6, 6),
        (2, "1", 6, 1),
        (2, "many", None, 4),
    ],
)
def test_threads_are_divided_unless_somebody_has_said_how_many(
    at_once: int, user: str | None, reserved: int | None, expected: int | None
) -> None:
    assert share_threads(at_once, Machine(8, None, user), reserved) == expected


@pytest.mark.parametrize(
    ("place", "gpus", "devices", "expected"),
    [
        (0, "0123", 1, "0"),
        (3, "0123", 1, "3"),
        (4, "0123", 1, "0"),
        (1, "0123", 2, "23"),
        (2, "0123", 2, "01"),
        (1, "012", 2, "20"),
        (5, "0", 1, "0"),
        (1, "01", 3, "01"),
        (1, "", 1, ""),
    ],
)
def test_gpus_are_taken_in_turn(place: int, gpus: str, devices: int, expected: str) -> None:
    assert share_gpus(place, list(gpus), devices) == list(expected)


def test_a_job_on_the_processor_takes_no_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5")
    take_share(2, Machine(8, "4,5", None), Asked("cpu", 1), tmp_path)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "4,5"
    assert not list(tmp_path.iterdir())


WORKER = """
import json, os, sys
from pathlib import Path
from ostinato.sweeps.shares import Asked, Machine, take_share
for _ in range(2):  # a process that runs a second job keeps what it has
    take_share(3, Machine(8, "4,7", None), Asked("gpu", 1), Path(sys.argv[1]))
    print(json.dumps(os.environ["CUDA_VISIBLE_DEVICES"]), flush=True)
sys.stdin.read()
"""


def test_processes_that_run_at_once_take_different_gpus(tmp_path: Path) -> None:
    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", WORKER, str(tmp_path)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def taken(process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None
        first, second = (json.loads(process.stdout.readline()) for _ in range(2))
        assert first == second
        return str(first)

    workers = [start() for _ in range(3)]
    try:
        assert sorted(taken(worker) for worker in workers) == ["4", "4", "7"]
    finally:
        for worker in workers:
            worker.communicate("")
    again = start()
    assert taken(again) == "4", "places of processes that have ended are free"
    again.communicate("")
