"""`dvc repro` in a small repository of its own: what runs, and that it comes out the same."""

import json
import shutil
import sqlite3
import time
from pathlib import Path

import pytest
import yaml

from projects import commit, run, stages_run

ALL = ["compose", "preprocess", "split", "train", "generate", "evaluate"]


def hashes(project: Path) -> dict[str, str]:
    lock = yaml.safe_load((project / "dvc.lock").read_text())
    return {out["path"]: out["md5"] for s in lock["stages"].values() for out in s["outs"]}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a project is kept after its first `dvc repro`, which takes most of a minute."""
    return tmp_path_factory.mktemp("kept") / "project"


@pytest.fixture
def reproduced(kept: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    if kept.exists():
        return Path(shutil.copytree(kept, tmp_path / "project", symlinks=True))
    project: Path = request.getfixturevalue("dvc_project")
    assert stages_run(run(project, "dvc", "repro").stdout) == ALL
    commit(project, "what it made")
    shutil.copytree(project, kept, symlinks=True)
    return project


def test_a_second_repro_has_nothing_to_do_and_a_forced_one_gives_the_same_bytes(
    reproduced: Path,
) -> None:
    before = hashes(reproduced)
    assert "up to date" in run(reproduced, "dvc", "repro").stdout
    assert stages_run(run(reproduced, "dvc", "repro", "--force").stdout) == ALL
    assert hashes(reproduced) == before
    assert run(reproduced, "git", "status", "--porcelain").stdout == ""
    samples = reproduced / "outputs" / "samples"
    suffixes = {".mid", ".musicxml", ".wav", ".png", ".html", ".json"}
    assert {p.suffix for p in samples.iterdir()} == suffixes
    metrics = json.loads((reproduced / "outputs" / "evaluation" / "metrics.json").read_text())
    assert metrics["samples"]["pieces"] == 2
    assert metrics["samples"]["silent"] == 0


@pytest.mark.slow
def test_an_edit_of_conf_reruns_the_stages_that_read_it(reproduced: Path) -> None:
    conf = reproduced / "conf"
    edit(conf / "sampling" / "ancestral.yaml", "temperature: 1.0", "temperature: 0.8")
    done = run(reproduced, "dvc", "repro")
    assert stages_run(done.stdout) == ["compose", "generate", "evaluate"]
    edit(conf / "model" / "lstm.yaml", "dropout: 0.1", "dropout: 0.2")
    done = run(reproduced, "dvc", "repro")
    assert stages_run(done.stdout) == ["compose", "train", "generate", "evaluate"]
    edit(conf / "corpus" / "_base.yaml", "min_notes: 1 ", "min_notes: 2 ")
    done = run(reproduced, "dvc", "repro")
    assert stages_run(done.stdout) == ["compose", "preprocess"], "no piece is that short"
    diff = run(reproduced, "dvc", "params", "diff").stdout
    assert "corpus.min_notes" in diff
    assert "sampling.temperature" in diff


@pytest.mark.slow
def test_other_corpora_are_scored_again_when_their_music_changes(reproduced: Path) -> None:
    data, option = reproduced / "data", reproduced / "conf" / "corpus" / "other.yaml"
    shutil.copytree(data / "bach", data / "other")
    option.write_text("# A corpus.\ndefaults: [_base, _self_]\nname: other\npath: data/other\n")
    edit(reproduced / "params.yaml", "overrides: [", 'overrides: ["evaluation.corpora=[other]", ')
    run(reproduced, "dvc", "add", "-q", "data")
    again = ["compose", "preprocess", "evaluate"]
    assert stages_run(run(reproduced, "dvc", "repro").stdout) == again
    evaluation = reproduced / "outputs" / "evaluation"
    before = json.loads((evaluation / "cross_corpus.json").read_text())
    assert before["other"]["nats_per_note"] == before["bach"]["nats_per_note"]
    for file in sorted((data / "other").iterdir())[::2]:
        file.unlink()
    run(reproduced, "dvc", "add", "-q", "data")
    assert stages_run(run(reproduced, "dvc", "repro").stdout) == again[1:]
    after = json.loads((evaluation / "cross_corpus.json").read_text())
    assert after["bach"] == before["bach"]
    assert after["other"] != before["other"], "other pieces are tested, or are training pieces"


@pytest.mark.slow
def test_experiments_are_run_compared_and_recorded_in_one_store(reproduced: Path) -> None:
    run(reproduced, "dvc", "exp", "run", "-S", "model=gru")
    assert "ostinato.models.recurrent.GRU" in run(reproduced, "dvc", "params", "diff").stdout
    assert "nats_per_token" in run(reproduced, "dvc", "metrics", "diff").stdout
    assert "nats_per_token" in run(reproduced, "dvc", "metrics", "show").stdout
    assert "index.html" in run(reproduced, "dvc", "plots", "show").stdout
    run(reproduced, "dvc", "exp", "run", "-S", 'overrides=["training.learning_rate=0.001"]')
    composed = yaml.safe_load((reproduced / "outputs" / "config.yaml").read_text())
    assert composed["training"]["learning_rate"] == 0.001
    store = sqlite3.connect(reproduced / "outputs" / "mlflow" / "mlflow.db")
    runs = store.execute("select name, status from runs").fetchall()
    assert len(runs) == 3
    assert {status for _, status in runs} == {"FINISHED"}
    assert any(name.startswith("gru-voices-bach") for name, _ in runs)


@pytest.mark.slow
def test_queued_experiments_are_recorded_in_the_store_of_the_main_checkout(
    reproduced: Path,
) -> None:
    run(reproduced, "dvc", "exp", "run", "--queue", "-S", "model=rnn,gru")
    run(reproduced, "dvc", "queue", "start")
    while "Queued" in (status := run(reproduced, "dvc", "queue", "status").stdout) or (
        "Running" in status
    ):
        time.sleep(2)
    assert status.count("Success") == 2, status
    store = sqlite3.connect(reproduced / "outputs" / "mlflow" / "mlflow.db")
    names = {name for (name,) in store.execute("select name from runs")}
    assert {name.split("-")[0] for name in names} == {"lstm", "rnn", "gru"}
