"""Notes of MLflow runs beside what a training makes, written before the run begins."""

import json
import uuid
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato import console, scratch
from ostinato.errors import UserError
from ostinato.files import write_json
from ostinato.locks import if_free
from ostinato.refusals import explain_refusal
from ostinato.tracking import BUNDLE_TAG, Run, Tracking, client_of

if TYPE_CHECKING:
    from mlflow import MlflowClient

NOTE = "mlflow_run.json"  # in the folder of a training's checkpoints
RUNS = "mlflow_runs.json"  # beside a bundle: the runs that trained what was there
KEY_TAG = "ostinato.key"


@dataclass(frozen=True)
class RunNote:
    """A note of a run: by its key it is found where it was begun but its id not noted."""

    key: str
    uri: str | None
    experiment: str
    id: str = ""
    running: bool = True

    @classmethod
    def read(cls, file: Path) -> "RunNote | None":
        """Return the note in a file; None where there is none that can be read."""
        try:
            return cls(**json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, file: Path) -> None:
        """Write the note, in one step."""
        write_json(file, asdict(self), within=file.parent)

    @property
    def tracking(self) -> Tracking:
        """Return the store that records the run."""
        return Tracking(enabled=True, uri=self.uri, experiment=self.experiment)


def open_run(tracking: Tracking, home: Path, name: str, file: Path) -> Run:
    """Begin a run, or take up the one that is noted in `file`.

    The caller holds the lock of the folder of `file`. A run that was deleted meanwhile is
    replaced by a new one. Raises `UserError` where the store cannot be reached.
    """
    if not tracking.enabled:
        return Run()
    from mlflow.tracking.context.registry import resolve_tags

    client, experiment = client_of(tracking, home)
    note = RunNote.read(file)
    if note is not None and (note.uri, note.experiment) == (tracking.uri, tracking.experiment):
        found = _find(client, experiment, note)
        if found is not None:
            replace(note, id=found, running=True).write(file)
            client.update_run(found, status="RUNNING")
            resumed = Run(client, found)
            resumed.clear_uploads()
            return resumed
    note = RunNote(uuid.uuid4().hex, tracking.uri, tracking.experiment)
    note.write(file)
    # who started it and from where; MLflow's client does not tell by itself
    tags = {**resolve_tags(), KEY_TAG: note.key}
    created = client.create_run(experiment, run_name=name, tags=tags)
    replace(note, id=created.info.run_id).write(file)
    return Run(client, created.info.run_id)


def note_ended(file: Path) -> None:
    """Note that the run of `file` is no longer marked as running."""
    if (note := RunNote.read(file)) is not None:
        replace(note, running=False).write(file)


def end_dead_runs(checkpoints: Path, home: Path) -> None:
    """Mark as KILLED the runs of trainings in folders below `checkpoints` whose process died."""
    for file in sorted(checkpoints.glob(f"*/{NOTE}")):
        if not (note := RunNote.read(file)) or not note.running:
            continue
        with if_free(file.parent) as free:
            if free and (note := RunNote.read(file)) and note.running:
                _end(note, home)
                note_ended(file)


def note_bundle(bundle: Path, fingerprint: str, run: Run) -> None:
    """Note beside a bundle which run trained it, or that none did."""
    file = bundle.parent / RUNS
    with scratch.exclusive(file):
        runs = {name: id_ for name, id_ in _noted(file).items() if name != fingerprint}
        write_json(file, runs | ({fingerprint: run.id} if run.id else {}))


def find_run(tracking: Tracking, home: Path, bundle: Path, fingerprint: str) -> Run:
    """Return the run that trained a bundle with that fingerprint, or one that records nothing.

    It is the one noted beside the bundle. For a bundle from elsewhere it is looked for in the
    store by the fingerprint, and what was found is printed.
    """
    if not tracking.enabled:
        return Run()
    client, experiment = client_of(tracking, home)
    noted = _noted(bundle.parent / RUNS).get(fingerprint)
    if noted is not None and _is_active(client, noted):
        return Run(client, noted)
    found = client.search_runs(
        [experiment],
        f"tags.`{BUNDLE_TAG}` = '{fingerprint}'",
        order_by=["attributes.start_time DESC"],
    )
    if not found:
        return Run()
    newest = found[0].info
    others = f", the newest of {len(found)} that came to the same weights" if found[1:] else ""
    console.say(
        f"{console.where(bundle)} is not from here: recorded on the MLflow run {newest.run_name} "
        f"({newest.run_id}){others}"
    )
    return Run(client, newest.run_id)


def _find(client: "MlflowClient", experiment: str, note: RunNote) -> str | None:
    """Return the id of a noted run; None where it never began or was deleted, which is printed."""
    if note.id:
        if _is_active(client, note.id):
            return note.id
        console.warn(f"the MLflow run {note.id} was deleted: a new one is begun")
        return None
    found = client.search_runs([experiment], f"tags.`{KEY_TAG}` = '{note.key}'")
    return str(found[0].info.run_id) if found else None


def _is_active(client: "MlflowClient", run_id: str) -> bool:
    from mlflow.exceptions import MlflowException

    try:
        return bool(client.get_run(run_id).info.lifecycle_stage == "active")
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return False


def _end(note: RunNote, home: Path) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client, experiment = client_of(note.tracking, home)
        found = _find(client, experiment, note)
        if found is not None and client.get_run(found).info.status == "RUNNING":
            client.set_terminated(found, "KILLED")
            console.say(f"the MLflow run {found} of a training that was killed is marked so")
    except (UserError, MlflowException) as error:
        reason = str(error) if isinstance(error, UserError) else explain_refusal(error)
        console.warn(f"a training was killed, and its MLflow run still seems to run: {reason}")


def _noted(file: Path) -> dict[str, Any]:
    try:
        runs = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return runs if isinstance(runs, dict) else {}
