"""A tiny model of chorales scored on other corpora: the same music, copies of it, strange music."""

import csv
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ostinato.config import Config
from ostinato.corpora.store import PieceStore
from ostinato.music.piece import NOTE, Piece, array
from ostinato.music.reading import read_midi
from ostinato.music.writing import write_midi
from ostinato.stages import cross_corpus, evaluate, preprocess, split, train
from ostinato.stages.compose import compose_config
from ostinato.stages.workspace import Workspace

WORDS = [
    "debug=smoke",
    "experiment=cross_corpus",
    "evaluation.corpora=[same,mixed]",
    "corpus.min_notes=1",
    "split.train=0.4",
    "split.validation=0.2",
    "split.test=0.4",
    "model.size=tiny",
    "model.backbone.hidden_size=16",
    "training.epochs=1",
    "preprocess.processes=1",
    "tracking=off",
]
OPTION = """# A corpus of this test.
defaults: [_base, _self_]
name: {0}
path: data/{0}
"""
EACH = 8  # pieces of a kind in the mixed corpus


def tune(name: str, seed: int, drum: bool = False) -> Piece:
    """A random walk of eighths and quarters, or the same on drums, which events cannot hold."""
    rng = np.random.default_rng(seed)
    pitches = 60 + np.clip(np.cumsum(rng.integers(-5, 6, 40)), -20, 20)
    durations = rng.choice([12, 24], 40)
    columns = {"onset": np.cumsum(durations) - durations, "duration": durations, "pitch": pitches}
    return Piece(name, 24, array(NOTE, velocity=80, drum=drum, **columns))


@pytest.fixture(scope="module")
def scored(
    project_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Config, Workspace]]:
    """A model that was scored on the corpora `same` and `mixed`: read only."""
    project = tmp_path_factory.mktemp("cross") / "project"
    shutil.copytree(project_template, project)
    shutil.copytree(project / "data" / "bach", project / "data" / "same")
    for name in ("same", "mixed"):
        (project / "conf" / "corpus" / f"{name}.yaml").write_text(OPTION.format(name))
    (project / "data" / "mixed").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        workspace = Workspace(project, project / "outputs")
        preprocess.run(config := compose_config(WORDS, project), workspace)
        split.run(config, workspace)
        training = json.loads(workspace.split.read_text())["train"]
        for number in range(EACH):
            copied = read_midi(project / "data" / "bach" / f"{training[number]}.mid")
            for piece in (
                copied.transposed(2),
                tune("tune", number),
                tune("drums", number, drum=True),
            ):
                kind = "copy" if piece.name == copied.name else piece.name
                write_midi(piece, project / "data" / "mixed" / f"{kind}-{number}.mid")
        for stage in (train, evaluate):
            stage.run(config, workspace)
        yield config, workspace


def read(workspace: Workspace, name: str) -> Any:
    return json.loads((workspace.evaluation / name).read_text())


def test_the_same_music_costs_exactly_what_the_own_test_split_does(
    scored: tuple[Config, Workspace],
) -> None:
    _, workspace = scored
    found, test = read(workspace, "cross_corpus.json"), read(workspace, "metrics.json")["test"]
    assert list(found) == ["bach", "same", "mixed"]
    assert [name for name in found if found[name]["own"]] == ["bach"]
    for unit in ("nats_per_token", "nats_per_note", "nats_per_quarter", "pieces", "notes"):
        assert found["bach"][unit] == test[unit]
        assert found["same"][unit] == test[unit], unit
    assert found["same"]["left_out"] == found["bach"]["left_out"] | {
        "too_short_to_compare": found["same"]["left_out"]["too_short_to_compare"]
    }


def test_copies_of_training_pieces_and_what_is_refused_are_counted(
    scored: tuple[Config, Workspace],
) -> None:
    config, workspace = scored
    [*_, mixed] = cross_corpus.prepare(config, workspace)
    assert mixed.name == "mixed"
    kinds = Counter(name.partition("-")[0] for name in mixed.split["test"])
    assert min(kinds[kind] for kind in ("copy", "tune", "drums")) > 0, kinds
    found = read(workspace, "cross_corpus.json")["mixed"]
    assert found["left_out"]["alike_to_training"] == kinds["copy"] == len(found["alike"])
    assert found["left_out"]["refused"] == kinds["drums"] == len(found["refused"])
    assert found["pieces"] == kinds["tune"]
    training = read_split(workspace)
    for copy, original in found["alike"].items():
        assert training[int(copy.partition("-")[2])] == original


def read_split(workspace: Workspace) -> list[str]:
    names: list[str] = json.loads(workspace.split.read_text())["train"]
    return names


def test_the_table_of_pieces_adds_up_to_the_figures(scored: tuple[Config, Workspace]) -> None:
    _, workspace = scored
    with (workspace.evaluation / "cross_corpus.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for corpus, score in read(workspace, "cross_corpus.json").items():
        own = [row for row in rows if row["corpus"] == corpus]
        assert len(own) == score["pieces"]
        assert sum(int(row["notes"]) for row in own) == score["notes"]
        for unit in ("note", "quarter"):
            total = sum(float(row[f"{unit}s"]) for row in own)
            nats = sum(float(row["nats"]) for row in own) / total
            assert nats == pytest.approx(score[f"nats_per_{unit}"], abs=1e-5)


def test_figures_are_in_metrics_json_and_in_the_report(scored: tuple[Config, Workspace]) -> None:
    _, workspace = scored
    figures = read(workspace, "metrics.json")["cross_corpus"]
    assert figures["mixed"]["nats_per_note"] > 0
    page = (workspace.evaluation / "report.html").read_text()
    assert "test split of mixed" in page
    assert "like a training piece of the model" in page


def test_other_corpora_are_read_from_the_cache_that_runs_share(
    scored: tuple[Config, Workspace],
) -> None:
    config, workspace = scored
    same, _ = cross_corpus.prepare(config, workspace)
    assert same.pieces.is_relative_to(workspace.cache)
    assert PieceStore(same.pieces).names == PieceStore(workspace.pieces).names
