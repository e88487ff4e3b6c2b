"""What a project holds, and what must not be there after a start that nothing disturbed."""

import hashlib
import json
import os
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

NAMED = re.compile(r"[0-9a-f]{32}|[0-9a-f]{16}")
UNFINISHED = re.compile(r"\.(part|parts|old)$|^\.ostinato-tmp$|^\.fetch\.|^tmp|^\.[^/]+\.\d+\.")
OUTS = ("config.yaml", "pieces", "split.json", "model", "curves.csv", "samples", "evaluation")
WHOLE = "evaluation/metrics.json"  # the last thing that `ostinato run` writes
KINDS = ("different", "stuck", "running", "remains")


@dataclass
class Faults:
    """What went wrong, in words."""

    different: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    running: list[str] = field(default_factory=list)
    remains: list[str] = field(default_factory=list)

    def all(self) -> list[str]:
        return [f"{kind}: {words}" for kind in KINDS for words in getattr(self, kind)]

    def add(self, other: "Faults", prefix: str) -> None:
        """Take over another's faults, each once, with where they were found."""
        for kind in KINDS:
            found = getattr(other, kind)
            if found:
                more = f" (and {len(found) - 3} more)" if len(found) > 3 else ""
                getattr(self, kind).append(f"{prefix}: {'; '.join(found[:3])}{more}")


@dataclass(frozen=True)
class State:
    """What a project holds.

    `paths` counts paths, with fingerprints left out of their names; the MLflow store's are counted
    once. `outs` maps files to hashes; `runs` does so for each folder of a whole `ostinato run`.
    `stopped` are the folders of sweeps that have not ended, with which the same command goes on.
    """

    paths: Counter[str]
    outs: dict[str, str]
    runs: dict[str, dict[str, str]]
    tracked: dict[str, "Tracked"]
    stopped: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Tracked:
    """A run in the MLflow store: `steps` are those at which each metric was recorded."""

    status: str
    steps: dict[str, list[int]]
    parameters: dict[str, str]


def read_state(project: Path) -> State:
    """Read all of a project but conf/."""
    outputs = project / "outputs"
    outs = dict(hashes(project / "data", "data"))
    for name in OUTS:
        outs |= hashes(outputs / name, f"outputs/{name}")
    whole = sorted(file.parent.parent for file in outputs.glob(f"*/**/{WHOLE}"))
    runs = {
        str(folder.relative_to(project)): dict(_hashes_of_run(folder))
        for folder in whole
        if folder.relative_to(outputs).parts[0] in ("runs", "sweeps")
    }
    stopped = frozenset(
        str(file.parent.relative_to(project))
        for file in outputs.glob("sweeps/*/*/sweep.json")
        if json.loads(file.read_text())["state"] != "finished"
    )
    return State(Counter(_paths(project)), outs, runs, read_store(project), stopped)


def compare(state: State, before: State, expected: State, fresh: State, jobs: int) -> Faults:
    """Return how a project differs from one in which the last start was the only one.

    `before` is what it held before the last start; in `fresh` that start made `expected`.
    `jobs` is how many trainings the start runs.
    """
    faults = Faults()
    more, less = state.paths - expected.paths, expected.paths - state.paths
    faults.remains += [f"{path} ({count})" for path, count in more.items()]
    faults.different += [f"{path} is not there" for path in less]
    whole = {path: digest for path, digest in state.outs.items() if not is_unfinished(path)}
    faults.different += _different(whole, expected.outs)
    made = [
        run
        for name, run in state.runs.items()
        if before.runs.get(name) != run or str(Path(name).parent) in before.stopped
    ]
    wanted = [run for name, run in expected.runs.items() if name not in fresh.runs]
    if len(made) != len(wanted):
        faults.different.append(f"{len(made)} whole runs, not {len(wanted)}")
    for run, other in zip(made, wanted, strict=False):
        faults.different += _different(run, other)
    _compare_stores(faults, state, before, expected, jobs)
    return faults


