"""Sweeps that are killed, against one that nothing disturbs; searches with and without pruning.

    python benchmarks/sweeps.py kills [--kills 10] [--seed 0]
    python benchmarks/sweeps.py pruning [--searches 3]

kills: a sweep of nine small jobs runs to its end; then the same sweep, in a project as new, is
killed by `kill -9` at seeded moments, given again each time, and at last left to end. Both must
come to the same figures and the same bytes, with one MLflow run a job.

pruning: searches by TPE for the learning rate and the size of a small GRU, one a seed of the
sampler, without and with pruning. Epochs are those of all trials, each of as many steps. How far
the best figure is chance is told by the best trial without pruning, trained with other seeds.

Both write sweeps.json beside this file.
"""

import argparse
import hashlib
import os
import platform
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ostinato.corpora.sources.packaged import BachChorales
from ostinato.files import write_json
from ostinato.music.writing import write_midi
from ostinato.stages.sweep import list_results
from ostinato.sweeps.parent import PARENT_TAG
from ostinato.tracking import STORE, SWEEP_TAG

OUT = Path(__file__).with_name("sweeps.json")
ROOT = Path(__file__).parents[1]
PIECES = 24
TINY = (
    *("debug=smoke", "model.size=tiny", "model.backbone.hidden_size=8"),
    *("training.max_pieces=6", "training.batch_size=4"),
    *("sampling.pieces=1", "sampling.min_bars=0", "sampling.max_bars=2", "preprocess.processes=1"),
)
NINE = ("model=rnn,gru,lstm", "seed=1,2,3", *TINY)
FIGURES = ("number", "overrides", "state", "score", "epochs", "error")
OUTS = ("config.yaml", "split.json", "curves.csv", "model", "samples", "evaluation")
SEARCH = (
    *("hydra/sweeper=optuna", "hydra.sweeper.n_trials=20", "hydra.sweeper.n_jobs=1"),
    *("training.learning_rate=tag(log,interval(0.0003,0.1))",),
    *("model.size=tiny", "model.backbone.hidden_size=choice(8,16,32)", "model=gru", "debug=smoke"),
    *("training.epochs=16", "training.max_pieces=16", "model.backbone.layers=1"),
    *(
        "sampling.pieces=1",
        "sampling.min_bars=0",
        "sampling.max_bars=1",
        "preprocess.processes=1",
        "tracking=off",
    ),
)
SEEDS = 5  # with which the best trial is trained again
LINES = 30  # a start is killed after at most so many lines of news; a job prints about 15
LATER = 0.5  # and at most so many seconds after the line
POLL = 0.02  # seconds


@dataclass(frozen=True)
class Moment:
    """When a start is killed: seconds after it has printed so many lines.

    Lines, as the speed of a machine that others use differs.
    """

    lines: int
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """What a sweep came to: figures a job, hashes of files, and its MLflow runs by status."""

    rows: list[dict[str, Any]]
    hashes: Mapping[str, str]
    runs: Mapping[str, int]
    parents: int
    seconds: float
    starts: int = 1


