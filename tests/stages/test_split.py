import json
from pathlib import Path
from typing import Any

import pytest

from defaults import build
from ostinato.corpora.splitting import PredefinedSplit
from ostinato.errors import UserError
from ostinato.music.piece import Piece
from ostinato.stages.split import split
from piece_stores import write_store


@pytest.fixture(scope="session")
def pieces(chorales: list[Piece], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty chorales, preprocessed."""
    folder = tmp_path_factory.mktemp("pieces")
    write_store(((piece.name, piece.at_resolution(24)) for piece in chorales[:60]), folder)
    return folder


def test_the_split_is_written_sorted_and_the_same_each_time(
    pieces: Path, tmp_path: Path, capfd: Any
) -> None:
    for name in ("one.json", "two.json"):
        split(build("split=random"), pieces, tmp_path / name)
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    result = json.loads((tmp_path / "one.json").read_text())
    assert list(result) == ["train", "validation", "test", "groups"]
    assert result["train"] == sorted(result["train"])
    assert "train 48, validation 6, test 6" in capfd.readouterr().out


def test_a_split_with_nothing_to_train_on_is_refused(pieces: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text('{"test": ["bwv1.6"]}')
    with pytest.raises(UserError, match="no piece to train on"):
        split(PredefinedSplit(str(file)), pieces, tmp_path / "split.json")
    assert not (tmp_path / "split.json").exists()


def test_without_pieces_it_names_the_stage_to_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="ostinato preprocess"):
        split(build("split=random"), tmp_path, tmp_path / "split.json")
