"""MLflow: one run a training, with its parameters, curves, samples and report."""

import json
import math
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import unquote, urlparse

from filelock import FileLock
from pydantic import Field

from ostinato import console, scratch
from ostinato.errors import UserError
from ostinato.refusals import explain_refusal
from ostinato.wording import quantity

if TYPE_CHECKING:
    from mlflow import MlflowClient

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

STORE = Path("outputs") / "mlflow"
DATABASE = "mlflow.db"
ARTIFACTS = "artifacts"  # the folder beside it
OF_TRAINING = ("config", "model", "curves", "training")  # folders of artifacts
BUNDLE_TAG, INITIAL_TAG = "ostinato.bundle", "ostinato.initial"  # what a run made, began from
WEIGHTS_TAG, SAMPLES_TAG = "ostinato.weights", "ostinato.samples"  # hashes of what a run made
COMMAND_TAG = "ostinato.command"  # the command that runs a training again
SWEEP_TAG = "ostinato.sweep"  # of the run that the runs of a sweep lie below
SUPERSEDED_TAG = "ostinato.superseded"  # of a run whose job was run again with other settings
PRUNED_TAG = "ostinato.pruned"  # of a run that a search ended: why
DESCRIPTION_TAG = "mlflow.note.content"  # Markdown that the UI shows on the run's page
# what runs are compared by: of models with likelihoods, and of those of whole segments
TEST_SCORE, TEST_AREA = "test_nats_per_note", "test_overlapping_area"
LONGEST_VALUE = 6000  # what MLflow takes for one parameter
MOVE = "UPDATE {0} SET {1} = ? || substr({1}, ?) WHERE substr({1}, 1, ?) = ?"
HOLDERS = [("model_versions", name) for name in ("source", "storage_location")]
HOLDERS += [("runs", "artifact_uri")]  # columns of addresses of artifacts; runs, counted, the last


@dataclass(frozen=True)
class Tracking:
    """Settings of tracking. conf/tracking/ holds the options."""

    enabled: Annotated[bool, Field(description="record anything at all")]
    uri: Annotated[
        str | None,
        Field(description="an MLflow server; null: sqlite in outputs/mlflow of this project"),
    ]
    experiment: Annotated[str, Field(min_length=1, description="the MLflow experiment")]


@dataclass(frozen=True)
class DataOfRun:
    """A corpus: its name, the fingerprint of its pieces, its folder, and pieces by split part."""

    name: str
    digest: str
    source: str
    counts: Mapping[str, int]


class Run:
    """A run in the MLflow store; without a store, a run that records nothing."""

    def __init__(self, client: "MlflowClient | None" = None, run_id: str = "") -> None:
        self.client, self.id = client, run_id

    def parameters(self, values: Mapping[str, Any]) -> None:
        """Record parameters; those that a resumed run has already stay as they are."""
        from mlflow.entities import Param

        if self.client is None:
            return
        known = self.client.get_run(self.id).data.params
        rows = [
            Param(key, str(value)[:LONGEST_VALUE])
            for key, value in values.items()
            if key not in known
        ]
        for start in range(0, len(rows), 100):
            self.client.log_batch(self.id, params=rows[start : start + 100])

    def tags(self, values: Mapping[str, str]) -> None:
        """Record tags."""
        for key, value in values.items() if self.client else ():
            self.client.set_tag(self.id, key, value)  # type: ignore[union-attr]

    def describe(self, markdown: str) -> None:
        """Record what the run's page says above its figures."""
        self.tags({DESCRIPTION_TAG: markdown})

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Record metrics, all at once."""
        from mlflow.entities import Metric

        if self.client is None:
            return
        now = int(time.time() * 1000)
        rows = [Metric(key, float(value), now, step) for key, value in values.items()]
        self.client.log_batch(self.id, metrics=rows)

    def await_metric(self, name: str) -> None:
        """Record that a metric is not known yet, as NaN: before any other, so that it comes first.

        MLflow's page that compares runs opens on the metric that was recorded first.
        """
        if self.client is not None and name not in self.client.get_run(self.id).data.metrics:
            self.metrics({name: math.nan})

    def dataset(self, data: "DataOfRun") -> None:
        """Record what a run was trained on, once."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        if self.client is None or self.client.get_run(self.id).inputs.dataset_inputs:
            return
        counts = {f"{part} pieces": str(count) for part, count in data.counts.items()}
        source, profile = json.dumps({"uri": data.source}), json.dumps(counts)
        dataset = Dataset(data.name, data.digest, "local", source, profile=profile)
        tags = [InputTag("mlflow.data.context", "training")]
        tags += [InputTag(name, count) for name, count in counts.items()]
        self.client.log_inputs(self.id, datasets=[DatasetInput(dataset, tags)])

    def artifacts(self, source: Path, folder: str) -> None:
        """Record a file, or all files of a folder, under `folder`; "" is the root of the run."""
        if self.client is None:
            return
        if source.is_dir():
            self.client.log_artifacts(self.id, str(source), folder)
        else:
            self.client.log_artifact(self.id, str(source), folder or None)

    def clear_uploads(self) -> None:
        """Remove files that MLflow was still writing when an earlier start was killed.

        Only those in the folders that training writes, in a store of files: whoever resumes a
        training is alone with them.
        """
        address = self.client.get_run(self.id).info.artifact_uri if self.client else ""
        if address.startswith("file:"):
            root = Path(unquote(urlparse(address).path))
            for folder in OF_TRAINING:
                for file in (root / folder).rglob(".artifact.uploading.*"):
                    file.unlink(missing_ok=True)

    def logger(self) -> Any:
        """A Lightning logger that writes its curves to this run."""
        if self.client is None:
            return None
        from ostinato.metric_logger import MetricLogger

        return MetricLogger(self.id, self.client.tracking_uri)

    @contextmanager
    def system_metrics(self) -> Iterator[None]:
        """Record processor, memory, disk (and GPU) use while the block runs."""
        if self.client is None:
            yield
            return
        import mlflow
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        mlflow.set_tracking_uri(self.client.tracking_uri)
        monitor = SystemMetricsMonitor(self.id, sampling_interval=5, resume_logging=True)
        monitor.start()
        try:
            yield
        finally:
            monitor.finish()

    def end(self, status: str = "FINISHED") -> None:
        """Mark the run as FINISHED, FAILED or KILLED."""
        if self.client is not None:
            self.client.set_terminated(self.id, status)


