"""Music for the tests of music."""

import pytest

from ostinato.music.piece import Piece


@pytest.fixture(scope="session")
def bach(chorales: list[Piece]) -> list[Piece]:
    """A dozen chorales."""
    return chorales[:12]
