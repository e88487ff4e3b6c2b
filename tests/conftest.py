"""Music that the tests share."""

from pathlib import Path

import pytest

from ostinato.music.conversion import from_muspy
from ostinato.music.piece import Piece


@pytest.fixture(scope="session")
def chorales() -> list[Piece]:
    """The 408 Bach chorales that music21 carries, as MusPy reads them (about 5 s)."""
    import music21
    import muspy

    folder = Path(music21.__file__).parent / "corpus" / "bach"
    paths = sorted(folder.glob("*.mxl"))
    pieces = [from_muspy(muspy.read_musicxml(str(path)), path.stem) for path in paths]
    assert len(pieces) == 408
    return pieces
