"""Training on several devices of a machine: a process each, which the first one starts.

The first process holds the run: it alone prints, records and writes checkpoints. The others are
started once the network and its data are there, and do nothing but train.
"""

import multiprocessing
import pickle
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from typing import Any

import torch
from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment

from ostinato.errors import UserError

HOST = "127.0.0.1"
PATIENCE = 60.0  # seconds in which a process should end after the last step
READY = "ready"


class Rank(ClusterEnvironment):
    """The place of a process among those of a training, which are all on this machine."""

    def __init__(self, rank: int, ranks: int, port: int) -> None:
        super().__init__()
        self.rank, self.ranks, self.port = rank, ranks, port

    @property
    def creates_processes_externally(self) -> bool:
        """Return True: Lightning starts none, which would run the whole command once more."""
        return True

    @property
    def main_address(self) -> str:
        """Return where the processes meet."""
        return HOST

    @property
    def main_port(self) -> int:
        """Return where the processes meet."""
        return self.port

    @staticmethod
    def detect() -> bool:
        """Return False: it is never found, only given."""
        return False

    def world_size(self) -> int:
        """Return how many processes there are."""
        return self.ranks

    def set_world_size(self, size: int) -> None:
        """Do nothing: it is known."""

    def global_rank(self) -> int:
        """Return the number of the process, from 0."""
        return self.rank

    def set_global_rank(self, rank: int) -> None:
        """Do nothing: it is known."""

    def local_rank(self) -> int:
        """Return the number of the process, from 0."""
        return self.rank

    def node_rank(self) -> int:
        """Return 0: there is one machine."""
        return 0


@contextmanager
def start_helpers(ranks: int, work: Callable[[Rank, Any], None], task: Any) -> Iterator[Rank]:
    """Yield the rank of this process, the first of `ranks`, while the others do their work.

    work: called in each other process with its rank and the task; task: what pickle can copy.
    Raises `UserError` where one of them ends before its time. At the end of the block they are
    waited for; they are stopped where it raises.
    """
    context = multiprocessing.get_context("spawn")
    port, copied = _find_port(), pickle.dumps((torch.get_num_threads(), task))
    helpers: list[tuple[Any, Connection]] = []
    try:
        for rank in range(1, ranks):
            here, there = context.Pipe(duplex=False)
            arguments = (work, Rank(rank, ranks, port), copied, there)
            helper = context.Process(target=_help, args=arguments, daemon=True)
            helper.start()
            there.close()
            helpers.append((helper, here))
        for helper, here in helpers:
            # one that has died would be waited for by all when they meet
            wait([here, helper.sentinel])
            _await_ready(here, helper)
        yield Rank(0, ranks, port)
        for helper, _ in helpers:
            helper.join(PATIENCE)
    except Exception as error:
        codes = [helper.exitcode for helper, _ in helpers]
        if isinstance(error, UserError) or not any(codes):
            raise
        raise UserError(
            f"a process of this training on {ranks} devices has ended before its time (exit codes "
            f"{', '.join(str(code) for code in codes)}): the same command goes on from the last "
            "checkpoint."
        ) from error
    finally:
        for helper, _ in helpers:
            if helper.is_alive():
                helper.kill()  # Lightning takes SIGTERM for a notice
                helper.join()
        _leave()


def _await_ready(here: Connection, helper: Any) -> None:
    with suppress(EOFError):
        if here.recv() == READY:
            return
    helper.join()
    raise UserError(
        f"a process of this training could not be started (exit code {helper.exitcode})."
    )


def _help(work: Callable[[Rank, Any], None], rank: Rank, copied: bytes, there: Connection) -> None:
    """Do the work of a process that is not the first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all: the first one decides
    threads, task = pickle.loads(copied)
    torch.set_num_threads(threads)
    there.send(READY)
    there.close()
    try:
        work(rank, task)
    except UserError:  # the first process says it
        sys.exit(0)
    finally:
        _leave()


def _leave() -> None:
    """Leave the group of processes, so that this process may train in another one."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _find_port() -> int:
    with socket.socket() as free:
        free.bind((HOST, 0))
        return int(free.getsockname()[1])
