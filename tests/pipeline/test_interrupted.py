"""A training that is killed goes on where it was, and ends where it would have ended."""

import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import music21
import pytest

from projects import bytes_of, check_a_killed_training_resumes, run, start_training

SMALL = (
    "debug=smoke",
    "model.size=tiny",
    "model.backbone.hidden_size=32",
    "training.epochs=4",
    "training.max_pieces=16",
)


def prepare(project: Path) -> None:
    prepare_with(project, *SMALL)


def prepare_with(project: Path, *words: str) -> None:
    run(project, "ostinato", "preprocess", *words)
    run(project, "ostinato", "split", *words)


@pytest.mark.slow
def test_killed_training_resumes_to_the_same_weights(project: Path) -> None:
    check_a_killed_training_resumes(project, *SMALL)


@pytest.mark.slow
@pytest.mark.parametrize("words", [(), ("experiment=bach_gan",)])
def test_a_training_killed_within_an_epoch_goes_on_within_it(
    project: Path, words: tuple[str, ...]
) -> None:
    from mlflow import MlflowClient

    # experiments come first; every step has a checkpoint
    sized = () if words else SMALL[1:3]
    words = (*words, "debug=smoke", *sized, *SMALL[3:], "training.checkpoint_minutes=1e-9")
    prepare_with(project, *words)
    run(project, "ostinato", "train", *words)
    outputs = project / "outputs"
    whole, curves = bytes_of(outputs / "model"), (outputs / "curves.csv").read_text()
    training = start_training(project, *words)
    [within] = outputs.rglob("within.ckpt")
    before = within.stat().st_ino
    while within.stat().st_ino == before:  # until another file takes its place
        assert training.poll() is None, "it ended before it was killed"
        time.sleep(0.001)
    training.send_signal(signal.SIGKILL)
    training.communicate()
    done = run(project, "ostinato", "train", *words)
    assert "within.ckpt" in done.stdout
    assert "epoch 2 of 4" not in done.stdout
    assert "epoch 3 of 4" in done.stdout
    assert bytes_of(outputs / "model") == whole
    assert (outputs / "curves.csv").read_text() == curves
    client = MlflowClient(f"sqlite:///{project}/outputs/mlflow/mlflow.db")
    last, first = (found.info.run_id for found in client.search_runs(["1"]))  # the newest is first
    names = set(client.get_run(first).data.metrics) - {"minutes", "memory_megabytes"}
    names = {name for name in names if not name.startswith("system/")}
    assert names > {"epoch"}
    for name in names:
        points = [
            sorted(
                (point.step, str(point.value)) for point in client.get_metric_history(run_id, name)
            )
            for run_id in (first, last)
        ]
        assert points[0] == points[1], name
        assert len({step for step, _ in points[0]}) == len(points[0])


@pytest.mark.slow
def test_ctrl_c_ends_a_training_in_a_sentence_and_keeps_its_run(project: Path) -> None:
    from mlflow import MlflowClient

    prepare(project)
    training = start_training(project, *SMALL)
    time.sleep(0.2)
    training.send_signal(signal.SIGINT)
    words = training.communicate(timeout=120)[0]
    assert training.returncode == 130
    assert "Traceback" not in words
    assert not list(project.rglob("*.part"))
    client = MlflowClient(f"sqlite:///{project}/outputs/mlflow/mlflow.db")
    [killed] = client.search_runs(["1"])
    assert killed.info.status == "KILLED"
    run(project, "ostinato", "train", *SMALL)
    [resumed] = client.search_runs(["1"])
    assert resumed.info.run_id == killed.info.run_id
    assert resumed.info.status == "FINISHED"
    history = client.get_metric_history(resumed.info.run_id, "validation_nats_per_token")
    assert len(history) == len({point.step for point in history}) == 4


def test_killed_preprocessing_goes_on_and_writes_the_same_bytes(project: Path) -> None:
    scores = sorted((Path(music21.__file__).parent / "corpus" / "bach").glob("*.mxl"))
    (project / "data" / "mine").mkdir()
    for score in scores[:200]:
        shutil.copy(score, project / "data" / "mine")
    words = ("preprocess", "corpus=folder", "preprocess.processes=2")
    run(project, "ostinato", *words)
    whole = bytes_of(project / "outputs" / "pieces")
    shutil.rmtree(project / "outputs")
    command = [str(Path(sys.executable).parent / "ostinato"), *words]
    reading = subprocess.Popen(command, cwd=project, stderr=subprocess.DEVNULL)
    while not list((project / "outputs").rglob("pieces-*.parquet")):
        assert reading.poll() is None, "it ended before it was killed"
        time.sleep(0.02)
    reading.send_signal(signal.SIGKILL)
    reading.wait()
    assert not (project / "outputs" / "pieces").exists()
    done = run(project, "ostinato", *words)
    # workers whose master was killed may have read all that they had been given
    assert re.search(r"going on: (64|128|192|200) of 200 were read before", done.stdout)
    assert bytes_of(project / "outputs" / "pieces") == whole


@pytest.mark.slow
def test_a_killed_fine_tuning_resumes_to_the_same_weights(project: Path) -> None:
    words = [*SMALL, "tracking=off"]
    for stage in ("preprocess", "split", "train"):
        run(project, "ostinato", stage, *words, "training.epochs=1", "seed=7")
    shutil.copytree(project / "outputs" / "model", project / "start")
    check_a_killed_training_resumes(project, *SMALL, "training.initial=start")
