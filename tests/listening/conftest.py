"""Folders of samples, as `ostinato generate` leaves them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sample_folders import Samples

from ostinato.music.piece import Piece
from ostinato.music.writing import write_midi


@pytest.fixture
def samples(tmp_path: Path) -> Samples:
    """Write pieces into a folder of that name, with what is said of them beside them."""

    def write(name: str, pieces: Sequence[Piece], **about: Any) -> Path:
        folder = tmp_path / name
        for number, piece in enumerate(pieces, 1):
            write_midi(piece, folder / f"sample-{number:02d}.mid")
        text = json.dumps({"model": name, "representation": "voices", "corpus": "bach", **about})
        (folder / "sampling.json").write_text(text)
        return folder

    return write
