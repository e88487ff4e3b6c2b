"""A sweep: found again, planned, launched by Hydra, and summed up at its end."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ostinato import console
from ostinato.comparison.selection import Asked
from ostinato.config import Config
from ostinato.config.composition import from_hydra
from ostinato.config.location import to_project_paths
from ostinato.config.unread import refuse_unread
from ostinato.errors import ConfigError, UserError
from ostinato.stages import compare, compose
from ostinato.stages.again import Again
from ostinato.stages.initial import find_initial
from ostinato.stages.piece_cache import locate_pieces
from ostinato.stages.workspace import Workspace
from ostinato.sweeps.jobs import DONE
from ostinato.sweeps.manifest import MANIFEST, find_related, find_unfinished, name_command
from ostinato.sweeps.parent import SWEEP_NOTE, sweep_run
from ostinato.sweeps.plan import Plan
from ostinato.sweeps.plots import draw_sweep
from ostinato.sweeps.results import Row, list_results, to_terminal
from ostinato.sweeps.settings import SweepSettings
from ostinato.tracking import Tracking


@dataclass(frozen=True)
class Project:
    """The project of a command line, where that was typed, and the overrides in it.

    given: the keys that params.yaml sets; again: the earlier run that is made again.
    """

    root: Path
    conf: Path
    here: Path
    typed: tuple[str, ...]
    given: frozenset[str] = frozenset()
    again: Again | None = None


def find_earlier(root: Path, typed: Sequence[str], settings: SweepSettings | None) -> list[Path]:
    """Return the folders of sweeps that a command may go on with, the likeliest first.

    Raises `ConfigError` where a sweep shall be extended and there is none.
    """
    if settings is None or settings.new or any("hydra.sweep.dir" in word for word in typed):
        return []
    command = name_command(typed)
    if not settings.extend:
        return find_unfinished(root, command)
    if not (found := find_related(root, command)[:1]):
        raise ConfigError(
            "sweep.extend=true finds no sweep over these keys in outputs/sweeps: name its folder, "
            "hydra.sweep.dir=outputs/sweeps/DATE/TIME."
        )
    return found


def make_plan(
    folder: Path, settings: SweepSettings, typed: Sequence[str], project: Project
) -> Plan:
    """Return the plan of a sweep in a folder."""

    workspace = Workspace.here()
    known: dict[str, str] = {}  # a large corpus is hashed once for all jobs

    def data_of(config: Config) -> str:
        text = str(config["corpus"])
        if text not in known:
            known[text] = locate_pieces(config, workspace).name
        with suppress(UserError):  # which the job itself says
            if initial := find_initial(config, workspace):
                return f"{known[text]}-{initial.fingerprint}"
        return known[text]

    def config_of(composed: Any) -> Config:
        return job_config(composed, composed.hydra, project)

    return Plan(
        project.root / folder, settings, name_command(typed), project.given, config_of, data_of
    )


def job_config(composed: Any, settings: Any, project: Project) -> Config:
    """Return the config of a run, checked; `settings` are those of Hydra's for it."""
    config = from_hydra(composed, settings, project.conf)
    config = to_project_paths(config, project.typed, project.here, project.root)
    refuse_unread(config, settings.overrides.task)
    compose.check_compatibility(config, project.conf)
    return config


@contextmanager
def following(
    plan: Plan | None, sweeper: str, launcher: str, lost: Callable[[Path, int, str], None]
) -> Iterator[None]:
    """Have Hydra's sweepers follow a plan, if there is one, while the block runs.

    lost: what is done about a job whose process was ended: of the folder of the sweep, the number
    of the job, and how it ended.
    """
    if plan is None:
        yield
        return
    from ostinato.sweeps.current import planned

    try:
        with planned(plan, sweeper, launcher, lost):
            yield
    except KeyboardInterrupt:
        rows = list_results(plan.folder)
        done = sum(row["state"] in DONE for row in rows)
        if rows:
            console.say(f"{done} of {len(rows)} jobs are done: the same command goes on")
        raise


def end_sweep(plan: Plan, words: Sequence[str], project: Project) -> None:
    """Print what became of the jobs, draw and compare those that have finished."""
    rows = list_results(plan.folder)
    plan.end(rows)
    if rows:
        console.show(to_terminal(rows))
    pictures = draw_sweep(rows, plan.folder)
    if not (plan.folder / SWEEP_NOTE).is_file():  # nothing was recorded
        return
    tracking = compose.compose_tracking(_of_tracking(words), project.root)
    try:
        _record(plan.folder, rows, pictures, tracking)
        asked, page = Asked(sweep=str(plan.folder)), compare.Written(plan.folder / compare.PAGE)
        compare.run(asked, page, tracking, Workspace.here())
    except UserError as error:  # the jobs are done, and what they came to is recorded
        console.warn(f"the sweep is not compared: {error}")


def _record(
    folder: Path, rows: Sequence[Row], pictures: Sequence[Path], tracking: Tracking
) -> None:
    """Record what became of the jobs on the run of the sweep."""
    parent = sweep_run(tracking, Workspace.here().home, folder)
    for file in (*pictures, folder / MANIFEST):
        parent.artifacts(file, "")
    parent.end("FINISHED" if all(row["state"] in DONE for row in rows) else "FAILED")


def _of_tracking(words: Sequence[str]) -> list[str]:
    """Return the overrides that say where runs are recorded."""
    return [word for word in words if word.startswith("tracking") and "," not in word]
