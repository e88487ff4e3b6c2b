"""Launchers of several jobs at once: none is lost, one fails alone, and a sweep goes on."""

import shutil
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

import projects
from forked import ended, run, start
from ostinato.sweeps.jobs import JobRecord
from ostinato.sweeps.results import list_results
from ostinato.tracking import SWEEP_TAG

TINY = projects.TINY_RUN
LOCAL = "hydra/launcher=submitit_local"
LONG = ("training.epochs=60", "training.early_stopping=null", "training.schedule=constant")
PATIENCE = 300  # seconds


@pytest.fixture
def submitit() -> None:
    """The test is skipped where the package is missing, which brings the launchers of submitit."""
    pytest.importorskip(
        "hydra_plugins.hydra_submitit_launcher",
        reason="hydra/launcher=submitit_local needs `pip install -e '.[slurm]'`",
    )


def words_of(project: Path) -> str:
    """Return what the commands printed, and remove it."""
    words = "".join(log.read_text() for log in sorted(project.glob("*.log")))
    for log in project.glob("*.log"):
        log.unlink()
    return words


def sweep_of(project: Path) -> Path:
    [folder] = project.glob("outputs/sweeps/*/*")
    return folder


def states(project: Path) -> list[str]:
    return [row["state"] for row in list_results(sweep_of(project))]


def job_process(parent: int, at: Callable[[], bool]) -> psutil.Process:
    """Return the process of the only job of submitit, once a condition holds."""
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit:
        found = [
            process
            for process in psutil.Process(parent).children(recursive=True)
            if "submitit.core._submit" in process.cmdline()
        ]
        if found and at():
            return found[0]
        time.sleep(0.2)
    raise AssertionError("the job does not get there")


def printed(project: Path) -> str:
    """Return what the jobs of submitit printed so far."""
    logs = project.glob("outputs/sweeps/*/*/.submitit/*/*_log.out")
    return "".join(log.read_text() for log in logs)


@pytest.mark.slow
@pytest.mark.usefixtures("submitit")
def test_a_sweep_by_submitit_goes_on_and_one_job_fails_alone(project: Path) -> None:
    words = ("run", "-m", "training.epochs=1,0", *TINY, LOCAL)
    assert run(project, *words) == 2, words_of(project)
    assert states(project) == ["finished", "failed"]
    assert "training.epochs=0" in (sweep_of(project) / "1" / "error.txt").read_text()
    words_of(project)
    assert run(project, *words) == 2
    assert "1 of 2 jobs is done" in words_of(project)
    assert "job 0 is finished already" in printed(project)
    assert run(project, *words[:-1]) == 2, "the launcher may differ"
    assert "1 of 2 jobs is done" in words_of(project)


@pytest.mark.slow
@pytest.mark.usefixtures("submitit")
def test_a_job_that_a_cluster_stops_is_requeued_and_resumed(project: Path) -> None:
    sweep = start(project, "run", "-m", "seed=1", *TINY, *LONG, LOCAL)
    job = job_process(sweep.pid, lambda: "epoch 3 of 60" in printed(project))
    job.send_signal(signal.SIGUSR2)  # as SLURM does before the time is up, or for another job
    assert ended(sweep) == 0, words_of(project)
    words = printed(project)
    assert "Requeued job" in words
    assert words.count("Starting with JobEnvironment") == 2
    assert "resuming the interrupted training" in words
    assert words.count("epoch 3 of 60: ") == 1, "it does not train again what it had trained"
    assert states(project) == ["finished"]
    assert [r.info.status for r in runs_of_jobs(project)] == ["FINISHED"]


