"""Folders of samples, as `ostinato generate` leaves them."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ostinato.music.piece import Piece
from ostinato.music.writing import write_midi

Samples = Callable[..., Path]


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


def continued(piece: Piece, semitones: int, bars: int = 2) -> Piece:
    """Return a piece that goes on a few semitones higher after its first bars."""
    until = int(piece.barlines()[bars])
    notes = piece.notes.copy()
    notes["pitch"] += (semitones * (notes["onset"] >= until)).astype("u1")
    return replace(piece, notes=notes)
