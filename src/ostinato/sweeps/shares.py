"""Shares of a machine: the threads and the GPUs of each job where several run at once."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato.locks import try_lock

if TYPE_CHECKING:
    from filelock import BaseFileLock

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
GPUS = "CUDA_VISIBLE_DEVICES"
ON_GPU = ("gpu", "cuda", "auto")  # values of training.accelerator

_place: "tuple[int, BaseFileLock] | None" = None  # kept until this process ends


@dataclass(frozen=True)
class Machine:
    """A machine as the process sees it that launches a sweep.

    cores: how many it may use; gpus: the value of CUDA_VISIBLE_DEVICES, None where it is not set;
    threads: the value of OMP_NUM_THREADS, None where it is not set.
    """

    cores: int
    gpus: str | None
    threads: str | None

    @classmethod
    def here(cls) -> "Machine":
        """Return this machine."""
        from joblib import cpu_count

        return cls(int(cpu_count()), os.environ.get(GPUS), os.environ.get(THREADS[0]))


@dataclass(frozen=True)
class Asked:
    """What a job asks of a machine: training.accelerator and training.devices."""

    accelerator: str
    devices: int


def count_at_once(launcher: str, settings: Mapping[str, Any], jobs: int, cores: int) -> int:
    """Return how many jobs run on this machine at once, each in a process of its own.

    launcher: the option of hydra/launcher, with its settings; jobs: how many it is given. 0 where
    something else divides the machine: a cluster, or nothing, as the jobs run one by one.
    """
    if launcher == "submitit_local":
        return jobs
    if launcher != "joblib":
        return 0
    wanted = int(settings.get("n_jobs", -1))
    count = wanted if wanted > 0 else max(1, cores + 1 + wanted)
    return 0 if count == 1 else count


def share_threads(at_once: int, machine: Machine, asked: int | None = None) -> int | None:
    """Return how many threads a job has; None where it has all.

    OMP_NUM_THREADS goes first where the user sets it, and then `asked`, the cores that the
    launcher is told to reserve for a job.
    """
    if machine.threads and machine.threads.isdecimal():
        return int(machine.threads)
    if asked:
        return asked
    return max(1, machine.cores // at_once) if at_once else None


def share_gpus(place: int, gpus: Sequence[str], devices: int = 1) -> list[str]:
    """Return the GPUs of a process: so many, by number in turn.

    place: the number of the process among those that run at once; gpus: the names of all. A
    process that asks for more than there are is given all of them.
    """
    if devices >= len(gpus):
        return list(gpus)
    return [gpus[(place * devices + i) % len(gpus)] for i in range(devices)]


def take_share(at_once: int, machine: Machine, asked: Asked, folder: Path) -> None:
    """Have this process keep to its share of the GPUs.

    folder: where the processes of a sweep take their places. Nothing is done where training does
    not ask for a GPU.
    """
    if not at_once or asked.accelerator not in ON_GPU:
        return
    place = _take_place(folder)
    gpus = _list_gpus(machine)
    if gpus:
        os.environ[GPUS] = ",".join(share_gpus(place, gpus, asked.devices))


def limit_threads(threads: int | None) -> None:
    """Have this process compute with so many threads; None: with as many as before."""
    if threads is None:
        return
    for name in THREADS:
        os.environ[name] = str(threads)
    if "torch" in sys.modules:  # else it reads the environment
        sys.modules["torch"].set_num_threads(threads)


def _take_place(folder: Path) -> int:
    """Return the first number that no other process of the sweep has, and keep it."""
    global _place
    folder.mkdir(parents=True, exist_ok=True)
    number = 0
    while _place is None:
        lock = try_lock(folder / f"place-{number}.lock")
        if lock is not None:
            _place = number, lock
        number += 1
    return _place[0]


def _list_gpus(machine: Machine) -> list[str]:
    """Return the names of the GPUs that the launching process sees; none is touched."""
    if machine.gpus is not None:
        return [name.strip() for name in machine.gpus.split(",") if name.strip()]
    import torch

    os.environ.pop(GPUS, None)  # a launcher may have hidden them
    return [str(number) for number in range(torch.cuda.device_count())]