def main() -> None:
    """Run the measurement that is named, and write its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("kills", "pruning"))
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--searches", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.what == "kills":
            figures = measure_kills(Path(folder), given.kills, given.seed)
        else:
            figures = measure_pruning(Path(folder), given.searches)
    print(figures)
    keep(given.what, figures)


def keep(name: str, figures: Mapping[str, Any]) -> None:
    """Write figures into sweeps.json, beside those of other measurements."""
    import json

    known = json.loads(OUT.read_text(encoding="utf-8")) if OUT.exists() else {}
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    write_json(OUT, {**known, name: {**figures, "machine": machine}})


def measure_kills(base: Path, kills: int, seed: int, words: Sequence[str] = NINE) -> dict[str, Any]:
    """Return in how much a sweep that is killed so often differs from one that is not."""
    template = make_project(base / "template")
    whole = run_sweep(template, base, words)
    drawn = random.Random(seed)
    moments = [Moment(drawn.randrange(LINES), drawn.uniform(0, LATER)) for _ in range(kills)]
    killed = run_sweep(template, base, words, moments)
    files = whole.hashes.keys() | killed.hashes.keys()
    return {
        "jobs": len(whole.rows),
        "seed": seed,
        "kills": killed.starts - 1,
        "moments": [asdict(moment) for moment in moments],
        "same_rows": sum(a == b for a, b in zip(whole.rows, killed.rows, strict=False)),
        "files": len(files),
        "different_files": sorted(
            name for name in files if whole.hashes.get(name) != killed.hashes.get(name)
        ),
        "runs": dict(killed.runs),
        "parents": killed.parents,
        "seconds_undisturbed": round(whole.seconds, 1),
        "seconds_killed": round(killed.seconds, 1),
    }


def measure_pruning(base: Path, searches: int) -> dict[str, Any]:
    """Return the steps and the best figure of searches without and with pruning, one a seed."""
    template = make_project(base / "template")
    rows: list[dict[str, Any]] = []
    figures: dict[str, Any] = {}
    for seed in range(1, searches + 1):
        rows.append(_compare_searches(template, base, seed))
        print(rows[-1], flush=True)
        saved = statistics.mean(row["saved"] for row in rows)
        figures = {"command": " ".join(SEARCH), "searches": rows, "saved": round(saved, 4)}
        keep("pruning", {**figures, "seeds": SEEDS})  # after each: they take long
    return {**figures, "seeds": SEEDS}


def _compare_searches(template: Path, base: Path, seed: int) -> dict[str, Any]:
    """Return what pruning saves in a search, and what the best figure is worth."""
    words = (*SEARCH, f"hydra.sweeper.sampler.seed={seed}")
    whole = run_sweep(template, base, words).rows
    best = min((row for row in whole if row["score"] is not None), key=lambda row: row["score"])
    again = [word for word in best["overrides"] if "=" in word]
    seeds = run_sweep(template, base, (*again, f"seed=range(1,{SEEDS + 1})")).rows
    scores = [row["score"] for row in seeds]
    pruned = run_sweep(template, base, (*words, "sweep.prune=true")).rows
    kept = min(row["score"] for row in pruned if row["state"] == "finished")
    epochs = [sum(row["epochs"] for row in rows) for rows in (whole, pruned)]
    return {
        "seed": seed,
        "trials": len(whole),
        "pruned_trials": sum(row["state"] == "pruned" for row in pruned),
        "epochs": epochs,
        "epochs_by_trial": [[row["epochs"] for row in rows] for rows in (whole, pruned)],
        "saved": round(1 - epochs[1] / epochs[0], 4),
        "best": [best["score"], kept],
        "deviation_of_seeds": round(statistics.stdev(scores), 4),
    }


def make_project(folder: Path) -> Path:
    """Return a project with the settings of this one and a few short chorales."""
    shutil.copytree(ROOT / "conf", folder / "conf")
    shutil.copy(ROOT / "params.yaml", folder)
    for piece in _short_chorales():
        write_midi(piece, folder / "data" / "bach" / f"{piece.name}.mid")
    return folder


def run_sweep(
    template: Path, base: Path, words: Sequence[str], kills: Sequence[Moment] = ()
) -> Outcome:
    """Run a sweep in a copy of a project, always at one place, killed at these moments."""
    project = base / "project"
    shutil.rmtree(project, ignore_errors=True)
    shutil.copytree(template, project)
    begun, starts = time.monotonic(), 1
    for moment in kills:
        if _start(project, words, moment):
            break  # it came to its end before
        starts += 1
    else:
        _start(project, words)
    [folder] = [file.parent for file in project.glob("outputs/sweeps/*/*/sweep.json")]
    rows = [{name: row[name] for name in FIGURES} for row in list_results(folder)]
    runs, parents = count_runs(project)
    seconds = time.monotonic() - begun
    return Outcome(rows, dict(hash_outs(folder)), runs, parents, seconds, starts)


def hash_outs(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield every file that the jobs of a sweep have made, with its hash."""
    for file in sorted(folder.glob("[0-9]*/**/*")):
        name = file.relative_to(folder)
        if file.is_file() and name.parts[1] in OUTS:
            yield str(name), hashlib.sha256(file.read_bytes()).hexdigest()


def count_runs(project: Path) -> tuple[dict[str, int], int]:
    """Return how many MLflow runs of jobs there are by status, and of sweeps."""
    from mlflow import MlflowClient

    if not (project / STORE).exists():  # nothing is recorded
        return {}, 0
    client = MlflowClient(f"sqlite:///{project / STORE / 'mlflow.db'}")
    found = [
        run for e in client.search_experiments() for run in client.search_runs([e.experiment_id])
    ]
    parents = [run.info.run_id for run in found if SWEEP_TAG in run.data.tags]
    counts: dict[str, int] = {}
    for run in found:
        if run.info.run_id not in parents:
            below = run.data.tags.get(PARENT_TAG) in parents
            status = run.info.status if below else f"{run.info.status}, of no sweep"
            counts[status] = counts.get(status, 0) + 1
    return counts, len(parents)


def _start(project: Path, words: Sequence[str], kill: Moment | None = None) -> bool:
    """Start the sweep, and kill it at a moment; returns whether it ended before."""
    command = [sys.executable, "-u", "-m", "ostinato", "run", "-m", *words]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    file = project / "log"
    before = _count_lines(file)
    with file.open("a") as log:
        process = subprocess.Popen(
            command, cwd=project, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        while kill and process.poll() is None and _count_lines(file) - before < kill.lines:
            time.sleep(POLL)
        with suppress(subprocess.TimeoutExpired):
            if process.wait(kill.seconds if kill else None):
                raise RuntimeError(file.read_text()[-3000:])
            return True
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return False


def _count_lines(file: Path) -> int:
    return file.read_text().count("\n") if file.exists() else 0


def _short_chorales() -> list[Any]:
    """Return chorales in four voices of 16 to 64 quarter notes, those of the smallest files."""

    class Shortest(BachChorales):
        def jobs(self) -> list[Any]:
            by_size = sorted(super().jobs(), key=lambda job: (job[0].stat().st_size, job[1]))
            return by_size[: 2 * PIECES]

    pieces = [p for p in Shortest().pieces() if len(p.track_names) == 4 and 16 <= p.quarters <= 64]
    return pieces[:PIECES]


if __name__ == "__main__":
    main()
