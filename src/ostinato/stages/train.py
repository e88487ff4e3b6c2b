"""train: pieces and split -> a bundle, learning curves, and an MLflow run."""

import csv
import io
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato import console
from ostinato.config import Config, conf_folder
from ostinato.config.differences import find_differences, name_run
from ostinato.errors import UserError
from ostinato.files import fingerprint, write_text
from ostinato.folders import check_replaceable
from ostinato.methods.base import Method, TrainingTask
from ostinato.run_notes import NOTE, end_dead_runs, note_bundle, note_ended, open_run
from ostinato.sources import stage_files
from ostinato.stages.checkpoints import checkpoint_folder
from ostinato.stages.encoding import (
    read_split,
    say_losses,
    say_skipped,
    token_folder,
    token_store,
    train_tokenizer,
)
from ostinato.stages.workspace import Workspace
from ostinato.tracking import BUNDLE_TAG, DataOfRun, Run
from ostinato.wording import quantity

if TYPE_CHECKING:
    from ostinato.representations.base import Representation
    from ostinato.training.trainer import Fitted

FAILURE_TAG, DIVERGED_TAG = "ostinato.failure", "ostinato.diverged"
READS = ("representation", "model", "method", "training", "seed")


def run(config: Config, workspace: Workspace) -> "Fitted":
    """Fit the network of a config; returns what the training came to."""
    import torch

    from ostinato.corpora.store import PieceStore
    from ostinato.models.bundle import build_network

    check_replaceable(workspace.model, "model")
    representation: Representation = config.build("representation")
    train_tokenizer(config, workspace, representation)
    store = token_store(config, workspace, representation)
    say_skipped(store, representation)
    say_losses(store, representation, token_folder(config, workspace, representation))
    split = read_split(workspace)
    training, validation = store.indices(split["train"]), store.indices(split["validation"])
    training = training[: config.build("training").max_pieces]
    if not len(training):
        raise UserError(
            f"none of the {len(split['train'])} training pieces can be written as "
            f"{representation.name}: choose another representation or corpus."
        )
    torch.manual_seed(config["seed"])
    network = build_network(config, representation)
    size = sum(p.numel() for p in network.parameters())
    console.say(
        f"training {config['choices']['model']} ({size:,} parameters) on "
        f"{quantity(len(training), 'piece')} as {representation.name}, {len(validation)} for "
        "validation"
    )
    pieces = PieceStore(workspace.pieces)
    task = TrainingTask(config, representation, store, pieces, training, validation)
    with checkpoint_folder(_name(config, workspace), workspace) as checkpoints:
        return _train(task, workspace, network, checkpoints)


def _train(task: TrainingTask, workspace: Workspace, network: Any, checkpoints: Path) -> "Fitted":
    """Fit the network, write the bundle and record both; the caller has `checkpoints` to itself."""
    config = task.config
    method: Method = config.build("method")
    end_dead_runs(workspace.checkpoints, workspace.home)
    changed = find_differences(config, conf_folder(workspace.root))
    note = checkpoints / NOTE
    mlflow_run = open_run(config.build("tracking"), workspace.home, name_run(config, changed), note)
    try:
        size = sum(p.numel() for p in network.parameters())
        mlflow_run.parameters({**dict(_flat(config.tree)), "parameters": size})
        told = ", ".join(f"{key}={value}" for key, value in changed.items())
        mlflow_run.tags(
            _headings(config) | _provenance(workspace) | {"changed": told} | _left_out(task)
        )
        mlflow_run.dataset(_data(task, workspace))
        mlflow_run.await_metric(method.test_metric)
        mlflow_run.artifacts(_saved(config, checkpoints), "config")
        with mlflow_run.system_metrics():
            fitted = method.fit(task, network, checkpoints, mlflow_run)
        _write(task, workspace, network, fitted)
        mlflow_run.describe(
            f"{_named(config)}, trained on {quantity(len(task.training), 'piece')}: "
            f"{_reached(fitted)}.\n\n"
            "Hear and see what it composes under *Artifacts*, `samples/listen.html`; "
            "`evaluation/report.html` sets it against the test split."
            + (f"\n\n{fitted.diverged}" if fitted.diverged else "")
        )
        _record(workspace, mlflow_run, fitted)
    except BaseException as error:
        if isinstance(error, UserError):
            mlflow_run.tags({FAILURE_TAG: str(error)})
        mlflow_run.end("KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED")
        note_ended(note)
        if isinstance(error, KeyboardInterrupt):
            console.warn("interrupted: the same command goes on from the last whole epoch")
        raise
    return fitted


