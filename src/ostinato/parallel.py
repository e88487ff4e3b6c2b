"""Doing the same to many things, in processes of this machine or of a cluster."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field

from ostinato.errors import UserError

Item = TypeVar("Item")
Result = TypeVar("Result")

DIED = ("TerminatedWorkerError", "KilledWorker", "WorkerCrashedError")  # loky's, Dask's, Ray's
AT_ONCE = 16  # items a process: Ray returns nothing before all are done
ANSWER = "20s"  # how long a scheduler may take to answer


@dataclass(frozen=True)
class Workers:
    """The processes that read and encode music. They never change what comes out."""

    backend: Annotated[
        Literal["loky", "dask", "ray"],
        Field(description="loky: processes of this machine; dask, ray: those of a cluster too"),
    ]
    processes: Annotated[
        int | None, Field(ge=1, description="how many; null: one for each core, or all the cluster")
    ]
    address: Annotated[
        str | None,
        Field(min_length=1, description="of the Dask scheduler or Ray head; null: start one here"),
    ]

    def __post_init__(self) -> None:
        if self.backend == "loky" and self.address is not None:
            raise ValueError(
                f"address={self.address} goes with backend=dask or backend=ray: loky has none."
            )

    @classmethod
    def of_this_machine(cls, processes: int | None = None) -> "Workers":
        """Return so many processes of this machine; None: one for each core."""
        return cls(backend="loky", processes=processes, address=None)

    @property
    def count(self) -> int:
        """Return how many processes there are on this machine."""
        from joblib import cpu_count

        return self.processes or int(cpu_count())

    def map(
        self,
        function: Callable[[Item], Result],
        items: Sequence[Item],
        crashed: Callable[[Item], Result],
    ) -> Iterator[Result]:
        """Yield `function(item)` for each item, in order.

        `function` handles its own exceptions. Where it kills its process (a crash in C code, memory
        run out), the result is `crashed(item)`, and the other items do not notice. One process of
        loky's is this one. Raises `UserError` where the cluster cannot be had.
        """
        if len(items) < 2 or (self.backend == "loky" and self.count == 1):
            yield from map(function, items)
            return
        from joblib import parallel_config

        with self._cluster(), parallel_config(backend=self.backend, n_jobs=self.processes or -1):
            at_once = AT_ONCE * self.count if self.backend == "ray" else None
            yield from _in_processes(function, items, crashed, at_once)

    @contextmanager
    def _cluster(self) -> Iterator[None]:
        if self.backend == "dask":
            with self._dask():
                yield
            return
        if self.backend == "ray":
            self._ray()
        yield

    def _dask(self) -> Any:
        from distributed import Client

        if self.address is None:
            return Client(
                n_workers=self.count, threads_per_worker=1, dashboard_address=None, timeout=ANSWER
            )
        try:
            client = Client(self.address, timeout=ANSWER)
        except (OSError, ValueError) as error:
            raise UserError(
                f"no Dask scheduler answers at preprocess.address={self.address}: start one with "
                "`dask scheduler`, or leave the address out to use this machine alone."
            ) from error
        if not client.scheduler_info()["workers"]:
            client.close()
            raise UserError(
                f"the Dask scheduler at {self.address} has no workers: start some with "
                f"`dask worker {self.address}`, in an environment that has ostinato."
            )
        return client

    def _ray(self) -> None:
        try:
            import ray
            from ray.util.joblib import register_ray
        except ImportError as error:
            raise UserError("preprocess.backend=ray needs Ray: run `pip install ray`.") from error
        try:
            ray.init(
                address=self.address,
                num_cpus=None if self.address else self.count,
                ignore_reinit_error=True,
                include_dashboard=False if self.address is None else None,
                log_to_driver=False,
            )
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise UserError(
                f"no Ray head answers at preprocess.address={self.address}: start one with "
                "`ray start --head`, or leave the address out to use this machine alone."
            ) from error
        register_ray()


def _in_processes(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    crashed: Callable[[Item], Result],
    at_once: int | None,
) -> Iterator[Result]:
    done = 0
    while done < len(items):
        try:
            for result in _together(function, items[done:], at_once):
                yield result
                done += 1
        except Exception as error:
            if type(error).__name__ not in DIED:
                raise
            # Some item after the last one that came back is to blame: find it one at a time.
            for item, outcome in zip(
                items[done:], run_isolated(function, items[done:]), strict=True
            ):
                done += 1
                if outcome is None:
                    yield crashed(item)
                    break
                yield outcome[0]


def _together(
    function: Callable[[Item], Result], items: Sequence[Item], at_once: int | None
) -> Iterator[Result]:
    """Yield results as they come, or so many at once from a backend that cannot stream."""
    from joblib import Parallel, delayed

    if at_once is None:
        streaming: Any = Parallel(return_as="generator")
        yield from streaming(delayed(function)(item) for item in items)
        return
    for start in range(0, len(items), at_once):
        yield from Parallel()(delayed(function)(item) for item in items[start : start + at_once])


def run_isolated(
    function: Callable[[Item], Result], items: Sequence[Item]
) -> Iterator[tuple[Result] | None]:
    """Yield (`function(item)`,) for each item, one at a time in one other process.

    None for an item that killed it; the next one has a new process.
    """
    from joblib.externals.loky import ProcessPoolExecutor
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    executor = ProcessPoolExecutor(max_workers=1)
    try:
        for item in items:
            try:
                outcome = (executor.submit(function, item).result(),)
            except TerminatedWorkerError:
                executor.shutdown(kill_workers=True)
                executor = ProcessPoolExecutor(max_workers=1)
                yield None
                continue
            yield outcome
    finally:
        executor.shutdown(kill_workers=True)