def store_uri(tracking: Tracking, home: Path) -> str:
    """Return where runs are recorded: the server's address, or the project's own sqlite store."""
    return tracking.uri or f"sqlite:///{(home / STORE).resolve() / DATABASE}"


def client_of(tracking: Tracking, home: Path) -> tuple["MlflowClient", str]:
    """Return a client of the store and the id of the experiment, which is made where it is not.

    Raises `UserError` where the store cannot be reached.
    """
    with _opened(tracking, home) as client:
        return client, _experiment(client, tracking, (home / STORE).resolve())


def reader_of(tracking: Tracking, home: Path) -> "MlflowClient":
    """Return a client that finds runs by their ids; unlike `client_of`, makes no experiment."""
    with _opened(tracking, home) as client:
        return client


@contextmanager
def _opened(tracking: Tracking, home: Path) -> Iterator["MlflowClient"]:
    """Yield a client of the store, while no other process of this project opens it."""
    import logging

    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    logging.getLogger("mlflow").setLevel(logging.CRITICAL)  # what it logs as an error it raises too
    logging.getLogger("alembic").setLevel(logging.ERROR)
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # each retry; what is left of them is said
    uri = store_uri(tracking, home)
    folder = (home / STORE).resolve()
    if tracking.uri is None:
        folder.mkdir(parents=True, exist_ok=True)
    else:
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    try:
        # processes that first touch a fresh sqlite store at once would all migrate its schema
        with FileLock(folder / ".lock", timeout=300) if tracking.uri is None else nullcontext():
            if tracking.uri is None and not (folder / DATABASE).exists():
                _make_store(folder / DATABASE)
            if tracking.uri is None:
                follow_project(folder)
            yield MlflowClient(uri)
    except MlflowException as error:
        raise UserError(explain_refusal(error, uri)) from error


def _make_store(file: Path) -> None:
    """Make a sqlite store beside its place, and put it there once it is whole.

    MLflow changes the schema in dozens of steps, and cannot go on where it was killed among them.
    """
    from mlflow import MlflowClient

    with scratch.temporary(file, within=file.parent) as beside:
        MlflowClient(f"sqlite:///{beside / file.name}").search_experiments()
        scratch.put(beside / file.name, file)


def follow_project(folder: Path) -> None:
    """Correct the addresses of artifacts in the project's own store after the project has moved.

    MLflow keeps absolute addresses, and has no command that changes them. Without this the runs of
    a project that was moved would be written into, and looked for in, the folder where it was.
    Addresses that are not those of an ostinato store, such as a bucket's, stay.
    """
    place, ending = f"{folder.as_uri()}/{ARTIFACTS}", f"/{STORE.as_posix()}/{ARTIFACTS}"
    with closing(sqlite3.connect(folder / DATABASE, timeout=60)) as store, store:
        found = store.execute("SELECT DISTINCT artifact_location FROM experiments").fetchall()
        for (old,) in found:
            if old == place or not f"{old}".startswith("file:") or not old.endswith(ending):
                continue
            store.execute(
                "UPDATE experiments SET artifact_location = ? WHERE artifact_location = ?",
                (place, old),
            )
            begin = len(old) + 1
            for column in HOLDERS:
                changed = store.execute(MOVE.format(*column), (place, begin, begin, f"{old}/"))
            console.say(
                f"this project has moved: the artifacts of {quantity(changed.rowcount, 'run')} "
                f"in MLflow are now those in {console.where(folder / ARTIFACTS)}"
            )


def _experiment(client: "MlflowClient", tracking: Tracking, folder: Path) -> str:
    found = client.get_experiment_by_name(tracking.experiment)
    if found is not None and found.lifecycle_stage == "deleted":
        raise UserError(
            f"the MLflow experiment {tracking.experiment} was deleted: bring it back with `mlflow "
            f"experiments restore --experiment-id {found.experiment_id}`, or choose another name "
            "with tracking.experiment=…"
        )
    if found is not None:
        return str(found.experiment_id)
    location = f"{folder.as_uri()}/{ARTIFACTS}" if tracking.uri is None else None
    # what this experiment is about: trained models, not applications of language models
    kind = {"mlflow.experimentKind": "custom_model_development"}
    return str(client.create_experiment(tracking.experiment, location, tags=kind))
