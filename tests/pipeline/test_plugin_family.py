"""A family of models in a package of its own goes through every stage, with no edit of ostinato."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from projects import commit, refused, run, stages_run

PLUGINS = Path(__file__).parents[1] / "plugins"


@pytest.fixture
def allowed(dvc_project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose params.yaml allows the package and chooses its model."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(PLUGINS), *sys.path]))
    shutil.copy(PLUGINS / "bigrams.yaml", dvc_project / "conf" / "model")
    params = dvc_project / "params.yaml"
    text = params.read_text().replace("model: null", "model: bigrams")
    small = '["model.size=tiny", "model.backbone.hidden_size=32"]'
    assert small in text
    params.write_text(text.replace(small, '["plugins=[bigrams]", "sampling.pieces=3"]'))
    commit(dvc_project, "a family of models outside ostinato")
    return dvc_project


def test_a_family_outside_ostinato_goes_through_every_stage(allowed: Path) -> None:
    import mlflow

    done = run(allowed, "dvc", "repro")
    assert stages_run(done.stdout) == [
        "compose",
        "preprocess",
        "split",
        "train",
        "generate",
        "evaluate",
    ]
    assert "bits per token of the test split" in done.stdout
    outputs = allowed / "outputs"
    metrics = json.loads((outputs / "evaluation" / "metrics.json").read_text())
    curves = (outputs / "curves.csv").read_text().splitlines()
    first, last = (float(line.split(",")[1]) for line in (curves[1], curves[-1]))
    assert last < first, "it learns"
    assert 0 < metrics["test"]["bits_per_token"] < 8
    assert metrics["samples"]["pieces"] == 3
    report = (outputs / "evaluation" / "report.html").read_text()
    assert f"{metrics['test']['bits_per_token']:.2f} bits per token" in report
    assert (outputs / "samples" / "listen.html").exists()
    client = mlflow.MlflowClient(f"sqlite:///{outputs}/mlflow/mlflow.db")
    [recorded] = client.search_runs(["1"])
    assert recorded.info.status == "FINISHED"
    assert recorded.data.metrics["test_bits_per_token"] == metrics["test"]["bits_per_token"]
    assert "best_validation_bits_per_token" in recorded.data.metrics
    assert stages_run(run(allowed, "dvc", "repro").stdout) == []


def test_its_settings_are_its_own(allowed: Path) -> None:
    assert refused(allowed, "compose", "training.learning_rate=0.1", code=2) == (
        "ostinato: training.learning_rate is not read by model=bigrams: set training.step_size "
        "instead."
    )
    assert refused(allowed, "compose", "sampling.top_k=3", code=2) == (
        "ostinato: sampling.top_k is not read by model=bigrams: leave it out."
    )


def test_its_package_must_be_allowed(allowed: Path) -> None:
    sentence = refused(allowed, "compose", "plugins=[]", code=2)
    assert "bigrams" in sentence
    assert "plugins" in sentence
