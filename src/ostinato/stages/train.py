"""train: pieces and split -> a bundle, learning curves, and an MLflow run."""

import csv
import io
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato import console
from ostinato.config import Config
from ostinato.errors import UserError
from ostinato.files import fingerprint, write_text
from ostinato.folders import check_replaceable
from ostinato.stages.encoding import read_split, say_skipped, teach, token_store
from ostinato.stages.fitting import Task, fit
from ostinato.stages.workspace import Workspace, source_fingerprint
from ostinato.tracking import BUNDLE_TAG, Run, start_run

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ostinato.batches.store import TokenStore
    from ostinato.learning.fitting import Fitted
    from ostinato.representations.base import Representation

READS = ("representation", "model", "training", "seed")
SOURCES = (
    "batches",
    "learning",
    "models",
    "representations",
    "evaluation/segments.py",  # by which segments are judged while they are learned
    "evaluation/latents.py",
    "evaluation/directions.py",
    "evaluation/sets.py",
)


def run(config: Config, workspace: Workspace) -> "Fitted":
    """Fit the network of a config; returns what the training came to."""
    import torch

    from ostinato.models.bundle import build_network

    check_replaceable(workspace.model, "model")
    representation: Representation = config.build("representation")
    teach(config, workspace, representation)
    store = token_store(config, workspace, representation)
    say_skipped(store, representation)
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
        f"training {config['choices']['model']} ({size:,} parameters) on {len(training)} pieces "
        f"as {representation.name}, {len(validation)} for validation"
    )
    checkpoints = _checkpoints(config, workspace)
    mlflow_run = _run(config, workspace, checkpoints)
    try:
        mlflow_run.parameters({**dict(_flat(config.tree)), "parameters": size})
        mlflow_run.tags(_headings(config) | _provenance(workspace))
        mlflow_run.artifacts(_saved(config, checkpoints), "config")
        with mlflow_run.system_metrics():
            task = Task(config, workspace, representation, store, training, validation)
            fitted = fit(task, network, checkpoints, mlflow_run)
        _write(config, workspace, representation, store, training, network, fitted)
        mlflow_run.describe(
            f"{_named(config)}, trained on {len(training)} pieces: {_reached(fitted)}.\n\n"
            "Hear and see what it composes under *Artifacts*, `samples/listen.html`; "
            "`evaluation/report.html` sets it against the test split."
        )
        _record(workspace, mlflow_run, fitted)
    except BaseException as error:
        mlflow_run.end("KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED")
        if isinstance(error, KeyboardInterrupt):
            console.warn("interrupted: the same command goes on from the last whole epoch")
        raise
    (checkpoints / "finished").touch()
    return fitted


def _checkpoints(config: Config, workspace: Workspace) -> Path:
    """A folder named by everything that determines the weights; a finished one begins anew."""
    keys = {key: config[key] for key in READS}
    source = source_fingerprint(*SOURCES)
    folder = workspace.checkpoints / fingerprint(keys, workspace.pieces, workspace.split, source)
    if (folder / "finished").exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _run(config: Config, workspace: Workspace, checkpoints: Path) -> Run:
    """A new MLflow run, or that of the training which was interrupted."""
    note = checkpoints / "mlflow_run"
    name = "-".join(_headings(config).values())
    run_id = note.read_text() if note.exists() else None
    mlflow_run = start_run(config.build("tracking"), workspace.home, name, run_id)
    if mlflow_run.id:
        write_text(note, mlflow_run.id)
    return mlflow_run


def _write(
    config: Config,
    workspace: Workspace,
    representation: "Representation",
    store: "TokenStore",
    training: "NDArray[np.int64]",
    network: Any,
    fitted: "Fitted",
) -> None:
    from ostinato.corpora.store import PieceStore
    from ostinato.models.bundle import Bundle, save_bundle
    from ostinato.music.setting import Setting

    pieces = PieceStore(workspace.pieces).only(store.names[i] for i in training)
    bundle = Bundle(config, representation, network, Setting.of(pieces))
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
        f"best validation {fitted.best_validation:.4f} {fitted.yardstick.words} "
        f"in epoch {fitted.best_epoch}"
    )


def _headings(config: Config) -> dict[str, str]:
    """What tells runs apart at a glance."""
    chosen = {group: config["choices"][group] for group in ("model", "representation")}
    return chosen | {"corpus": config["corpus.name"]}


def _named(config: Config) -> str:
    return " · ".join(f"**{choice}**" for choice in _headings(config).values())


def _record(workspace: Workspace, mlflow_run: Run, fitted: "Fitted") -> None:
    from ostinato.models.bundle import bundle_fingerprint

    mlflow_run.tags({BUNDLE_TAG: bundle_fingerprint(workspace.model)})
    mlflow_run.metrics({"minutes": fitted.minutes})
    if fitted.best_validation is not None:
        name = f"best_validation_{fitted.yardstick.name}"
        mlflow_run.metrics({name: fitted.best_validation})
    mlflow_run.artifacts(workspace.model, "model")
    mlflow_run.artifacts(workspace.curves, "curves")
    mlflow_run.end()


def _saved(config: Config, folder: Path) -> Path:
    config.save(folder / "config.yaml")
    return folder / "config.yaml"


def _provenance(workspace: Workspace) -> dict[str, str]:
    """Which code and which data: the git commit and the pieces' hash."""
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
