"""Music for the tests of corpora."""

import pytest

from ostinato.corpora.sources.packaged import BachChorales
from ostinato.corpora.store import PieceStore
from ostinato.music.piece import Piece
from piece_stores import write_store


@pytest.fixture(scope="session")
def bach() -> list[Piece]:
    """The 408 chorales as they are exported."""
    return list(BachChorales().pieces(processes=2))


@pytest.fixture(scope="session")
def bach_store(bach: list[Piece], tmp_path_factory: pytest.TempPathFactory) -> PieceStore:
    folder = tmp_path_factory.mktemp("bach")
    write_store(((f"{piece.name}.mid", piece) for piece in bach), folder)
    return PieceStore(folder)
