"""Doing the same to many things in several processes, in order, whatever happens to one of them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from ostinato.console import track

Item = TypeVar("Item")
Result = TypeVar("Result")


def each(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    processes: int,
    description: str,
    crashed: Callable[[Item], Result],
) -> Iterator[Result]:
    """Yield `function(item)` for each item, in order, behind a progress bar.

    `function` handles its own exceptions. Where it kills its process (a crash in C code, memory
    run out), the result is `crashed(item)`. With one process it runs in this one.
    """
    if processes == 1 or len(items) < 2:
        results: Iterator[Result] = map(function, items)
    else:
        results = _in_processes(function, items, processes, crashed)
    yield from track(results, description, len(items))


def _in_processes(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    processes: int,
    crashed: Callable[[Item], Result],
) -> Iterator[Result]:
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    done = 0
    while done < len(items):
        parallel: Any = Parallel(n_jobs=processes, backend="loky", return_as="generator")
        try:
            for result in parallel(delayed(function)(item) for item in items[done:]):
                yield result
                done += 1
        except TerminatedWorkerError:
            # Some item after the last one that came back is to blame: find it one at a time.
            for item in items[done:]:
                outcome = _alone(function, item)
                done += 1
                if outcome is None:
                    yield crashed(item)
                    break
                yield outcome[0]


def _alone(function: Callable[[Item], Result], item: Item) -> tuple[Result] | None:
    from joblib.externals.loky import ProcessPoolExecutor
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    with ProcessPoolExecutor(max_workers=1) as executor:
        try:
            return (executor.submit(function, item).result(),)
        except TerminatedWorkerError:
            return None
