"""run: every stage in one process, without DVC, in a folder of Hydra's; -m sweeps."""

import json
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato import console, scratch
from ostinato.comparison.selection import Asked
from ostinato.config import Config, conf_folder
from ostinato.config.composition import (
    from_hydra,
    params_overrides,
    translate_error,
    without_overridden,
)
from ostinato.config.launching import check_launch, name_swept_corpora
from ostinato.config.location import to_project_overrides, to_project_paths
from ostinato.config.overrides import quote_paths
from ostinato.config.unread import refuse_unread
from ostinato.errors import UserError
from ostinato.stages import (
    compare,
    compose,
    cross_corpus,
    evaluate,
    fetch,
    generate,
    split,
    train,
)
from ostinato.stages.bundle_config import suggest_generate_command
from ostinato.stages.failures import Failures
from ostinato.stages.piece_cache import read_pieces
from ostinato.stages.run_folder import MULTIRUN, check, own_folder, sweep_folder
from ostinato.stages.workspace import Workspace
from ostinato.sweeps import SWEEP_NOTE

if TYPE_CHECKING:
    from ostinato.training.trainer import Fitted

OF_A_ROW = ("corpus.name", "split", "representation", "model", "training", "evaluation")


@dataclass(frozen=True)
class Project:
    """The project of a command line, where that was typed, and the overrides in it."""

    root: Path
    conf: Path
    here: Path
    typed: tuple[str, ...]


def main(arguments: Sequence[str], here: Path) -> int:
    """Hand the command line, typed while standing in `here`, to Hydra; returns the exit code."""
    workspace = Workspace.here()
    root = workspace.root
    project = Project(root, conf_folder(root), here, tuple(arguments))
    params = root / "params.yaml"
    given = params_overrides(params) if params.exists() else []
    given = without_overridden(given, arguments)
    flags, typed = _sorted(to_project_overrides(quote_paths(arguments), here, root))
    check_launch(flags, given, typed, project.conf)
    corpora = name_swept_corpora([*given, *typed], project.conf)
    for override in corpora:
        console.say(f"each model is scored on the test split of all corpora: {override}")
    # Hydra's parser takes no override after a flag once more
    words = [*flags, *given, *typed, *corpora]
    if not any(a in MULTIRUN or a.startswith("-") or a.startswith("hydra") for a in arguments):
        compose.compose_config(list(arguments), root, here)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors reach the command line as they are
    workspace.clear_remains()
    with (
        own_folder(words, project.conf, root) as words,
        scratch.temporary(workspace.cache / "failures") as between,
    ):
        return _launch(words, project, Failures(between))


def _launch(words: Sequence[str], project: Project, failures: Failures) -> int:
    """Have Hydra run the jobs; raises what stopped them."""
    import hydra
    from hydra.errors import HydraException

    logging.getLogger("filelock").setLevel(logging.WARNING)  # --info logs all that there is
    sys.argv = ["ostinato run", *words]
    errors: list[Exception] = []

    def job(composed: Any) -> float | None:
        with console.seen_from(project.here):  # in a process of its own, perhaps
            return _job(composed, project, failures, errors)

    found = str(project.conf.resolve())
    try:
        hydra.main(version_base="1.3", config_path=found, config_name="config")(job)()
    except HydraException as error:
        raise translate_error(error, list(words), project.conf) from error
    _compare_sweep(words, project)
    for failure in [*errors, *failures.take()]:
        raise failure
    return 0


def _compare_sweep(words: Sequence[str], project: Project) -> None:
    """Print the table of a sweep and write its page into its folder; nothing without MLflow."""
    folder = sweep_folder(words)
    if folder is None or not (folder / SWEEP_NOTE).is_file():
        return
    tracking = compose.compose_tracking(_of_tracking(words), project.root)
    asked, page = Asked(sweep=str(folder)), compare.Written(folder / compare.PAGE)
    try:
        compare.run(asked, page, tracking, Workspace.here())
    except UserError as error:  # the jobs are done, and what they came to is recorded
        console.warn(f"the sweep is not compared: {error}")


