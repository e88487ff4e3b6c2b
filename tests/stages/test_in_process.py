"""Each stage reads what the one before wrote, and writes its own; metrics are looked at afterwards.

The stages run in this process, each through `run(config, workspace)`.
"""

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ostinato.config import Config
from ostinato.corpora.store import PieceStore
from ostinato.errors import UserError
from ostinato.evaluation.distances.measures import DISTANCES
from ostinato.evaluation.measures import PieceViews
from ostinato.evaluation.registry import metrics, register
from ostinato.music.reading import read_midi
from ostinato.stages import evaluate, generate, preprocess, split, train
from ostinato.stages.compose import compose_config
from ostinato.stages.workspace import Workspace

TINY = [
    "debug=smoke",
    "model.size=tiny",
    "model.backbone.hidden_size=16",
    "training.max_pieces=8",
    "preprocess.processes=1",
    "sampling.min_bars=2",
    "sampling.max_bars=2",
    "tracking=off",
]
PLUGIN = '''"""A metric of repeated notes."""

import numpy as np
from ostinato.evaluation.measures import PieceViews
from ostinato.evaluation.registry import register


@register("piece", unit="share", description="notes at the pitch of the one before")
def repeated_notes(piece: PieceViews) -> float | None:
    pitches = piece.written.notes["pitch"]
    return float(np.mean(pitches[1:] == pitches[:-1])) if len(pitches) > 1 else None
'''


@pytest.fixture(scope="module")
def trained(
    project_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Config, Workspace]]:
    """A tiny corpus through all stages, in a project of this module's own: read only."""
    project = tmp_path_factory.mktemp("in_process") / "project"
    shutil.copytree(project_template, project)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        config, workspace = compose_config(TINY, project), Workspace(project, project / "outputs")
        for stage in (preprocess, split, train, generate, evaluate):
            stage.run(config, workspace)
        yield config, workspace


def copy_of(trained: tuple[Config, Workspace], tmp_path: Path) -> tuple[Config, Workspace]:
    config, workspace = trained
    root = Path(shutil.copytree(workspace.root, tmp_path / "copy"))
    return config, Workspace(root, root / "outputs")


def test_every_piece_of_the_corpus_is_in_one_part_of_the_split(
    trained: tuple[Config, Workspace],
) -> None:
    config, workspace = trained
    names = set(PieceStore(workspace.pieces).names)
    assert len(names) == len(list((workspace.root / config["corpus.path"]).glob("*.mid")))
    parts = json.loads(workspace.split.read_text())
    listed = [name for part in ("train", "validation", "test") for name in parts[part]]
    assert sorted(listed) == sorted(names)


def test_training_writes_a_bundle_and_a_row_of_curves_an_epoch(
    trained: tuple[Config, Workspace],
) -> None:
    _, workspace = trained
    assert (workspace.model / "weights.safetensors").is_file()
    rows = list(csv.DictReader(workspace.curves.open(encoding="utf-8")))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert all(float(row["train"]) > 0 and float(row["validation"]) > 0 for row in rows)
    assert not list(workspace.checkpoints.glob("*/*.ckpt"))


def test_samples_are_music_that_can_be_read(trained: tuple[Config, Workspace]) -> None:
    config, workspace = trained
    files = sorted(workspace.samples.glob("*.mid"))
    assert len(files) == config["sampling.pieces"]
    for file in files:
        assert len(read_midi(file).notes)
        assert file.with_suffix(".wav").stat().st_size > 44
    about = json.loads((workspace.samples / "sampling.json").read_text())
    assert about["seed"] == config["seed"]


