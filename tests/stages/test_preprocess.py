import struct
from pathlib import Path
from typing import Any

import pytest

from defaults import build
from ostinato.corpora.corpus import Corpus
from ostinato.corpora.sources.packaged import BachChorales
from ostinato.corpora.store import PieceStore, read_rejects, read_remarks
from ostinato.errors import UserError
from ostinato.music.piece import Piece
from ostinato.music.writing import write_midi
from ostinato.stages.preprocess import preprocess


def corpus(**settings: Any) -> Corpus:
    return build("corpus=_base", name="test", path="data/test", **settings)


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
    with pytest.raises(UserError, match=r"6 files were rejected, broken\.mid because"):
        preprocess(corpus(min_notes=10_000), root, root / "pieces", root / "unfinished")
    assert len(PieceStore(root / "pieces")) == 5


@pytest.mark.parametrize(
    ("source", "advice"),
    [
        (BachChorales(), "data/test is not there: run `ostinato fetch` or `dvc pull`."),
        (
            build("corpus=folder.source"),
            "data/test is not there: make that folder and put your music into it.",
        ),
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


def test_what_was_guessed_is_counted_and_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    track = b"\x00\x90\x3c\x50" + b"\x60\x90\x40\x50" + b"\x60\xff\x2f\x00"
    head = b"MThd" + struct.pack(">IHHH", 6, 0, 1, 96)
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "hangs.mid").write_bytes(
        head + b"MTrk" + struct.pack(">I", len(track)) + track
    )
    preprocess(
        build("corpus=_base", name="x", path="music"),
        tmp_path,
        tmp_path / "pieces",
        tmp_path / "unfinished",
    )
    assert "in 1 of them something was guessed: see" in capsys.readouterr().out
    (remark,) = read_remarks(tmp_path / "pieces")
    assert remark.file == "hangs.mid"
    assert remark.remark.startswith("2 notes have no end: they last until")
