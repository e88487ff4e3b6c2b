"""The MLflow run of a sweep, of which the runs of its jobs are the children."""

import json
from contextlib import suppress
from pathlib import Path

from ostinato import scratch
from ostinato.files import write_json
from ostinato.tracking import SUPERSEDED_TAG, SWEEP_TAG, Run, Tracking, client_of

SWEEP_NOTE = "mlflow_sweep.json"  # in the folder of the sweep
PARENT_TAG = "mlflow.parentRunId"


def sweep_run(tracking: Tracking, home: Path, folder: Path) -> Run:
    """Return the run of the sweep in `folder`; the first job to ask for it begins it.

    It trains nothing itself, so that it is never marked as running. A run that was deleted is
    begun again. Raises `UserError` where the store cannot be reached.
    """
    from mlflow.tracking.context.registry import resolve_tags

    if not tracking.enabled:
        return Run()
    client, experiment = client_of(tracking, home)
    note = folder / SWEEP_NOTE
    with scratch.exclusive(note):
        noted = _noted(note, tracking)
        if noted and client.search_runs([experiment], f"attributes.run_id = '{noted}'"):
            return Run(client, noted)
        name = "/".join(folder.parts[-2:])
        tags = {**resolve_tags(), SWEEP_TAG: name}
        run = client.create_run(experiment, run_name=f"sweep {name}", tags=tags)
        client.set_terminated(run.info.run_id)
        write_json(note, {"id": run.info.run_id, "uri": tracking.uri}, within=folder)
        return Run(client, run.info.run_id)


def supersede(tracking: Tracking, home: Path, run_id: str) -> None:
    """Mark the run of a job that is run again with other settings, so that none compares it.

    Nothing is marked where the run is of another store.
    """
    from mlflow.exceptions import MlflowException

    if not tracking.enabled or not run_id:
        return
    client, _ = client_of(tracking, home)
    with suppress(MlflowException):
        client.set_tag(run_id, SUPERSEDED_TAG, "true")


def recover(tracking: Tracking, home: Path, run_id: str, failure_tag: str) -> None:
    """Mark the run of a job that had failed, and has now ended well, as finished."""
    from mlflow.exceptions import MlflowException

    if not tracking.enabled or not run_id:
        return
    client, _ = client_of(tracking, home)
    with suppress(MlflowException):  # the tag may not be there
        client.delete_tag(run_id, failure_tag)
    Run(client, run_id).end()


def _noted(note: Path, tracking: Tracking) -> str:
    """Return the id of the run that is noted; nothing where it is of another store."""
    try:
        found = json.loads(note.read_text(encoding="utf-8"))
        return str(found["id"]) if found["uri"] == tracking.uri else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""
