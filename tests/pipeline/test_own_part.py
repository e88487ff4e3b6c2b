"""What cannot be sampled or measured costs its own part of a run, and no more."""

import json
from pathlib import Path

import pytest

from ostinato.errors import UserError
from ostinato.music.piece import NOTE, Piece, array
from ostinato.music.writing import write_midi
from ostinato.stages import evaluate, generate, preprocess, split, train
from ostinato.stages.compose import compose_config
from ostinato.stages.run_stages import run_stages
from ostinato.stages.workspace import Workspace

TINY = [
    "debug=smoke",
    "model.size=tiny",
    "model.backbone.hidden_size=16",
    "training.max_pieces=8",
    "training.epochs=1",
    "preprocess.processes=1",
    "sampling.min_bars=0",
    "sampling.max_bars=3",
    "tracking=off",
]


def metrics(workspace: Workspace) -> dict[str, dict[str, float]]:
    found = json.loads((workspace.evaluation / "metrics.json").read_text())
    assert (workspace.evaluation / "report.html").exists()
    return dict(found)


@pytest.mark.slow
def test_samples_that_cannot_be_measured_leave_the_likelihood(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    config, workspace = compose_config(TINY, project), Workspace(project, project / "outputs")
    for stage in (preprocess, split, train, generate, evaluate):
        stage.run(config, workspace)
    whole = metrics(workspace)["test"]
    assert whole["nats_per_note"] > 0
    # none, as where generating stopped
    for sample in workspace.samples.glob("*.mid"):
        sample.unlink()
    evaluate.run(config, workspace)
    assert metrics(workspace)["test"] == whole
    assert metrics(workspace)["samples"]["pieces"] == 0
    assert "There are no samples: its music was not measured" in report(workspace)
    # silent ones, as of a network that learned nothing
    for i in (1, 2):
        write_midi(silence(), workspace.samples / f"sample-{i:02d}.mid")
    capsys.readouterr()
    evaluate.run(config, workspace)
    assert metrics(workspace)["test"] == whole
    assert metrics(workspace)["samples"]["silent"] == 2
    assert "2 of 2 samples are silent" in report(workspace)
    said = " ".join(capsys.readouterr().err.split())
    assert "holds no piece with notes, so that samples are not measured" in said
    # and sampling as extreme as settings go ends in samples all the same
    for extreme in (
        [
            "sampling.min_bars=0",
            "sampling.max_bars=1",
            "sampling.pieces=1",
            "sampling.sample_rate=8000",
        ],
        ["sampling.temperature=10", "sampling.top_p=null", "sampling.sample_rate=48000"],
        ["sampling.temperature=0.001", "sampling.top_k=1", "sampling.repetition_penalty=10"],
    ):
        changed = compose_config([*TINY, *extreme], project)
        generate.run(changed, workspace)
        evaluate.run(changed, workspace)
        assert metrics(workspace)["test"] == whole


def test_generating_that_stops_leaves_the_report(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    empty = ["split.train=0.9", "split.validation=0.1", "split.test=0.0", "sampling.prompt=test"]
    config, workspace = (
        compose_config([*TINY, *empty], project),
        Workspace(project, project / "outputs"),
    )
    with pytest.raises(UserError, match="no piece of the test split can be a prompt"):
        run_stages(config, workspace)
    assert metrics(workspace)["samples"]["pieces"] == 0
    assert (workspace.model / "weights.safetensors").exists()


def silence() -> Piece:
    return Piece("silence", 24, array(NOTE, onset=[], duration=[], pitch=[], velocity=[]))


def report(workspace: Workspace) -> str:
    return (workspace.evaluation / "report.html").read_text(encoding="utf-8")
