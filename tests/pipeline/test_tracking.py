"""What a training leaves on MLflow, in the project's own store and on a team's server."""

import subprocess
import sys
from pathlib import Path

import pytest

from mlflow_servers import stop
from projects import run

TINY = (
    "debug=smoke",
    "model.size=tiny",
    "model.backbone.hidden_size=32",
    "training.max_pieces=8",
    "sampling.min_bars=0",
    "sampling.max_bars=3",
)
EXPERIMENT = ["1"]


def store(project: Path) -> str:
    return f"sqlite:///{project}/outputs/mlflow/mlflow.db"


def artifacts(uri: str, run_id: str, folder: str) -> set[str]:
    from mlflow import MlflowClient

    return {file.path for file in MlflowClient(uri).list_artifacts(run_id, folder)}


def train(project: Path, *overrides: str) -> None:
    for stage in ("preprocess", "split", "train"):
        run(project, "ostinato", stage, *TINY, *overrides)


def check_whole_run(uri: str) -> None:
    """One finished run with everything that a pipeline of two epochs records."""
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    [only] = client.search_runs(EXPERIMENT)
    assert only.info.status == "FINISHED"
    for name in ("train_nats_per_token", "validation_nats_per_token"):
        history = client.get_metric_history(only.info.run_id, name)
        assert len(history) == 2, name
        assert len({point.step for point in history}) == 2
    assert only.data.params["model.backbone.hidden_size"] == "32"
    assert only.data.params["seed"] == "42"
    assert only.data.tags["data.pieces"]
    assert only.data.tags["ostinato.command"].startswith("ostinato run experiment=bach_lstm debug=")
    assert "test_nats_per_note" in only.data.metrics
    assert only.data.metrics["minutes"] > 0
    assert "samples/listen.html" in artifacts(uri, only.info.run_id, "samples")
    assert "model/weights.safetensors" in artifacts(uri, only.info.run_id, "model")
    assert "evaluation/report.html" in artifacts(uri, only.info.run_id, "evaluation")
    files = {"config/config.yaml", "config/provenance.json"}
    assert artifacts(uri, only.info.run_id, "config") == files
    assert len(only.data.tags["ostinato.weights"]) == 64
    assert only.data.tags["ostinato.samples"]
    # at the root, where MLflow's page that compares runs looks
    root = {"listen.html", "report.html", "sample-01.mp3", "sample-01.png"}
    assert root <= artifacts(uri, only.info.run_id, "")
    assert only.data.metrics["memory_megabytes"] > 100
    assert only.data.metrics["test_bits_per_second"] > 0


@pytest.mark.slow
def test_a_training_and_what_follows_are_one_run(project: Path) -> None:
    from mlflow import MlflowClient

    run(project, "git", "init", "-q")
    run(
        project,
        "git",
        "-c",
        "user.name=A",
        "-c",
        "user.email=a@b",
        "commit",
        "-q",
        "-m",
        "a",
        *["--allow-empty"],
    )
    run(project, "ostinato", "run", *TINY)
    check_whole_run(store(project))
    [only] = MlflowClient(store(project)).search_runs(EXPERIMENT)
    assert len(only.data.tags["mlflow.source.git.commit"]) == 40


@pytest.mark.slow
def test_tracking_off_makes_no_store(project: Path) -> None:
    train(project, "tracking=off", "training.epochs=1")
    assert (project / "outputs" / "model" / "weights.safetensors").exists()
    assert not (project / "outputs" / "mlflow").exists()


@pytest.mark.slow
def test_two_trainings_that_both_make_the_store_succeed(project: Path) -> None:
    from mlflow import MlflowClient

    run(project, "ostinato", "preprocess", *TINY)
    run(project, "ostinato", "split", *TINY)
    command = [sys.executable, "-m", "ostinato", "train", *TINY, "training.epochs=1"]
    both = [
        subprocess.Popen(
            [*command, f"model={model}"], cwd=project, stderr=subprocess.PIPE, text=True
        )
        for model in ("rnn", "gru")
    ]
    for training in both:
        words = training.communicate(timeout=300)[1]
        assert training.returncode == 0, words
    runs = MlflowClient(store(project)).search_runs(EXPERIMENT)
    assert {r.data.params["choices.model"] for r in runs} == {"rnn", "gru"}
    assert {r.info.status for r in runs} == {"FINISHED"}


@pytest.mark.slow
def test_a_server_has_the_whole_run_and_its_death_is_told_in_a_sentence(
    project: Path, server: tuple[str, "subprocess.Popen[bytes]"]
) -> None:
    uri, process = server
    run(project, "ostinato", "run", *TINY, f"tracking.uri={uri}")
    check_whole_run(uri)
    assert not (project / "outputs" / "mlflow" / "mlflow.db").exists()
    run(project, "ostinato", "compare", f"tracking.uri={uri}")
    page = (project / "outputs" / "compare.html").read_text(encoding="utf-8")
    assert 'class="card sample' in page
    assert 'class="sound"' in page
    words = (*TINY, "training.epochs=500", f"tracking.uri={uri}")
    run(project, "ostinato", "preprocess", *TINY)
    run(project, "ostinato", "split", *TINY)
    training = subprocess.Popen(
        [sys.executable, "-u", "-m", "ostinato", "train", *words],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert training.stdout is not None
    assert any(line.startswith("epoch 2 of 500") for line in training.stdout)
    stop(process)
    told = training.communicate(timeout=300)[1]
    assert training.returncode == 1
    assert f"the MLflow server {uri} does not answer" in told
    assert "Traceback" not in told


@pytest.mark.slow
def test_a_server_that_is_not_there_is_told_in_a_sentence(project: Path) -> None:
    run(project, "ostinato", "preprocess", *TINY)
    run(project, "ostinato", "split", *TINY)
    nowhere = "tracking.uri=http://127.0.0.1:9"
    done = run(project, "ostinato", "train", *TINY, nowhere, check=False)
    assert done.returncode == 1
    assert "the MLflow server http://127.0.0.1:9 does not answer" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (project / "outputs" / "model").exists()


@pytest.mark.slow
def test_a_model_is_registered_on_a_server_and_fetched_from_it(
    project: Path,
    server: tuple[str, "subprocess.Popen[bytes]"],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    uri, process = server
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "somebody")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "not-to-be-seen")
    there = f"tracking.uri={uri}"
    train(project, there, "training.epochs=1")
    named = ("register", "outputs", "--name", "bach", "--alias", "best", there)
    words = [run(project, "ostinato", *named)]
    assert "is version 1 of bach" in words[0].stdout
    fetched = ("generate", "model_dir=models:/bach@best", "samples_dir=new", there)
    for _ in range(2):  # the second time from the cache
        words.append(run(project, "ostinato", *fetched, *TINY[4:], "sampling.pieces=1"))
        assert "models:/bach@best is in outputs/cache/models/" in words[-1].stdout
    assert len(list(project.glob("outputs/cache/models/*/MLmodel"))) == 1
    stop(process)
    words.append(run(project, "ostinato", *fetched, check=False))
    assert words[-1].returncode == 1
    assert "does not answer" in words[-1].stderr
    assert "Traceback" not in words[-1].stderr
    assert not any("not-to-be-seen" in done.stdout + done.stderr for done in words)
