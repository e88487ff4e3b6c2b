"""train: pieces and split -> a bundle, learning curves, and an MLflow run."""

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato import console
from ostinato.config import Config, conf_folder
from ostinato.config.differences import find_differences, name_run
from ostinato.errors import UserError
from ostinato.files import fingerprint, write_text
from ostinato.folders import check_replaceable
from ostinato.methods.base import Method, TrainingTask
from ostinato.run_notes import NOTE, end_dead_runs, note_ended, open_run
from ostinato.sources import stage_files
from ostinato.stages.checkpoints import checkpoint_folder
from ostinato.stages.encoding import (
    read_split,
    report_losses,
    report_skipped,
    token_folder,
    token_store,
    train_tokenizer,
)
from ostinato.stages.initial import Initial, find_initial
from ostinato.stages.recording import (
    describe_best,
    record_config,
    record_failure,
    record_initial,
    record_result,
    record_start,
)
from ostinato.stages.run_provenance import read_provenance
from ostinato.stages.workspace import Workspace
from ostinato.sweeps.jobs import Reached, finite, note_run, note_training
from ostinato.sweeps.parent import PARENT_TAG, sweep_run
from ostinato.tracking import PRUNED_TAG, Run
from ostinato.wording import quantity

if TYPE_CHECKING:
    from ostinato.representations.base import Representation
    from ostinato.sweeps.trials import Pruning
    from ostinato.training.trainer import Fitted

READS = ("representation", "model", "method", "training", "seed")


def run(config: Config, workspace: Workspace, pruning: "Pruning | None" = None) -> "Fitted":
    """Fit the network of a config; returns what the training came to.

    pruning: what may end the training for a search.
    """
    import torch

    from ostinato.corpora.store import PieceStore
    from ostinato.models.bundle import build_network

    check_replaceable(workspace.model, "model")
    representation: Representation = config.build("representation")
    initial = find_initial(config, workspace)
    if initial is None:
        train_tokenizer(config, workspace, representation)
    else:
        initial.check(config)
        initial.prepare(representation)
    store = token_store(config, workspace, representation)
    report_skipped(store, representation)
    report_losses(store, representation, token_folder(config, workspace, representation))
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
    if initial is not None:
        initial.give_weights(network)
    console.say(
        f"training {config['choices']['model']} ({count_parameters(network):,} parameters) on "
        f"{quantity(len(training), 'piece')} as {representation.name}, {len(validation)} for "
        f"validation{_name_start(initial)}"
    )
    pieces = PieceStore(workspace.pieces)
    callbacks = [pruning] if pruning else []
    task = TrainingTask(config, representation, store, pieces, training, validation, callbacks)
    name = name_training(config, workspace, initial)
    with checkpoint_folder(name, workspace) as checkpoints:
        return _train(task, workspace, network, checkpoints, pruning, initial)


def _train(
    task: TrainingTask,
    workspace: Workspace,
    network: Any,
    checkpoints: Path,
    pruning: "Pruning | None",
    initial: Initial | None,
) -> "Fitted":
    """Fit the network, write the bundle and record both; the caller has `checkpoints` to itself."""
    from ostinato.methods.fitting import fit_network

    config = task.config
    method: Method = config.build("method")
    end_dead_runs(workspace.checkpoints, workspace.home)
    changed = find_differences(config, conf_folder(workspace.root))
    note = checkpoints / NOTE
    mlflow_run = open_run(config.build("tracking"), workspace.home, name_run(config, changed), note)
    try:
        size = {"parameters": count_parameters(network)}
        record_start(mlflow_run, task, workspace, size, changed)
        if initial is not None:
            record_initial(mlflow_run, initial)
        record_config(mlflow_run, config, read_provenance(config, workspace), checkpoints)
        _join_sweep(mlflow_run, config, workspace)
        with mlflow_run.system_metrics():
            fitted = fit_network(method, task, network, checkpoints, mlflow_run)
        _write(task, workspace, network, fitted)
        record_result(mlflow_run, task, workspace, fitted)
        # before the checkpoints are removed: a job that is killed later does not train again
        reached = describe_reached(fitted, pruning)
        if reached.pruned:
            mlflow_run.tags({PRUNED_TAG: reached.pruned})
        note_training(workspace.outputs, checkpoints.name, reached)
    except BaseException as error:
        record_failure(mlflow_run, error)
        note_ended(note)
        if isinstance(error, KeyboardInterrupt):
            console.warn("interrupted: the same command goes on from the last checkpoint")
        raise
    return fitted


def _join_sweep(mlflow_run: Run, config: Config, workspace: Workspace) -> None:
    """Put the run below that of its sweep, if it is of one."""
    if workspace.sweep is None:
        return
    parent = sweep_run(config.build("tracking"), workspace.home, workspace.sweep)
    mlflow_run.tags({PARENT_TAG: parent.id})
    note_run(workspace.outputs, mlflow_run.id)


def describe_reached(fitted: "Fitted", pruning: "Pruning | None" = None) -> Reached:
    """Return what a sweep notes of a training; its score is turned so that less is better."""
    best = fitted.best_validation
    score = -best if best is not None and fitted.monitor.higher else best
    pruned = pruning.reason if pruning else ""
    return Reached(finite(score), fitted.minutes, fitted.megabytes, len(fitted.curves), pruned)


def count_parameters(network: Any) -> int:
    """Return how many numbers a network has to learn."""
    return sum(p.numel() for p in network.parameters())


def name_training(config: Config, workspace: Workspace, initial: Initial | None) -> str:
    """Return a name for everything that determines the weights, those of the start among it."""
    keys = {key: config[key] for key in READS}
    classes = [
        f"{found.__module__}.{found.__qualname__}"
        for key in ("representation", "model", "method", "training")
        for _, found in config.targets(key)
    ]
    code = fingerprint(*stage_files("train", classes))
    start = [initial.fingerprint] if initial else []
    return fingerprint(keys, workspace.pieces, workspace.split, code, *start)


def _name_start(initial: Initial | None) -> str:
    return f", from the weights of {initial.address}" if initial else ""


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
    console.say(f"{describe_best(fitted)}; the model is in {console.where(workspace.model)}")
