"""Selection of the runs of an MLflow store that are compared."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ostinato import console
from ostinato.comparison.runs import runs_by_id, search_runs
from ostinato.errors import UserError
from ostinato.run_notes import RUNS
from ostinato.sweeps.parent import PARENT_TAG, SWEEP_NOTE
from ostinato.tracking import SWEEP_TAG

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

RUN_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Asked:
    """Request of a command line: runs by id, name or folder, a sweep, an experiment, a search.

    Without any of them, all runs of the experiment.
    """

    runs: Sequence[str] = ()
    sweep: str | None = None
    experiment: str | None = None
    where: str | None = None


def select_runs(client: "MlflowClient", asked: Asked, experiment: str) -> "list[Run]":
    """Return the runs that are asked for; `experiment` is the id of the project's own.

    Raises `UserError` for what is not there, and where nothing is found.
    """
    if asked.experiment is not None:
        found = client.get_experiment_by_name(asked.experiment)
        if found is None:
            names = ", ".join(sorted(e.name for e in client.search_experiments()))
            raise UserError(f"there is no MLflow experiment {asked.experiment}: there are {names}.")
        experiment = found.experiment_id
    clauses = [asked.where] if asked.where else []
    if asked.sweep is not None:
        ids, clause = _of_sweep(client, asked.sweep)
        clauses += [clause] if clause else []
        if ids and not clause:
            return runs_by_id(client, ids)
    if asked.runs:
        ids = [run_id for name in asked.runs for run_id in run_ids(client, name, experiment)]
        chosen = runs_by_id(client, ids)
        if not clauses:
            return chosen
    found_runs = search_runs(client, [experiment], " and ".join(clauses))
    if asked.runs:
        found_runs = [run for run in found_runs if run.info.run_id in set(ids)]
    # a sweep's own run holds the comparison, and no model
    found_runs = [run for run in found_runs if SWEEP_TAG not in run.data.tags]
    if not found_runs:
        raise UserError("no run is found: `ostinato ui` shows those that there are.")
    return found_runs


def run_ids(client: "MlflowClient", name: str, experiment: str) -> list[str]:
    """Return the ids of the runs that are meant by an id, a name, or the folder of a run.

    Raises `UserError` where there is none.
    """
    if RUN_ID.fullmatch(name):
        return [name]
    if Path(name).is_dir():
        return _of_folder(Path(name))
    quoted = name.replace("'", "''")
    found = search_runs(client, [experiment], f"attributes.run_name = '{quoted}'")
    if not found:
        raise UserError(
            f"there is no run {name}: give the id or the name of an MLflow run, or the folder of a "
            "run; `ostinato ui` shows them."
        )
    return [run.info.run_id for run in found]


def sweep_id(sweep: str) -> str | None:
    """Return the id of a sweep's own run, by itself or by its folder; None where it has none."""
    if RUN_ID.fullmatch(sweep):
        return sweep
    note = Path(sweep) / SWEEP_NOTE
    return str(json.loads(note.read_text(encoding="utf-8"))["id"]) if note.is_file() else None


def _of_folder(folder: Path) -> list[str]:
    """Return the run whose model lies in a folder, the one that was noted last."""
    file = folder / RUNS
    noted = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    if not noted:
        raise UserError(f"{console.where(folder)} holds no run that MLflow has recorded.")
    return list(noted.values())[-1:]


def _of_sweep(client: "MlflowClient", sweep: str) -> tuple[list[str], str]:
    """Return the runs of a sweep by their ids, or the clause that finds them."""
    if (parent := sweep_id(sweep)) is not None:
        runs_by_id(client, [parent])
        return [], f"tags.`{PARENT_TAG}` = '{parent}'"
    folder = Path(sweep)
    if folder.is_dir():
        jobs = sorted(path.parent for path in folder.glob(f"*/{RUNS}"))
        if not jobs:
            raise UserError(f"{console.where(folder)} holds no runs of a sweep.")
        return [run_id for job in jobs for run_id in _of_folder(job)], ""
    raise UserError(
        f"--sweep {sweep} is neither the folder of a sweep nor the id of its MLflow run: "
        "`ostinato run -m …` says both at its end."
    )
