"""Sweeps that are stopped, given again, changed and extended."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from forked import die, run
from ostinato import scratch
from ostinato.errors import UserError
from ostinato.stages import evaluate, run_stages, sweep_job
from ostinato.sweeps.jobs import JobRecord
from ostinato.sweeps.manifest import Manifest
from ostinato.sweeps.parent import PARENT_TAG
from ostinato.sweeps.results import list_results
from ostinato.tracking import SUPERSEDED_TAG, SWEEP_TAG
from ostinato.training.callbacks import Curves
from projects import TINY_RUN, bytes_of

if TYPE_CHECKING:
    from mlflow.entities import Run

TINY = TINY_RUN
THREE = ("run", "-m", "seed=1,2,3", *TINY)
Folder = Path


@pytest.fixture(scope="module")
def template(project_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with encoded pieces, and in `whole` a sweep of three that nothing disturbed."""
    folder = tmp_path_factory.mktemp("swept") / "project"
    shutil.copytree(project_template, folder)
    assert run(folder, *THREE) == 0, words_of(folder)
    [sweep] = folder.glob("outputs/sweeps/*/*")
    shutil.move(sweep, folder / "whole")
    shutil.rmtree(folder / "outputs" / "sweeps")
    shutil.rmtree(folder / "outputs" / "mlflow")
    for log in folder.glob("*.log"):
        log.unlink()
    return folder


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Iterator[Path]:
    folder = Path(shutil.copytree(template, tmp_path / "project"))
    yield folder
    left = [p for p in folder.rglob(scratch.NAME) if "mlflow" not in p.parts]
    assert not left, f"nothing of ours stays: {left}"


def words_of(project: Path) -> str:
    """Return what the commands printed, but for what was printed before this was last called."""
    words = ""
    for log in sorted(project.glob("*.log")):
        words += log.read_text()
        log.unlink()
    return words


def sweeps(project: Path) -> list[Path]:
    return sorted(project.glob("outputs/sweeps/*/*"))


