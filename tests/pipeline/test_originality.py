"""A sample that copies a training piece is seen in metrics, table and report."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ostinato.corpora.store import PieceStore
from ostinato.music.writing import write_midi
from ostinato.stages import evaluate, generate, preprocess, split, train
from ostinato.stages.compose import compose_config
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


def test_a_copy_among_the_samples_is_flagged_and_drawn(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    config, workspace = compose_config(TINY, project), Workspace(project, project / "outputs")
    for stage in (preprocess, split, train, generate):
        stage.run(config, workspace)
    pieces = PieceStore(workspace.pieces)
    names = json.loads(workspace.split.read_text())["train"]
    copied = pieces.read(names[0])
    notes = copied.notes.copy()
    notes["pitch"] += 2
    write_midi(replace(copied, notes=notes), workspace.samples / "zz-copy.mid")
    evaluate.run(config, workspace)
    found = json.loads((workspace.evaluation / "metrics.json").read_text())["originality"]
    assert found["flagged"] >= 1
    assert found["training_pieces"] == len(names)
    assert found["notes"]["generated_max"] > 50
    table = (workspace.evaluation / "originality.csv").read_text()
    assert f"zz-copy,texture,yes,{int(found['notes']['generated_max'])},0.0" in table
    page = (workspace.evaluation / "report.html").read_text()
    assert "more of a training piece than 95 % of held-out music does: zz-copy" in page
    assert f"stand in {names[0]}" in page
    # what is drawn anew is said beside the samples
    (workspace.samples / "zz-copy.mid").unlink()
    generate.run(compose_config([*TINY, "sampling.novelty=2"], project), workspace)
    about = json.loads((workspace.samples / "sampling.json").read_text())
    assert about["novelty"] == 2
    assert about["copies_left_out"] == 0 <= about["copies_drawn_anew"]
    # of no training piece nothing is said
    evaluate.run(compose_config([*TINY, "evaluation.originality_pieces=0"], project), workspace)
    assert "originality" not in json.loads((workspace.evaluation / "metrics.json").read_text())
    assert not (workspace.evaluation / "originality.csv").exists()
