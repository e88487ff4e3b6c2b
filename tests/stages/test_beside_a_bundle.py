"""What lies beside a bundle says which pieces it was trained on, and nothing more."""

from pathlib import Path
from typing import Any

import pytest

from ostinato.corpora.store import INDEX
from ostinato.stages.bundle_config import use_pieces_of_bundle
from ostinato.stages.compose import compose_config
from ostinato.stages.workspace import Workspace


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