def _data(task: TrainingTask, workspace: Workspace) -> DataOfRun:
    """The corpus, and how many of its pieces are for what."""
    config = task.config
    test = task.store.indices(read_split(workspace)["test"])
    counts = {"train": task.training, "validation": task.validation, "test": test}
    return DataOfRun(
        config["corpus.name"],
        fingerprint(workspace.pieces),
        str(config["corpus.path"]),
        {part: len(pieces) for part, pieces in counts.items()},
    )


def _name(config: Config, workspace: Workspace) -> str:
    """A name for everything that determines the weights."""
    keys = {key: config[key] for key in READS}
    classes = [
        f"{found.__module__}.{found.__qualname__}"
        for key in ("representation", "model", "method", "training")
        for _, found in config.targets(key)
    ]
    code = fingerprint(*stage_files("train", classes))
    return fingerprint(keys, workspace.pieces, workspace.split, code)


def _write(task: TrainingTask, workspace: Workspace, network: Any, fitted: "Fitted") -> None:
    from ostinato.models.bundle import Bundle, save_bundle
    from ostinato.music.piece_defaults import PieceDefaults

    pieces = task.pieces.only(task.store.names[i] for i in task.training)
    bundle = Bundle(task.config, task.representation, network, PieceDefaults.of(pieces))
    save_bundle(bundle, workspace.model)
    text = io.StringIO()
    table = csv.DictWriter(text, ["epoch", "train", "validation"], lineterminator="\n")
    table.writeheader()
    table.writerows(fitted.curves)
    write_text(workspace.curves, text.getvalue())
    console.say(f"{_reached(fitted)}; the model is in {console.where(workspace.model)}")


def _reached(fitted: "Fitted") -> str:
    if fitted.best_validation is None:
        return f"no validation pieces: the weights of epoch {fitted.best_epoch}"
    return (
        f"best validation {fitted.best_validation:.4f} {fitted.monitor.words} "
        f"in epoch {fitted.best_epoch}"
    )


def _headings(config: Config) -> dict[str, str]:
    """Return what tells runs apart at a glance."""
    chosen = {group: config["choices"][group] for group in ("model", "representation")}
    return chosen | {"corpus": config["corpus.name"]}


def _named(config: Config) -> str:
    return " · ".join(f"**{choice}**" for choice in _headings(config).values())


def _record(workspace: Workspace, mlflow_run: Run, fitted: "Fitted") -> None:
    from ostinato.models.bundle import bundle_fingerprint

    bundle = bundle_fingerprint(workspace.model)
    note_bundle(workspace.model, bundle, mlflow_run)
    mlflow_run.tags({BUNDLE_TAG: bundle})
    if fitted.diverged:
        mlflow_run.tags({DIVERGED_TAG: fitted.diverged})
    mlflow_run.metrics({"minutes": fitted.minutes})
    if fitted.best_validation is not None:
        name = f"best_validation_{fitted.monitor.name}"
        mlflow_run.metrics({name: fitted.best_validation})
    mlflow_run.artifacts(workspace.model, "model")
    mlflow_run.artifacts(workspace.curves, "curves")
    mlflow_run.end()


def _left_out(task: TrainingTask) -> dict[str, str]:
    """Return what the representation does not keep of all pieces, if anything."""
    sentences = task.store.losses.sentences(task.representation.name)
    return {"left_out": "; ".join(sentences)} if sentences else {}


def _saved(config: Config, folder: Path) -> Path:
    write_text(folder / "config.yaml", config.text(), within=folder)
    return folder / "config.yaml"


def _provenance(workspace: Workspace) -> dict[str, str]:
    """Return which code and which data: the git commit and the pieces' hash."""
    from ostinato import __version__

    def git(*arguments: str) -> str:
        try:
            done = subprocess.run(
                ["git", *arguments], cwd=workspace.root, capture_output=True, text=True, check=False
            )
        except FileNotFoundError:
            return ""
        return done.stdout.strip() if done.returncode == 0 else ""

    changed = bool(git("status", "--porcelain", "--untracked-files=no"))
    return {
        "mlflow.source.git.commit": git("rev-parse", "HEAD"),
        "git.uncommitted_changes": str(changed).lower(),
        "data.pieces": fingerprint(workspace.pieces),
        "data.split": fingerprint(workspace.split),
        "ostinato.version": __version__,
    }


def _flat(node: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a config with its dotted key."""
    for name, value in node.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
