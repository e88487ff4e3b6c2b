"""Records of a training on its MLflow run."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato.config import Config, conf_folder
from ostinato.config.command import find_command, read_params
from ostinato.errors import UserError
from ostinato.files import fingerprint, write_text
from ostinato.interrupts import is_interrupt
from ostinato.methods.base import Method, TrainingTask
from ostinato.run_notes import note_bundle
from ostinato.stages.commit import read_commit
from ostinato.stages.encoding import read_split
from ostinato.stages.result_hashes import hash_weights
from ostinato.stages.run_provenance import FILE, Provenance
from ostinato.stages.workspace import Workspace
from ostinato.tracking import (
    BUNDLE_TAG,
    COMMAND_TAG,
    INITIAL_TAG,
    WEIGHTS_TAG,
    DataOfRun,
    Run,
)
from ostinato.wording import quantity

if TYPE_CHECKING:
    from ostinato.stages.initial import Initial
    from ostinato.training.trainer import Fitted

LONGEST_TAG = 5000  # characters that every store of MLflow's takes
FAILURE_TAG, DIVERGED_TAG = "ostinato.failure", "ostinato.diverged"
PRECISION_TAG = "ostinato.precision"  # the one that was used
LONGEST_REASON = 300  # characters


def record_start(
    mlflow_run: Run,
    task: TrainingTask,
    workspace: Workspace,
    parameters: Mapping[str, Any],
    changed: Mapping[str, Any],
) -> None:
    """Record what is trained on what, with which code.

    parameters: further ones, beside the values of the config. changed: settings that differ from
    those of the files of conf/.
    """
    config = task.config
    method: Method = config.build("method")
    mlflow_run.parameters({**dict(_flatten(config.tree)), **parameters})
    changes = ", ".join(f"{key}={value}" for key, value in changed.items())
    mlflow_run.tags(
        _name_choices(config)
        | _read_provenance(workspace)
        | {"changed": changes}
        | _describe_command(config, workspace, mlflow_run)
        | _describe_losses(task)
    )
    mlflow_run.dataset(_describe_data(task, workspace))
    mlflow_run.await_metric(method.test_metric)


def record_initial(mlflow_run: Run, initial: "Initial") -> None:
    """Record which model a training starts from: its address, and what that stands for now."""
    mlflow_run.tags({INITIAL_TAG: initial.fingerprint})
    mlflow_run.parameters({"initial_bundle": initial.fingerprint})


def record_config(mlflow_run: Run, config: Config, provenance: Provenance, folder: Path) -> None:
    """Record the composed config and what it runs with, by way of files in `folder`."""
    write_text(folder / "config.yaml", config.text(), within=folder)
    provenance.write(folder)
    for name in ("config.yaml", FILE):
        mlflow_run.artifacts(folder / name, "config")


def record_result(
    mlflow_run: Run, task: TrainingTask, workspace: Workspace, fitted: "Fitted"
) -> None:
    """Record what the training reached, with its bundle and its curves, and end the run."""
    from ostinato.models.bundle import bundle_fingerprint

    mlflow_run.describe(_describe_result(task, fitted))
    bundle = bundle_fingerprint(workspace.model)
    note_bundle(workspace.model, bundle, mlflow_run)
    mlflow_run.tags({BUNDLE_TAG: bundle, WEIGHTS_TAG: hash_weights(workspace.model)})
    if fitted.precision:
        mlflow_run.tags({PRECISION_TAG: fitted.precision})
    if fitted.diverged:
        mlflow_run.tags({DIVERGED_TAG: fitted.diverged})
    mlflow_run.metrics({"minutes": fitted.minutes, "memory_megabytes": fitted.megabytes})
    if fitted.best_validation is not None:
        name = f"best_validation_{fitted.monitor.name}"
        mlflow_run.metrics({name: fitted.best_validation})
    mlflow_run.artifacts(workspace.model, "model")
    mlflow_run.artifacts(workspace.curves, "curves")
    mlflow_run.end()


def record_failure(mlflow_run: Run, error: BaseException) -> None:
    """Record why a training ended before its time, and end the run."""
    interrupted = is_interrupt(error) or isinstance(error, SystemExit)
    if not interrupted:
        mlflow_run.tags({FAILURE_TAG: explain_failure(error)})
    mlflow_run.end("KILLED" if interrupted else "FAILED")


def explain_failure(error: BaseException) -> str:
    """Return an error as a sentence; of one that nobody foresaw, its kind and what it says."""
    if isinstance(error, UserError):
        return str(error)
    reason = " ".join(str(error).split())[:LONGEST_REASON]
    return f"{type(error).__name__}: {reason}" if reason else type(error).__name__


def describe_best(fitted: "Fitted") -> str:
    """Return the best validation figure and its epoch in words."""
    if fitted.best_validation is None:
        return f"no validation pieces: the weights of epoch {fitted.best_epoch}"
    return (
        f"best validation {fitted.best_validation:.4f} {fitted.monitor.words} "
        f"in epoch {fitted.best_epoch}"
    )


def _describe_result(task: TrainingTask, fitted: "Fitted") -> str:
    """Return the description of the run, in Markdown."""
    title = " · ".join(f"**{choice}**" for choice in _name_choices(task.config).values())
    return (
        f"{title}, trained on {quantity(len(task.training), 'piece')}: "
        f"{describe_best(fitted)}.\n\n"
        "Hear and see what it composes under *Artifacts*, `samples/listen.html`; "
        "`evaluation/report.html` sets it against the test split."
        + (f"\n\n{fitted.diverged}" if fitted.diverged else "")
    )


def _describe_data(task: TrainingTask, workspace: Workspace) -> DataOfRun:
    """Return the corpus, and how many of its pieces are for what."""
    config = task.config
    test = task.store.indices(read_split(workspace)["test"])
    counts = {"train": task.training, "validation": task.validation, "test": test}
    return DataOfRun(
        config["corpus.name"],
        fingerprint(workspace.pieces),
        str(config["corpus.path"]),
        {part: len(pieces) for part, pieces in counts.items()},
    )


def _describe_losses(task: TrainingTask) -> dict[str, str]:
    """Return what the representation does not keep of all pieces, if anything."""
    sentences = task.store.losses.sentences(task.representation.name)
    return {"left_out": "; ".join(sentences)} if sentences else {}


def _describe_command(config: Config, workspace: Workspace, mlflow_run: Run) -> dict[str, str]:
    """Return the command that makes this run again; nothing where no command can say all of it."""
    if mlflow_run.client is None:  # which spares a second of composing
        return {}
    found = find_command(config, conf_folder(workspace.root), read_params(workspace.root))
    known = not found.unexpressed and len(found.text) <= LONGEST_TAG
    return {COMMAND_TAG: found.text} if known else {}


def _name_choices(config: Config) -> dict[str, str]:
    """Return what tells runs apart at a glance."""
    chosen = {group: config["choices"][group] for group in ("model", "representation")}
    return chosen | {"corpus": config["corpus.name"]}


def _read_provenance(workspace: Workspace) -> dict[str, str]:
    """Return which code and which data: the git commit and the pieces' hash."""
    from ostinato import __version__

    commit = read_commit(workspace.root)
    return {
        "mlflow.source.git.commit": commit.hash,
        "git.uncommitted_changes": str(commit.changed).lower(),
        "data.pieces": fingerprint(workspace.pieces),
        "data.split": fingerprint(workspace.split),
        "ostinato.version": __version__,
    }


def _flatten(node: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value of a config with its dotted key."""
    for name, value in node.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
