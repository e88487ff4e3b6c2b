"""What lies beside a bundle says which pieces it was trained on, and nothing more."""

from pathlib import Path
from typing import Any

import pytest

from ostinato import cli
from ostinato.corpora.store import INDEX
from ostinato.models.bundle import Bundle, save_bundle
from ostinato.music.piece_defaults import PieceDefaults
from ostinato.stages.bundle_config import use_pieces_of_bundle
from ostinato.stages.compose import compose_config
from ostinato.stages.workspace import Workspace
from small_networks import config_of, network_of


@pytest.fixture
def workspace(project: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.chdir(project)
    return Workspace(project, project / "outputs")


def beside(folder: Path, project: Path, **changed: Any) -> Path:
    """A folder for a model, beside a config and a split as `ostinato run` writes them."""
    config = compose_config([], project)
    for key, values in changed.items():
        config.tree[key] |= values
    folder.mkdir(parents=True)
    config.save(folder / "config.yaml")
    (folder / "split.json").write_text('{"train": [], "validation": [], "test": []}')
    return folder / "model"


def test_pieces_are_read_as_the_reader_says(
    project: Path, workspace: Workspace, tmp_path: Path
) -> None:
    # a scheduler of a stranger's would run what it likes
    stranger = {"backend": "dask", "address": "tcp://127.0.0.1:1"}
    model = beside(tmp_path / "theirs", project, preprocess=stranger)
    found = use_pieces_of_bundle(
        model, compose_config(["preprocess.processes=1"], project), workspace
    )
    assert (found.pieces / INDEX).exists()
    assert found.split == tmp_path / "theirs" / "split.json"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("path", ["/", "/proc", "..", "data/../../..", "conf"])
def test_other_folders_of_the_machine_are_no_corpus(
    path: str, project: Path, workspace: Workspace, tmp_path: Path
) -> None:
    model = beside(tmp_path / "theirs", project, corpus={"path": path})
    assert use_pieces_of_bundle(model, compose_config([], project), workspace) == workspace


def test_music_is_drawn_from_a_model_whose_pieces_are_not_at_hand(
    project: Path, workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = beside(tmp_path / "theirs", project, corpus={"path": "data/elsewhere"})
    config = config_of("voices")
    config.tree["choices"]["corpus"] = "elsewhere"
    bundle = Bundle(config, config.build("representation"), network_of(), PieceDefaults())
    save_bundle(bundle, model)
    words = [f"model_dir={model}", "samples_dir=made", "sampling.pieces=1", "sampling.max_bars=2"]
    words += ["sampling.min_bars=0", "sampling.candidates=1", "tracking=off"]
    assert cli.main(["generate", *words]) == 0
    assert (workspace.root / "made" / "listen.html").is_file()
    assert cli.main(["generate", *words, "sampling.novelty=1"]) == 1
    assert "they are not at hand: set sampling.novelty=0." in capsys.readouterr().err
