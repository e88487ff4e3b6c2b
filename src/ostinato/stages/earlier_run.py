"""An earlier run, with its config and its provenance: of a folder, of MLflow, or of a file."""

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato import console
from ostinato.config.secrets import holds_password
from ostinato.config.sharing import parse_config, read_shared
from ostinato.config.yaml_files import LARGEST
from ostinato.errors import ConfigError, UserError
from ostinato.files import fingerprint
from ostinato.refusals import explain_refusal
from ostinato.stages.run_provenance import FILE, Provenance, with_results
from ostinato.stages.workspace import Workspace
from ostinato.tracking import (
    SAMPLES_TAG,
    WEIGHTS_TAG,
    Tracking,
    client_of,
    reader_of,
)
from ostinato.untrusted import printable
from ostinato.weights import WEIGHTS

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

CONFIG = "config.yaml"
BY_ID = re.compile(r"runs:/+([0-9a-f]{32})/?")
ADDRESS = re.compile(r"/runs/([0-9a-f]{32})(?:[/?]|$)")  # of a run's page, after the #
AT_MOST = 3  # ids in a sentence


@dataclass(frozen=True)
class EarlierRun:
    """A run to make again. name: as it is printed; tree: its config, as it was recorded.

    foreign: it comes from a file, which anybody may have written.
    """

    name: str
    tree: dict[str, Any]
    provenance: Provenance
    foreign: bool = False


def find_run(named: str, tracking: Tracking, workspace: Workspace) -> EarlierRun:
    """Return the run in a folder, or that of MLflow with an id, a name or an address.

    named: a folder as seen from here, an id, a name, `runs:/ID`, or the address of a run's page
    on a server. Raises `ConfigError` where none is found, and `UserError` where the store cannot
    be reached.
    """
    if holds_password(named):
        raise ConfigError(
            "the address after --from holds a name or a password: leave it out, and set "
            "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD."
        )
    path = Path(named)
    if path.is_dir():
        return _of_folder(path)
    if path.is_file():
        raise ConfigError(
            f"{console.where(path)} is a file: give the folder of a run, or a config with --config."
        )
    if "://" not in named and ("/" in named.removeprefix("runs:/")):
        raise ConfigError(f"{console.where(path)} is not there: give the folder of a run.")
    return _of_mlflow(named, replace(tracking, enabled=True), workspace.home)


def read_file(path: Path) -> EarlierRun:
    """Return the run that a file describes; raises `ConfigError` where it describes none."""
    tree, made_by = read_shared(path)
    return EarlierRun(console.where(path), tree, Provenance.of(made_by), foreign=True)


def _of_folder(folder: Path) -> EarlierRun:
    name, file = console.where(folder), folder / CONFIG
    if not file.is_file():
        raise ConfigError(
            f"{name} holds no {CONFIG}: give the folder of a run, such as outputs/runs/DATE/TIME."
        )
    if (folder / WEIGHTS).is_file():
        above = console.where(folder.resolve().parent)
        raise ConfigError(f"{name} is a model: give the folder of its run, such as {above}.")
    tree, _ = read_shared(file)
    if (found := Provenance.read(folder)) is None:
        split = folder / "split.json"
        found = Provenance(split=fingerprint(split) if split.is_file() else "")
        found = with_results(found, folder / "model", folder / "samples")
    return EarlierRun(name, tree, found)


def _of_mlflow(named: str, tracking: Tracking, home: Path) -> EarlierRun:
    from mlflow.exceptions import MlflowException

    from ostinato.comparison.runs import read_artifact

    try:
        client, run_id = _locate(named, tracking, home)
        run = _get_run(client, run_id)
        name = printable(f"{run.info.run_name} ({run_id})")
        content = read_artifact(client, run, f"config/{CONFIG}")
        made_by = read_artifact(client, run, f"config/{FILE}")
    except MlflowException as error:
        raise UserError(explain_refusal(error)) from error
    if content is None or len(content) > LARGEST:
        raise ConfigError(
            f"the MLflow run {name} holds no config/{CONFIG} of a run: of a sweep, give one of its "
            "jobs."
        )
    tree = parse_config(content, f"config/{CONFIG} of the MLflow run {name}")
    return EarlierRun(name, tree, _recorded(run, made_by))


def _get_run(client: "MlflowClient", run_id: str) -> "Run":
    from ostinato.comparison.runs import runs_by_id

    try:
        [run] = runs_by_id(client, [run_id])
    except UserError as error:
        raise ConfigError(str(error)) from error
    return run


def _locate(named: str, tracking: Tracking, home: Path) -> "tuple[MlflowClient, str]":
    """Return a client of the store that has a run, and the id of the run."""
    from ostinato.comparison.selection import run_ids

    if match := BY_ID.fullmatch(named):
        return reader_of(tracking, home), match[1]
    if "://" in named:
        server, _, page = named.partition("#")
        match = ADDRESS.search(page)
        if not server.startswith(("http://", "https://")) or match is None:
            raise ConfigError(
                f"{named} is no address of a run: give that of its page, as "
                "http://HOST:5000/#/experiments/1/runs/ID, or runs:/ID."
            )
        return reader_of(replace(tracking, uri=server.rstrip("/")), home), match[1]
    client, experiment = client_of(tracking, home)
    try:
        ids = run_ids(client, named, experiment)
    except UserError as error:
        raise ConfigError(str(error)) from error
    if len(ids) > 1:
        some = ", ".join(ids[:AT_MOST]) + (", …" if ids[AT_MOST:] else "")
        raise ConfigError(f"{len(ids)} runs are called {named}: give the id of one, of {some}.")
    return client, ids[0]


def _recorded(run: "Run", made_by: bytes | None) -> Provenance:
    """Return the provenance of an MLflow run; of one of before it was a file, what tags say."""
    tags = run.data.tags
    try:
        found = Provenance.of(json.loads(made_by)) if made_by else Provenance()
    except ValueError:
        found = Provenance()
    if not found.commit and not found.pieces:
        found = replace(
            found,
            commit=printable(tags.get("mlflow.source.git.commit", "")),
            pieces=printable(tags.get("data.pieces", "")),
            split=printable(tags.get("data.split", "")),
        )
    weights, samples = tags.get(WEIGHTS_TAG, ""), tags.get(SAMPLES_TAG, "")
    return replace(found, weights=printable(weights), samples=printable(samples))
