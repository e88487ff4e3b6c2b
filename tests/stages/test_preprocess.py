from pathlib import Path
from typing import Any

import pytest

from ostinato.corpora.corpus import Corpus
from ostinato.corpora.sources.folder import Folder
from ostinato.corpora.sources.packaged import BachChorales
from ostinato.corpora.store import PieceStore, read_rejects
from ostinato.errors import UserError
from ostinato.music.piece import Piece
from ostinato.music.writing import write_midi
from ostinato.stages.preprocess import preprocess


def corpus(**settings: Any) -> Corpus:
    return Corpus(name="test", path="data/test", **settings)


@pytest.fixture
def root(chorales: list[Piece], tmp_path: Path) -> Path:
    """A project with five chorales and a broken file."""
    for piece in chorales[:5]:
        write_midi(piece, tmp_path / "data" / "test" / f"{piece.name}.mid")
    (tmp_path / "data" / "test" / "broken.mid").write_text("la la la")
    return tmp_path


def test_readable_music_becomes_pieces_and_the_rest_rejects(root: Path, capfd: Any) -> None:
    preprocess(corpus(), root, root / "pieces", root / "unfinished")
    assert "5 pieces read, 1 rejected" in capfd.readouterr().out
    assert len(PieceStore(root / "pieces")) == 5
    assert [reject.file for reject in read_rejects(root / "pieces")] == ["broken.mid"]
    assert sorted(p.name for p in (root / "pieces").iterdir()) == [
        ".ostinato.json",
        "index.parquet",
        "notes-00000.parquet",
        "pieces-00000.parquet",
        "rejects.csv",
    ]


def test_preprocessing_twice_writes_the_same_bytes(root: Path) -> None:
    written = []
    for run in ("one", "two"):
        preprocess(corpus(quantise=4), root, root / run, root / "unfinished")
        written.append([p.read_bytes() for p in sorted((root / run).iterdir())])
    assert written[0] == written[1]


def test_when_nothing_is_left_it_says_why_and_keeps_what_was_there(root: Path) -> None:
    preprocess(corpus(), root, root / "pieces", root / "unfinished")
    with pytest.raises(UserError, match=r"all 6 were rejected; broken\.mid, for one"):
        preprocess(corpus(min_notes=10_000), root, root / "pieces", root / "unfinished")
    assert len(PieceStore(root / "pieces")) == 5


@pytest.mark.parametrize(
    ("source", "advice"),
    [
        (BachChorales(), "data/test is not there: run `ostinato fetch` or `dvc pull`."),
        (Folder(), "data/test is not there: make that folder and put your music into it."),
        (None, "data/test is not there: make that folder and put your music into it."),
    ],
)
def test_a_missing_folder_says_what_to_do(tmp_path: Path, source: Any, advice: str) -> None:
    with pytest.raises(UserError, match=advice):
        preprocess(corpus(source=source), tmp_path, tmp_path / "pieces", tmp_path / "unfinished")


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    (tmp_path / "data" / "test").mkdir(parents=True)
    with pytest.raises(UserError, match="is empty"):
        preprocess(corpus(), tmp_path, tmp_path / "pieces", tmp_path / "unfinished")