@pytest.mark.slow
@pytest.mark.usefixtures("submitit")
def test_a_job_whose_process_is_killed_fails_alone(project: Path) -> None:
    words = ("run", "-m", "seed=1", *TINY, *LONG, LOCAL)
    sweep = start(project, *words)
    job_process(sweep.pid, lambda: "epoch 3 of 60" in printed(project)).kill()
    assert ended(sweep) == 1
    assert states(project) == ["failed"]
    assert "the process of the job was ended" in words_of(project)
    assert run(project, *words) == 0, words_of(project)
    assert "resuming the interrupted training" in printed(project)
    assert states(project) == ["finished"]
    [found] = runs_of_jobs(project)
    assert found.info.status == "FINISHED"


@pytest.mark.slow
def test_a_worker_of_joblib_that_is_killed_is_said_in_a_sentence(project: Path) -> None:
    words = ("run", "-m", "seed=1,2", *TINY, *LONG)
    two = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    sweep = start(project, *words, *two)
    limit = time.monotonic() + PATIENCE
    while not list(project.glob("outputs/checkpoints/*/last.ckpt")):
        assert time.monotonic() < limit
        time.sleep(0.2)
    for worker in psutil.Process(sweep.pid).children():
        if "loky.backend.popen_loky_posix" in " ".join(worker.cmdline()):
            worker.kill()
            break
    assert ended(sweep) == 1
    printed_words = words_of(project)
    assert "a process of the sweep was ended" in printed_words
    assert "Traceback" not in printed_words
    assert run(project, *words) == 0, words_of(project)
    assert states(project) == ["finished"] * 2


def runs_of_jobs(project: Path) -> list[Any]:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{project}/outputs/mlflow/mlflow.db")
    return [r for r in client.search_runs(["1"]) if SWEEP_TAG not in r.data.tags]


@pytest.mark.slow
def test_eight_jobs_that_begin_at_once_on_a_fresh_store_lose_nothing(project: Path) -> None:
    command = partial(projects.run, project)  # waits for as long as it takes
    shutil.rmtree(project / "outputs", ignore_errors=True)
    eight = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=8")
    command("ostinato", "run", "-m", "seed=range(1,9)", *TINY, *eight)
    assert states(project) == ["finished"] * 8
    found = runs_of_jobs(project)
    assert sorted(int(r.data.params["seed"]) for r in found) == list(range(1, 9))
    assert {r.info.status for r in found} == {"FINISHED"}
    records = [JobRecord.read(sweep_of(project) / str(number)) for number in range(8)]
    assert {record.run for record in records if record} == {r.info.run_id for r in found}
    for run_of_job in found:
        assert "test_nats_per_note" in run_of_job.data.metrics
        assert run_of_job.data.params["training.epochs"] == "2"
        artifacts = project / "outputs" / "mlflow" / "artifacts"
        [report] = artifacts.glob(f"**/{run_of_job.info.run_id}/artifacts/report.html")
        assert report.stat().st_size


def without_launchers() -> None:
    """Take from this process the launchers of packages that need not be installed."""
    from hydra.core.config_store import ConfigStore
    from hydra.core.plugins import Plugins

    Plugins.instance()  # registers them
    for name in ("submitit_slurm.yaml", "ray.yaml"):
        ConfigStore.instance().repo["hydra"]["launcher"].pop(name, None)


def test_a_missing_launcher_is_named_with_what_installs_it(project: Path) -> None:
    (project / "conf" / "experiment" / "mine.yaml").write_text(
        "# @package _global_\n"
        + yaml.safe_dump({"defaults": [{"override /hydra/launcher": "submitit_slurm"}]})
    )
    for word, installs in (
        ("hydra/launcher=submitit_slurm", "pip install -e '.[slurm]'"),
        ("experiment=mine", "pip install -e '.[slurm]'"),
        ("hydra/launcher=ray", "pip install --no-deps hydra-ray-launcher"),
    ):
        assert run(project, "run", "-m", "seed=1,2", word, first=without_launchers) == 2
        words = words_of(project)
        assert "needs a package that is not installed: run `" in words
        assert f"{installs}` in the environment of ostinato." in words
