"""register: the model of a run becomes a version in MLflow's registry, which can be served."""

import re
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato import __version__, console
from ostinato.comparison.runs import runs_by_id
from ostinato.comparison.selection import run_ids
from ostinato.config import Config, compose, conf_folder
from ostinato.config.instantiate import configurable
from ostinato.config.targets import TARGET
from ostinato.errors import ConfigError, UserError
from ostinato.refusals import explain_refusal
from ostinato.registry import MODEL
from ostinato.run_notes import find_run
from ostinato.stages.workspace import Workspace
from ostinato.tracking import BUNDLE_TAG, Tracking, client_of
from ostinato.weights import WEIGHTS

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

FOLDER = "served"  # of a run's artifacts: what a version of a registered model is
CONFIG = "config/config.yaml"  # of a run's artifacts: what it was composed as
NAME = re.compile(r"[^/:@%\s](?:[^/:@%\n]*[^/:@%\s])?")
ALIAS = re.compile(r"(?!latest$)(?![vV][0-9]+$)[A-Za-z][\w-]*")  # as MLflow takes it
OF_A_PROJECT = ("prompt", "start", "to", "interpolation_steps", "soundfont")
EXISTS = "RESOURCE_ALREADY_EXISTS"


@dataclass(frozen=True)
class Request:
    """Request of a command line. run: the id, the name or the folder of a run, or of a model."""

    run: str
    name: str
    aliases: Sequence[str] = ()


def register(request: Request, tracking: Tracking, workspace: Workspace) -> None:
    """Register the model of a run under a name, and let aliases mean that version.

    A run that is registered under that name already keeps its version. Raises `ConfigError` for a
    name or an alias that MLflow does not take, and for a run that has no model.
    """
    from mlflow.exceptions import MlflowException

    _check_names(request)
    client, experiment = client_of(tracking, workspace.home)
    try:
        run = _choose_run(client, request.run, experiment, tracking, workspace)
        found = _find_version(client, request.name, run)
        version = found or _make_version(client, request.name, run)
        for alias in request.aliases:
            client.set_registered_model_alias(request.name, alias, version.version)
    except MlflowException as error:
        raise UserError(explain_refusal(error)) from error
    already = " already" if found else ""
    address = f"models:/{request.name}/{version.version}"
    if request.aliases:
        address = f"models:/{request.name}@{request.aliases[0]}"
    console.say(
        f"{run.info.run_name} is{already} version {version.version} of {request.name}; music from "
        f"it: ostinato generate model_dir={address}"
    )


def _check_names(request: Request) -> None:
    if not NAME.fullmatch(request.name):
        raise ConfigError(
            f"--name {request.name!r} does not fit: a name has no slash, colon, at sign or percent "
            "sign."
        )
    for alias in request.aliases:
        if not ALIAS.fullmatch(alias):
            raise ConfigError(
                f"--alias {alias!r} does not fit: an alias begins with a letter, has letters, "
                "digits, - and _, and is neither latest nor v and a number."
            )


def _choose_run(
    client: "MlflowClient", word: str, experiment: str, tracking: Tracking, workspace: Workspace
) -> "Run":
    """Return the run that is meant by an id, a name, a folder of a run or a folder of a model."""
    from ostinato.models.bundle import bundle_fingerprint

    bundles = [place for place in (Path(word), Path(word) / MODEL) if (place / WEIGHTS).is_file()]
    if bundles:
        bundle = bundles[0].resolve()
        ids = [find_run(tracking, workspace.home, bundle, bundle_fingerprint(bundle)).id]
        if ids == [""]:
            raise ConfigError(
                f"no MLflow run has recorded the model in {console.where(bundle)}: train it with "
                "tracking=local, or with tracking.uri=http://HOST:5000."
            )
    else:
        try:
            ids = run_ids(client, word, experiment)
        except UserError as error:
            raise ConfigError(str(error)) from error
    if len(ids) > 1:
        raise ConfigError(f"{len(ids)} runs are called {word}: give the id of one, as {ids[0]}.")
    try:
        return runs_by_id(client, ids)[0]
    except UserError as error:
        raise ConfigError(str(error)) from error


def _find_version(client: "MlflowClient", name: str, run: "Run") -> "ModelVersion | None":
    """Return the version that a run has under a name already; None where it has none."""
    quoted = name.replace("'", "''")
    found = client.search_model_versions(f"name = '{quoted}' and run_id = '{run.info.run_id}'")
    return max(found, key=lambda version: int(version.version), default=None)


def _make_version(client: "MlflowClient", name: str, run: "Run") -> "ModelVersion":
    """Record a run's model in the form that MLflow serves, and register that."""
    from mlflow.exceptions import MlflowException

    with tempfile.TemporaryDirectory() as folder:
        served = Path(folder) / "version"
        _write_served(client, run, Path(folder), served)
        client.log_artifacts(run.info.run_id, str(served), FOLDER)
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != EXISTS:
            raise
    source = f"{run.info.artifact_uri}/{FOLDER}"
    tags = {BUNDLE_TAG: run.data.tags.get(BUNDLE_TAG, "")}
    return client.create_model_version(name, source, run.info.run_id, tags=tags)


def _write_served(client: "MlflowClient", run: "Run", folder: Path, served: Path) -> None:
    """Write a model of MLflow's into `served`: a bundle, and how to draw music from it."""
    import mlflow

    from ostinato.models.bundle import bundle_fingerprint, load_bundle
    from ostinato.serving import SETTINGS, make_signature

    data = folder / FOLDER
    data.mkdir()
    listed = {file.path for file in client.list_artifacts(run.info.run_id, MODEL)}
    if f"{MODEL}/{WEIGHTS}" not in listed:
        raise ConfigError(
            f"the run {run.info.run_name} has no model: its training did not come to its end; give "
            "another run."
        )
    client.download_artifacts(run.info.run_id, MODEL, str(data))
    load_bundle(data / MODEL)  # what cannot be served is refused here
    if run.data.tags.get(BUNDLE_TAG) != bundle_fingerprint(data / MODEL):
        raise ConfigError(
            f"the model of the run {run.info.run_name} is not what its training recorded: give "
            "another run."
        )
    sampling = _sampling_of(client, run, folder)
    filling = compose(["~experiment", "sampling=infill"], conf_folder())["sampling"]
    Config({"sampling": sampling, "filling": filling}, ()).save(data / SETTINGS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that there is no example of a request
        mlflow.pyfunc.save_model(
            str(served),
            loader_module="ostinato.serving",
            data_path=str(data),
            signature=make_signature(sampling),
            # not ostinato itself: a package of that name elsewhere may be another
            pip_requirements=[f"mlflow=={mlflow.__version__}"],
            metadata={"ostinato": __version__},
        )


def _sampling_of(client: "MlflowClient", run: "Run", folder: Path) -> Mapping[str, Any]:
    """Return how music is drawn from nothing, as the run says it, else as the project does."""
    from ostinato.sampling.settings import NOVEL, Sampling

    plain = compose(["~experiment", "sampling=ancestral"], conf_folder())["sampling"]
    file = Path(client.download_artifacts(run.info.run_id, CONFIG, str(folder)))
    own = Config.load(file, ()).tree.get("sampling", {})
    names = set(configurable(Sampling)) - set(OF_A_PROJECT)
    drawn = {name: value for name, value in own.items() if name in names and name != TARGET}
    if drawn.get("choose") == NOVEL:
        console.warn(
            f"a server has no training pieces to compare with: sampling.choose={NOVEL} becomes "
            "typical there."
        )
        drawn["choose"] = "typical"
    return {**plain, **drawn, "novelty": 0}
