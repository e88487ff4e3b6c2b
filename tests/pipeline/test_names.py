"""A corpus of one's own is called by its name wherever a run is shown."""

import json
from pathlib import Path

import pytest

from ostinato import cli

WORDS = (
    "corpus=folder",
    "corpus.name=jazz",
    "corpus.path=data/bach",
    "debug=smoke",
    "training.epochs=1",
    "training.max_pieces=4",
    "model.size=tiny",
    "model.backbone.hidden_size=16",
    "sampling.min_bars=0",
    "sampling.max_bars=3",
)


@pytest.mark.slow
def test_the_name_of_a_corpus_stands_in_titles_tags_run_names_and_beside_samples(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    monkeypatch.chdir(project)
    assert cli.main(["run", *WORDS]) == 0
    [folder] = (project / "outputs" / "runs").glob("*/*")
    assert json.loads((folder / "samples" / "sampling.json").read_text())["corpus"] == "jazz"
    for page in ("samples/listen.html", "evaluation/report.html"):
        text = (folder / page).read_text()
        assert "jazz" in text, page
        assert "folder" not in text.partition("</h1>")[0], page
    client = MlflowClient(f"sqlite:///{project}/outputs/mlflow/mlflow.db")
    [run] = client.search_runs(["1"])
    assert run.data.tags["corpus"] == "jazz"
    assert run.info.run_name.startswith("lstm-voices-jazz")
    assert run.data.params["choices.experiment"] == "None"
