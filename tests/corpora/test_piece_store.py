from collections.abc import Iterator
from pathlib import Path

import pytest

from ostinato.corpora import store
from ostinato.corpora.store import PieceStore, Reject
from ostinato.errors import UserError
from ostinato.music.piece import Piece
from piece_stores import write_store


def test_every_chorale_comes_back_as_it_was(bach: list[Piece], bach_store: PieceStore) -> None:
    assert len(bach_store) == 408
    assert bach_store.names == [piece.name for piece in bach]
    assert list(bach_store) == bach
    for index in (0, 63, 64, 200, 407):
        piece = bach_store.read(bach[index].name)
        assert piece == bach[index]
        assert piece.name == bach[index].name


def test_pieces_are_read_by_name_in_the_order_asked_for(
    bach: list[Piece], bach_store: PieceStore
) -> None:
    wanted = [bach[300], bach[3], bach[301]]
    assert [bach_store.read(piece.name) for piece in wanted] == wanted
    assert bach[3].name in bach_store
    assert "bwv9999" not in bach_store
    with pytest.raises(KeyError):
        bach_store.read("bwv9999")


def test_the_same_pieces_give_the_same_bytes(bach: list[Piece], tmp_path: Path) -> None:
    for run in ("one", "two"):
        write_store(((piece.name, piece) for piece in bach[:70]), tmp_path / run)
    one, two = (list((tmp_path / run).iterdir()) for run in ("one", "two"))
    assert sorted(p.name for p in one) == [
        "index.parquet",
        *(f"{kind}-0000{i}.parquet" for kind in ("notes", "pieces") for i in (0, 1)),
        "rejects.csv",
    ]
    assert {p.name: p.read_bytes() for p in one} == {p.name: p.read_bytes() for p in two}


def test_pieces_are_written_as_they_come(bach: list[Piece], tmp_path: Path) -> None:
    """A part is on disk before the pieces after it are made."""
    sizes = []

    def results() -> Iterator[tuple[str, Piece]]:
        for piece in bach[:130]:
            yield piece.name, piece
            sizes.append(sum(p.stat().st_size for p in tmp_path.iterdir()))

    write_store(results(), tmp_path)
    assert sizes[10] < 100 < sizes[100]


def test_rejects_are_kept_with_their_reasons(bach: list[Piece], tmp_path: Path) -> None:
    rejects = [Reject("a, b.mid", 'it says "no"'), Reject("ü.mid", "it has no notes")]
    assert write_store([rejects[0], ("x.mid", bach[0]), rejects[1]], tmp_path) == (1, 2)
    assert store.read_rejects(tmp_path) == rejects
    write_store([("x.mid", bach[0])], tmp_path)
    assert (tmp_path / "rejects.csv").read_text() == "file,reason\n"


def test_a_missing_store_names_the_stage_to_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="ostinato preprocess"):
        PieceStore(tmp_path)
