"""Music for the tests of corpora."""

import numpy as np
import pytest

from ostinato.corpora import store
from ostinato.corpora.packaged import BachChorales
from ostinato.corpora.store import PieceStore
from ostinato.music.piece import NOTE, Piece, array


@pytest.fixture(scope="session")
def bach() -> list[Piece]:
    """The 408 chorales as they are exported."""
    return list(BachChorales().pieces(processes=2))


@pytest.fixture(scope="session")
def bach_store(bach: list[Piece], tmp_path_factory: pytest.TempPathFactory) -> PieceStore:
    folder = tmp_path_factory.mktemp("bach")
    store.write(((f"{piece.name}.mid", piece) for piece in bach), folder)
    return PieceStore(folder)


def melody(name: str, seed: int, notes: int = 40) -> Piece:
    """A random tune of eighths, quarters and halves, walking by steps and leaps."""
    rng = np.random.default_rng(seed)
    pitches = 60 + np.clip(np.cumsum(rng.integers(-5, 6, notes)), -30, 30)
    durations = rng.choice([12, 24, 48], notes)
    onsets = np.cumsum(durations) - durations
    columns = {"onset": onsets, "duration": durations, "pitch": pitches}
    return Piece(name, 24, array(NOTE, velocity=80, **columns))
