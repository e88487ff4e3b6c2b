"""A job of a sweep: skipped where it is done, continued where it was stopped, failing alone."""

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato import console, scratch
from ostinato.config import Config
from ostinato.errors import UserError
from ostinato.files import write_text
from ostinato.interrupts import is_interrupt
from ostinato.stages import train
from ostinato.stages.bundle_config import suggest_generate_command
from ostinato.stages.failures import Failures
from ostinato.stages.initial import find_initial
from ostinato.stages.recording import FAILURE_TAG, explain_failure, record_failure
from ostinato.stages.run_stages import finish_stages, prepare_stages
from ostinato.stages.workspace import Workspace
from ostinato.sweeps.jobs import DONE, ERROR, FAILED, FINISHED, PRUNED, RUNNING, JobRecord, Reached
from ostinato.sweeps.manifest import Manifest
from ostinato.sweeps.parent import recover, supersede
from ostinato.sweeps.settings import SweepSettings
from ostinato.tracking import Run, client_of

if TYPE_CHECKING:
    from ostinato.sweeps.trials import Pruning

Score = float | list[float]


@dataclass(frozen=True)
class Task:
    """A job to run: its number, how its config is made, and the workspace of its folder.

    sweeper: Hydra's settings of the sweeper, in which a job of a search finds its trial.
    """

    number: int
    make: Callable[[], Config]
    workspace: Workspace
    settings: SweepSettings
    sweeper: Mapping[str, Any]


def run_job(task: Task, failures: Failures) -> Score:
    """Run a job of a sweep; returns what it came to.

    What stops a job is recorded in its folder, and the others go on. A worker that has outlived
    its sweep may still be at this job: it is waited for.
    """
    folder, sweep = task.workspace.outputs, task.workspace.sweep
    manifest = Manifest.read(sweep) if sweep else None
    job = manifest.job(task.number) if manifest else None
    fresh = JobRecord(task.number, job.origin if job else None)
    with scratch.exclusive(folder / "job"):
        record = JobRecord.read(folder)
        if record is not None and record.is_done(fresh.origin):
            console.say(f"job {task.number} is {record.state} already")
            return _score(record.reached, task.settings)
        if task.settings.fail_fast and failures.any():
            return float("inf")
        try:
            reached = _begin(task, record, fresh)
        except Exception as error:
            if is_interrupt(error):
                raise KeyboardInterrupt from error  # Hydra would go on with the next job
            _fail(error, task)
            failures.add(job.overrides if job else [str(task.number)], error)
            return float("inf")
        _note(folder, state=PRUNED if reached.pruned else FINISHED)
        return _score(reached, task.settings)


def lose_job(sweep: Path, number: int, reason: str, failures: Failures) -> None:
    """Record that the process of a job was ended before the job could say why.

    sweep: the folder of the sweep. The MLflow run of its training is marked as killed by the next
    training, as that of any training that was killed.
    """
    manifest = Manifest.read(sweep)
    job = manifest.job(number) if manifest else None
    folder = sweep / (job.folder if job else str(number))
    sentence = f"the process of the job was ended: {reason}"
    record = JobRecord.read(folder) or JobRecord(number, job.origin if job else None)
    if record.state in DONE:
        return
    folder.mkdir(parents=True, exist_ok=True)
    replace(record, state=FAILED, error=sentence).write(folder)
    write_text(folder / ERROR, f"{sentence}\n", within=folder)
    console.warn(f"job {number} of the sweep failed: {sentence}")
    failures.add(job.overrides if job else [str(number)], UserError(sentence))


def _begin(task: Task, record: JobRecord | None, fresh: JobRecord) -> Reached:
    """Run a job, where it was stopped if it is the same as then; returns what it came to."""
    workspace = task.workspace
    same = record is not None and fresh.origin is not None and record.origin == fresh.origin
    begun = replace(record, state=RUNNING, error="") if record and same else fresh
    begun.write(workspace.outputs)
    (workspace.outputs / ERROR).unlink(missing_ok=True)
    config = task.make()
    if record is not None and not same:
        supersede(config.build("tracking"), workspace.home, record.run)
    reached = _run(config, workspace, task)
    done = JobRecord.read(workspace.outputs)
    if record is not None and record.error and same and done is not None:
        recover(config.build("tracking"), workspace.home, done.run, FAILURE_TAG)
    return reached


def _run(config: Config, workspace: Workspace, task: Task) -> Reached:
    """Run the stages; a training that an earlier start has ended is not run again."""
    workspace = prepare_stages(config, workspace)
    record = JobRecord.read(workspace.outputs)
    trained = record is not None and record.training == train.name_training(
        config, workspace, find_initial(config, workspace)
    )
    if record and record.reached and trained and workspace.model.is_dir():
        console.say(f"trained already: the model is in {console.where(workspace.model)}")
        reached = record.reached
    else:
        pruning = _pruning(task)
        fitted = train.run(config, workspace, pruning)
        reached = train.describe_reached(fitted, pruning)
    if reached.pruned:
        console.say(reached.pruned)
        return reached
    finish_stages(config, workspace)
    if command := suggest_generate_command(config, workspace):
        console.say(f"more of it: {command}")
    return reached


def _pruning(task: Task) -> "Pruning | None":
    """Return what ends a training for a search; None where none shall, or there is no search."""
    if not task.settings.prune or task.workspace.sweep is None:
        return None
    from ostinato.sweeps.trials import Pruning, open_trial

    trial = open_trial(task.sweeper, task.workspace.sweep, task.number, task.settings)
    return None if trial is None else Pruning(trial, task.settings.prune_percentile)


def _fail(error: Exception, task: Task) -> None:
    """Record why a job failed: in its folder, and on its MLflow run where it has one."""
    folder = task.workspace.outputs
    sentence = explain_failure(error)
    console.warn(f"this run of the sweep failed: {sentence}")
    expected = isinstance(error, UserError)
    text = sentence if expected else "".join(traceback.format_exception(error))
    write_text(folder / ERROR, f"{text.rstrip()}\n", within=folder)
    _note(folder, state=FAILED, error=sentence)
    record = JobRecord.read(folder)
    if record is None or not record.run:
        return
    try:
        client, _ = client_of(task.make().build("tracking"), task.workspace.home)
    except UserError as unreachable:
        console.warn(str(unreachable))
        return
    record_failure(Run(client, record.run), error)


def _note(folder: Path, **changes: Any) -> None:
    if (record := JobRecord.read(folder)) is not None:
        replace(record, **changes).write(folder)


def _score(reached: Reached | None, settings: SweepSettings) -> Score:
    """Return what a search minimises: one figure, or one an objective."""
    values = [getattr(reached, name) for name in settings.objectives]
    figures = [float("inf") if value is None else float(value) for value in values]
    return figures[0] if len(figures) == 1 else figures