def _compare_stores(
    faults: Faults, state: State, before: State, expected: State, jobs: int
) -> None:
    for run_id, run in state.tracked.items():
        if run.status != "FINISHED":
            faults.running.append(f"MLflow run {run_id[:8]} is {run.status}")
    finished = sum(run.status == "FINISHED" for run in before.tracked.values())
    if len(state.tracked) > finished + jobs:
        faults.running.append(f"{len(state.tracked)} MLflow runs after {finished} and {jobs} more")
    if len(state.tracked) < len(expected.tracked):
        faults.different.append(f"{len(state.tracked)} of {len(expected.tracked)} MLflow runs")
    curves = {curves_of(run) for run in expected.tracked.values()}
    for run_id, run in state.tracked.items():
        if run.status == "FINISHED" and curves_of(run) not in curves:
            faults.different.append(f"MLflow run {run_id[:8]} has the curves {curves_of(run)}")


def curves_of(run: Tracked) -> tuple[tuple[str, tuple[int, ...]], ...]:
    curves = (item for item in run.steps.items() if item[0].startswith(("train_", "validation_")))
    return tuple((name, tuple(sorted(set(steps)))) for name, steps in sorted(curves))


def _different(ours: dict[str, str], theirs: dict[str, str]) -> list[str]:
    return [
        f"{name} {'has other bytes' if name in ours and name in theirs else 'is or is not there'}"
        for name in sorted(ours.keys() | theirs.keys())
        if ours.get(name) != theirs.get(name)
    ]


def read_store(project: Path) -> dict[str, Tracked]:
    """Return the runs of the project's MLflow store, by id."""
    file = project / "outputs" / "mlflow" / "mlflow.db"
    if not file.exists():
        return {}
    with closing(sqlite3.connect(file)) as store:
        if not store.execute("select 1 from sqlite_master where name = 'runs'").fetchone():
            return {}
        rows = store.execute("select run_uuid, status from runs where lifecycle_stage = 'active'")
        metrics = store.execute("select run_uuid, key, step from metrics").fetchall()
        parameters = store.execute("select run_uuid, key, value from params").fetchall()
        runs = {run_id: Tracked(status, {}, {}) for run_id, status in rows}
    for run_id, key, step in metrics:
        if run_id in runs:
            runs[run_id].steps.setdefault(key, []).append(step)
    for run_id, key, value in parameters:
        if run_id in runs:
            runs[run_id].parameters[key] = value
    return runs


def is_unfinished(path: str | Path) -> bool:
    """Return whether a path is, or lies in, what is not yet made or no longer wanted."""
    return any(UNFINISHED.search(part) for part in Path(path).parts)


def hashes(path: Path, name: str) -> Iterator[tuple[str, str]]:
    """Yield the files at or below a path with their hashes."""
    for file in [path] if path.is_file() else sorted(path.rglob("*")):
        if file.is_file():
            inner = "" if file == path else f"/{file.relative_to(path)}"
            yield f"{name}{inner}", hashlib.sha256(file.read_bytes()).hexdigest()


def _hashes_of_run(folder: Path) -> Iterator[tuple[str, str]]:
    for name in OUTS:
        yield from hashes(folder / name, name)


def _paths(project: Path) -> Iterator[str]:
    """Yield every path but those of whole and of killed runs, in which only remains count."""
    in_store = set()
    for path in (*_below(project / "data"), *_below(project / "outputs")):
        name = NAMED.sub("*", str(path.relative_to(project)))
        place = path.relative_to(project).parts[1]
        if place == "mlflow":
            in_store.add(name)
        elif place not in ("runs", "sweeps") or is_unfinished(path.relative_to(project)):
            yield name
    yield from in_store


def _below(folder: Path) -> Iterator[Path]:
    """Yield all files and folders, also where links lead to another file system."""
    for parent, folders, files in os.walk(folder, followlinks=True):
        yield from (Path(parent) / name for name in (*folders, *files))
