"""run: every stage in one process, without DVC, in a folder of Hydra's; -m sweeps."""

import json
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato import console, scratch
from ostinato.config import Config, conf_folder
from ostinato.config.command import read_params
from ostinato.config.composition import translate_error, without_overridden
from ostinato.config.launchers import LAUNCHER
from ostinato.config.launching import MULTIRUN, check_launch, name_swept_corpora
from ostinato.config.location import key_of, to_project_overrides
from ostinato.config.overrides import quote_paths
from ostinato.errors import UserError
from ostinato.parallel import DIED
from ostinato.stages import compose, fetch
from ostinato.stages.again import Source, load_again, local_overrides
from ostinato.stages.bundle_config import suggest_generate_command
from ostinato.stages.failures import Failures
from ostinato.stages.run_folder import check, own_folder, runs_jobs, sweep_folder
from ostinato.stages.run_stages import run_stages
from ostinato.stages.sweep import (
    Project,
    end_sweep,
    find_earlier,
    following,
    job_config,
    make_plan,
)
from ostinato.stages.sweep_job import Task, lose_job, run_job
from ostinato.stages.workspace import Workspace
from ostinato.sweeps.manifest import Manifest
from ostinato.sweeps.settings import NODE, sweep_settings
from ostinato.sweeps.shares import (
    Asked,
    Machine,
    count_at_once,
    limit_threads,
    share_threads,
    take_share,
)

if TYPE_CHECKING:
    from ostinato.training.trainer import Fitted

ENDED = (
    "a process of the sweep was ended, perhaps for want of memory, and the others with it: the "
    "same command goes on."
)
OF_A_ROW = ("corpus.name", "split", "representation", "model", "training", "evaluation")


def main(arguments: Sequence[str], here: Path, source: Source | None = None) -> int:
    """Hand the command line, typed while standing in `here`, to Hydra; returns the exit code.

    source: an earlier run that is made again, with the overrides of the command line on top.
    """
    workspace = Workspace.here()
    root = workspace.root
    again = load_again(source, quote_paths(arguments), workspace) if source else None
    project = Project(root, conf_folder(root), here, tuple(arguments), again=again)
    given = without_overridden(local_overrides(root) if again else read_params(root), arguments)
    flags, typed = _sorted(to_project_overrides(quote_paths(arguments), here, root))
    typed = [*again.base, *typed] if again else typed
    launch = check_launch(flags, given, typed, project.conf)
    corpora = name_swept_corpora([*given, *typed], project.conf)
    for override in corpora:
        console.say(f"each model is scored on the test split of all corpora: {override}")
    # Hydra's parser takes no override after a flag once more
    words = [*flags, *given, *typed, *corpora]
    if not any(a in MULTIRUN or a.startswith("-") or a.startswith("hydra") for a in arguments):
        base = [*given, *again.base] if again else None
        compose.compose_config(list(arguments), root, here, base)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors reach the command line as they are
    workspace.clear_remains()
    settings = sweep_settings(launch.sweep) if launch.sweeping else None
    earlier = find_earlier(root, typed, settings)
    with (
        own_folder(words, project.conf, root, launch.sweeping, earlier) as words,
        scratch.temporary(workspace.cache / "failures") as between,
    ):
        project = replace(project, given=frozenset(map(key_of, given)))
        folder = sweep_folder(words) if settings and runs_jobs(words) else None
        plan = (
            make_plan(folder, settings, [*typed, *corpora], project)
            if folder and settings
            else None
        )
        failures = Failures(between)
        lost = partial(lose_job, failures=failures)
        with following(plan, launch.sweeper, launch.launcher, lost):
            errors = _launch(words, project, failures)
        if plan is not None:
            end_sweep(plan, words, project)
        for failure in [*errors, *failures.take()]:
            raise failure
        return 0


def _launch(words: Sequence[str], project: Project, failures: Failures) -> list[Exception]:
    """Have Hydra run the jobs; returns what stopped a run that is of no sweep."""
    import hydra
    from hydra.errors import HydraException

    logging.getLogger("filelock").setLevel(logging.WARNING)  # --info logs all that there is
    sys.argv = ["ostinato run", *words]
    errors: list[Exception] = []
    machine = Machine.here()

    def job(composed: Any) -> Any:
        with console.seen_from(project.here):  # in a process of its own, perhaps
            _keep_to_share(composed, machine, failures.path.parent)
            return _job(composed, project, failures, errors)

    found = str(project.conf.resolve())
    try:
        hydra.main(version_base="1.3", config_path=found, config_name="config")(job)()
    except HydraException as error:
        plain = [word for word in words if not word.startswith("-")]
        raise translate_error(error, plain, project.conf) from error
    except Exception as error:
        if type(error).__name__ not in DIED:
            raise
        errors.append(UserError(ENDED))
    return errors


def _keep_to_share(composed: Any, machine: Machine, places: Path) -> None:
    """Have a job that runs beside others compute on its share of the machine."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    settings = HydraConfig.get()
    if settings.mode != RunMode.MULTIRUN:
        return
    manifest = Manifest.read(Path(settings.sweep.dir))
    batch = settings.sweeper.get("n_jobs") or settings.sweeper.get("max_batch_size")
    jobs = len(manifest.jobs) if manifest else machine.cores
    option, launcher = settings.runtime.choices[LAUNCHER], settings.launcher
    at_once = count_at_once(option, launcher, min(jobs, batch or jobs), machine.cores)
    reserved = launcher.get("cpus_per_task")
    if at_once or reserved:
        limit_threads(share_threads(at_once, machine, reserved))
    training = composed.get("training") or {}
    asked = Asked(str(training.get("accelerator")), int(training.get("devices") or 1))
    take_share(at_once, machine, asked, places)


def _sorted(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return Hydra's flags, and the overrides."""
    overrides = [a for a in arguments if not a.startswith("-") and ("=" in a or a.startswith("~"))]
    return [a for a in arguments if a not in overrides], overrides


def _job(composed: Any, project: Project, failures: Failures, errors: list[Exception]) -> Any:
    """One run; what stops it is raised after Hydra, which would print a line of its own first."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode
    from omegaconf import OmegaConf

    settings = HydraConfig.get()
    output = Path(settings.runtime.output_dir)
    sweep = Path(settings.sweep.dir) if settings.mode == RunMode.MULTIRUN else None
    workspace = Workspace(project.root, output, sweep=sweep)
    if sweep is not None:
        check(output)
        node: Any = OmegaConf.to_container(composed.get(NODE), resolve=True)
        chosen = sweep_settings(node)
        number = int(settings.job.num)
        config_of = partial(job_config, composed, settings, project)
        task = Task(number, config_of, workspace, chosen, settings.sweeper)
        return run_job(task, failures)
    try:
        config = job_config(composed, settings, project)
        check(output)
        run_stages(config, workspace, project.again)
        if command := suggest_generate_command(config, workspace):
            console.say(f"more of it: {command}")
    except Exception as error:
        errors.append(error)
    return None


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