def test_every_registered_metric_is_in_metrics_json(trained: tuple[Config, Workspace]) -> None:
    _, workspace = trained
    found = json.loads((workspace.evaluation / "metrics.json").read_text())
    # the chorales have no drums, and the samples have two bars, which may share no note
    undefined = {"drum_in_pattern_rate", "drum_pattern_consistency", "repetition_distance"}
    undefined |= {f"bar_similarity_{distance}" for distance in (2, 4, 8, 16)}
    shown = [m for m in metrics("piece") if m.name in found["measures"] or m.name not in undefined]
    assert list(found["measures"]) == [metric.name for metric in shown]
    assert found["test"]["nats_per_note"] > 0
    assert list(found["distances"]) == [distance.name for distance in DISTANCES]
    for figure in found["distances"].values():
        assert figure["low"] <= figure["value"] <= figure["high"]
        assert figure["control_low"] <= figure["control"] <= figure["control_high"]
    assert set(found["baselines"]) == {"unigram", "bigram", "ngram", "ppm"}
    page = (workspace.evaluation / "report.html").read_text()
    for metric in shown:
        assert metric.description in page


def test_evaluating_again_gives_the_same_bytes(
    trained: tuple[Config, Workspace], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, workspace = copy_of(trained, tmp_path)
    monkeypatch.chdir(workspace.root)
    files = ("metrics.json", "pieces.csv", "report.html")
    before = {name: (workspace.evaluation / name).read_bytes() for name in files}
    evaluate.run(config, workspace)
    assert {name: (workspace.evaluation / name).read_bytes() for name in files} == before


def test_a_stage_without_its_input_names_the_one_to_run(
    trained: tuple[Config, Workspace], tmp_path: Path
) -> None:
    config, _ = trained
    empty = Workspace(tmp_path, tmp_path / "outputs")
    for stage, needed in ((split, "preprocess"), (train, "preprocess"), (evaluate, "train")):
        with pytest.raises(UserError, match=f"ostinato {needed}"):
            stage.run(config, empty)


@pytest.mark.usefixtures("restored_metrics")
def test_a_metric_to_look_at_changes_no_training(
    trained: tuple[Config, Workspace], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The weights, the epoch they are of, the curves and the other metrics stay as they were."""

    @register("piece", unit="notes", description="all notes")
    def note_count(piece: PieceViews) -> float:
        return float(len(piece.written.notes))

    config, workspace = copy_of(trained, tmp_path)
    monkeypatch.chdir(workspace.root)
    files = [workspace.model / "weights.safetensors", workspace.curves]
    before = [file.read_bytes() for file in files]
    old = json.loads((workspace.evaluation / "metrics.json").read_text())
    shutil.rmtree(workspace.model)
    train.run(config, workspace)
    assert [file.read_bytes() for file in files] == before
    evaluate.run(config, workspace)
    new = json.loads((workspace.evaluation / "metrics.json").read_text())
    assert new["measures"].pop("note_count")["generated"] > 0
    # distances of the metrics are of one more, those of intervals are what they were
    was, its = old.pop("distances"), new.pop("distances")
    assert {n: its[n] for n in its if "interval" in n} == {
        n: was[n] for n in was if "interval" in n
    }
    assert new.pop("distances_of")["metrics"] == [*old.pop("distances_of")["metrics"], "note_count"]
    assert new == old


@pytest.mark.usefixtures("restored_metrics")
def test_a_plug_in_adds_a_metric_by_being_imported(
    trained: tuple[Config, Workspace], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, workspace = copy_of(trained, tmp_path)
    monkeypatch.chdir(workspace.root)
    (tmp_path / "repeated_notes_metric.py").write_text(PLUGIN)
    allowed = Config({**config.tree, "plugins": ["repeated_notes_metric"]})
    with pytest.raises(UserError, match="there is no module repeated_notes_metric"):
        evaluate.run(allowed, workspace)
    monkeypatch.syspath_prepend(tmp_path)
    evaluate.run(allowed, workspace)
    found = json.loads((workspace.evaluation / "metrics.json").read_text())
    assert 0 <= found["measures"]["repeated_notes"]["generated"] <= 1
    assert (
        "notes at the pitch of the one before, share"
        in (workspace.evaluation / "report.html").read_text()
    )
