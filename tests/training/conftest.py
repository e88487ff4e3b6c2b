"""Music to train small networks on."""

import pytest

from defaults import build
from ostinato.data.store import TokenStore
from ostinato.music.piece import Piece
from small_networks import store_of


@pytest.fixture(scope="package")
def store(short_chorales: list[Piece], tmp_path_factory: pytest.TempPathFactory) -> TokenStore:
    """Eight short chorales as voices."""
    folder = tmp_path_factory.mktemp("store") / "tokens"
    return store_of(short_chorales[:8], build("representation=voices"), folder)