def jobs_of(project: Path) -> "list[Run]":
    """Return the MLflow runs of jobs, all below the run of their sweep, by their seed."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{project}/outputs/mlflow/mlflow.db")
    found = client.search_runs(["1"])
    parents = {r.info.run_id for r in found if SWEEP_TAG in r.data.tags}
    jobs = [r for r in found if r.info.run_id not in parents]
    assert {r.data.tags[PARENT_TAG] for r in jobs} <= parents
    return sorted(jobs, key=lambda r: (r.data.params["seed"], r.info.start_time))


def figures(folder: Path) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k != "minutes"} for row in list_results(folder)]


def check_whole(project: Path) -> None:
    """The sweep came to the figures and bytes of one that nothing disturbed, with a run a job."""
    [folder] = sweeps(project)
    whole = project / "whole"
    assert figures(folder) == figures(whole)
    for number in ("0", "1", "2"):
        for name in ("model", "samples", "evaluation"):
            assert bytes_of(folder / number / name) == bytes_of(whole / number / name)
        for name in ("config.yaml", "curves.csv", "split.json"):
            assert (folder / number / name).read_text() == (whole / number / name).read_text()
    runs = jobs_of(project)
    assert [r.data.params["seed"] for r in runs] == ["1", "2", "3"]
    assert {r.info.status for r in runs} == {"FINISHED"}
    noted = [JobRecord.read(folder / number) for number in ("0", "1", "2")]
    assert [record.run for record in noted if record] == [r.info.run_id for r in runs]
    assert not list((project / "outputs" / "checkpoints").iterdir())


def before_call(count: int, module: Any, name: str, what: Callable[..., Any] = die) -> Any:
    """Have the `count`-th call of a function begin with something else, a death say."""

    def patch() -> None:
        own, calls = getattr(module, name), iter(range(1, 100))

        def called(*arguments: Any, **more: Any) -> Any:
            if next(calls) == count:
                what()
            return own(*arguments, **more)

        setattr(module, name, called)

    return patch


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "module", "name"),
    [
        (4, Curves, "on_train_epoch_end"),  # in the second epoch of the second training
        # noting that the second has ended
        pytest.param(3, sweep_job.train, "describe_reached", marks=pytest.mark.slow),
        # its training has ended, its samples have not begun
        pytest.param(2, sweep_job, "finish_stages", marks=pytest.mark.slow),
        pytest.param(2, evaluate, "run", marks=pytest.mark.slow),  # there are samples
        pytest.param(2, sweep_job, "_score", marks=pytest.mark.slow),  # all is done
    ],
    ids=["training", "noting", "trained", "sampled", "done"],
)
def test_a_sweep_that_was_killed_goes_on(project: Path, count: int, module: Any, name: str) -> None:
    assert run(project, *THREE, first=before_call(count, module, name)) < 0
    words_of(project)
    [folder] = sweeps(project)
    assert Manifest.read(folder)
    assert run(project, *THREE) == 0, words_of(project)
    words = words_of(project)
    done = 2 if name == "_score" else 1
    assert f"continuing the sweep {folder.relative_to(project)}: {done} of 3 jobs" in words
    assert "job 0 is finished already" in words
    if name == "on_train_epoch_end":
        assert "resuming" in words
    if name in ("finish_stages", "run"):
        assert "trained already" in words
    check_whole(project)


@pytest.mark.slow
def test_a_sweep_that_has_ended_is_not_gone_on_with_unless_it_is_named(project: Path) -> None:
    words = ("run", "-m", "seed=1", *TINY)
    assert run(project, *words) == run(project, *words) == 0
    first, second = sweeps(project)
    assert "continuing" not in words_of(project)
    model = bytes_of(first / "0" / "model")
    assert run(project, *words, f"hydra.sweep.dir={first.relative_to(project)}") == 0
    assert "1 of 1 job is done" in words_of(project)
    assert bytes_of(first / "0" / "model") == model
    assert sweeps(project) == [first, second]


@pytest.mark.slow
def test_a_new_sweep_is_begun_where_that_is_asked_for(project: Path) -> None:
    assert run(project, *THREE, first=before_call(1, sweep_job, "_run")) < 0
    assert run(project, *THREE, "sweep.new=true") == 0
    assert "continuing" not in words_of(project)
    assert len(sweeps(project)) == 2


@pytest.mark.slow
def test_a_changed_config_is_refused_by_its_values(project: Path) -> None:
    assert run(project, *THREE, first=before_call(2, sweep_job, "finish_stages")) < 0
    file = project / "conf" / "method" / "likelihood.yaml"
    text = file.read_text()
    file.write_text(text.replace("gradient_clip: 1.0", "gradient_clip: 2.0"))
    assert file.read_text() != text
    words_of(project)
    assert run(project, *THREE) == 2
    words = words_of(project)
    assert "training.gradient_clip 1.0 -> 2.0" in words
    assert "sweep.extend=true" in words
    assert run(project, *THREE, "sweep.extend=true") == 0
    assert "run again: jobs 0, 1 were made otherwise" in words_of(project)
    [folder] = sweeps(project)
    assert [row["state"] for row in list_results(folder)] == ["finished"] * 3
    runs = jobs_of(project)
    old = [r for r in runs if SUPERSEDED_TAG in r.data.tags]
    assert [r.data.params["seed"] for r in old] == ["1", "2"]
    assert len(runs) == 5
    assert "2 runs whose job of a sweep was run again" in (folder / "compare.html").read_text()


@pytest.mark.slow
def test_changed_code_and_music_are_refused(project: Path) -> None:
    assert run(project, *THREE, first=before_call(2, sweep_job, "_run")) < 0
    [folder] = sweeps(project)
    record = json.loads((folder / "0" / "job.json").read_text())
    manifest = json.loads((folder / "sweep.json").read_text())
    name = "ostinato/training/trainer.py"
    manifest["files"][name], record["origin"]["code"] = "other", "other"
    (folder / "0" / "job.json").write_text(json.dumps(record))
    (folder / "sweep.json").write_text(json.dumps(manifest))
    assert run(project, *THREE) == 2
    assert f"the code has changed ({name})" in words_of(project)
    shutil.copy(next((project / "data" / "bach").iterdir()), project / "data" / "bach" / "a.mid")
    record["origin"]["code"] = manifest["jobs"][0]["origin"]["code"]
    (folder / "0" / "job.json").write_text(json.dumps(record))
    assert run(project, *THREE) == 2
    assert "the pieces of data/bach have changed" in words_of(project)


@pytest.mark.slow
def test_a_grid_that_grows_keeps_the_numbers_of_its_jobs(project: Path) -> None:
    assert run(project, "run", "-m", "seed=2,3", *TINY) == 0
    [folder] = sweeps(project)
    models = {n: bytes_of(folder / n / "model") for n in ("0", "1")}
    words_of(project)
    assert run(project, *THREE, f"hydra.sweep.dir={folder.relative_to(project)}") == 2
    assert "1 of yours (seed=1) is not in it, and 0 of its own are" in words_of(project)
    assert run(project, *THREE, "sweep.extend=true") == 0
    assert "2 of 3 jobs are done" in words_of(project)
    seeds = [job.overrides[0] for job in Manifest.read(folder).jobs]  # type: ignore[union-attr]
    assert seeds == ["seed=2", "seed=3", "seed=1"]
    assert {n: bytes_of(folder / n / "model") for n in ("0", "1")} == models
    assert sweeps(project) == [folder]
    assert len(jobs_of(project)) == 3


@pytest.mark.slow
def test_a_job_that_fails_fails_alone(project: Path) -> None:
    def fail() -> None:
        raise UserError("no music today.")

    assert run(project, *THREE, first=before_call(2, evaluate, "run", fail)) == 1
    words = words_of(project)
    assert "ostinato: 1 run of the sweep failed: seed=2" in words
    [folder] = sweeps(project)
    assert [row["state"] for row in list_results(folder)] == ["finished", "failed", "finished"]
    assert (folder / "1" / "error.txt").read_text() == "no music today.\n"
    assert Manifest.read(folder).results[1]["error"] == "no music today."  # type: ignore[union-attr]
    failed = jobs_of(project)[1]
    assert failed.info.status == "FAILED"
    assert failed.data.tags["ostinato.failure"] == "no music today."
    assert run(project, *THREE) == 0, "what has failed is run again"
    assert "trained already" in words_of(project)
    assert not (folder / "1" / "error.txt").exists()
    assert "ostinato.failure" not in jobs_of(project)[1].data.tags
    check_whole(project)


@pytest.mark.slow
def test_an_error_that_nobody_foresaw_fails_alone_too(project: Path) -> None:
    def fail() -> None:
        raise ZeroDivisionError("by nought")

    first = before_call(2, run_stages, "read_pieces", fail)
    assert run(project, *THREE, "sweep.fail_fast=true", first=first) == 1
    [folder] = sweeps(project)
    assert [row["state"] for row in list_results(folder)] == ["finished", "failed", "not begun"]
    assert list_results(folder)[1]["error"] == "ZeroDivisionError: by nought"
    assert "Traceback" in (folder / "1" / "error.txt").read_text()
    assert "Traceback" not in words_of(project)
    assert run(project, *THREE) == 0
    check_whole(project)


@pytest.mark.slow
def test_settings_of_sweeps_are_for_sweeps(project: Path) -> None:
    for words, sentence in [
        (["run", "sweep.extend=true"], "sweep.extend is a setting of sweeps"),
        (["train", "sweep.new=true"], "sweep.new is a setting of sweeps"),
        (["run", "-m", "seed=1,2", "sweep.extend=maybe"], "sweep.extend="),
        (["run", "-m", "seed=1,2", "sweep.extend=true"], "finds no sweep over these keys"),
        (["run", "-m", "seed=1,2", "sweep.new=true", "sweep.extend=true"], "give one"),
    ]:
        assert run(project, *words) == 2
        assert sentence in words_of(project)
    assert not sweeps(project)