def _of_tracking(words: Sequence[str]) -> list[str]:
    """Return the overrides that say where runs are recorded."""
    return [word for word in words if word.startswith("tracking") and "," not in word]


def _sorted(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return Hydra's flags, and the overrides."""
    overrides = [a for a in arguments if not a.startswith("-") and ("=" in a or a.startswith("~"))]
    return [a for a in arguments if a not in overrides], overrides


def _job(
    composed: Any, project: Project, failures: Failures, errors: list[Exception]
) -> float | None:
    """One run; what stops it is raised after Hydra, which would print a line of its own first."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    settings = HydraConfig.get()
    sweeping = settings.mode == RunMode.MULTIRUN
    try:
        return _run(composed, settings, project)
    except UserError as error:
        if not sweeping:
            errors.append(error)
            return None
        console.warn(f"this run of the sweep failed: {error}")
        failures.add(settings.overrides.task, error)
        return float("inf")
    except Exception as error:
        if sweeping:
            raise
        errors.append(error)
        return None


def _run(composed: Any, settings: Any, project: Project) -> float | None:
    """Run the stages; returns the best validation figure, so turned that less is better."""
    config = from_hydra(composed, settings, project.conf)
    config = to_project_paths(config, project.typed, project.here, project.root)
    refuse_unread(config, settings.overrides.task)
    compose.check_compatibility(config, project.conf)
    output = Path(settings.runtime.output_dir)
    check(output)
    sweep = _sweep_folder(settings)
    workspace = Workspace(project.root, output, sweep=sweep)
    fitted = run_stages(config, workspace)
    if command := suggest_generate_command(config, workspace):
        console.say(f"more of it: {command}")
    best = fitted.best_validation
    return -best if best is not None and fitted.monitor.higher else best


def _sweep_folder(settings: Any) -> Path | None:
    """Return the folder of the sweep that a job is of; None for a run by itself."""
    from hydra.types import RunMode

    return Path(settings.sweep.dir) if settings.mode == RunMode.MULTIRUN else None


def run_with_fetch(config: Config, workspace: Workspace) -> "Fitted":
    """Every stage, fetch too where the corpus is not there; what does not fit is refused first."""
    compose.check_compatibility(config, conf_folder(workspace.root))
    if not (workspace.root / config["corpus.path"]).exists():
        fetch.run(config, workspace)
    return run_stages(config, workspace)


def is_that_row(name: str, own: Config, run: Config, result: Mapping[str, Any]) -> bool:
    """Return whether a benchmark may keep a result under the name of a row whose config is `own`.

    Where anything that makes the figure was set otherwise, the result is printed instead.
    """
    others = [key for key in OF_A_ROW if own[key] != run[key]]
    if others:
        console.say(json.dumps(result, indent=2))
        console.warn(f"not kept: {name} has other settings for {' and '.join(others)}.")
    return not others


def run_stages(config: Config, workspace: Workspace) -> "Fitted":
    """Every stage after fetch, in order; pieces are shared with runs on the same corpus.

    Returns what the training came to.
    """
    compose.run(config, workspace)
    shared = read_pieces(config, workspace)
    workspace = replace(workspace, shared_pieces=shared)
    split.run(config, workspace)
    cross_corpus.prepare(config, workspace)  # what cannot be scored is said before the training
    fitted = train.run(config, workspace)
    failure = _generate(config, workspace)
    evaluate.run(config, workspace)
    if failure is not None:
        raise failure
    return fitted


def _generate(config: Config, workspace: Workspace) -> UserError | None:
    """Generate; returns what is in the way, so that the model is evaluated all the same."""
    try:
        generate.run(config, workspace)
    except UserError as error:
        console.warn(f"there are no samples: {error}")
        return error
    return None
