"""Pieces as files to download."""

import tempfile
from pathlib import Path

from ostinato import console
from ostinato.errors import UserError
from ostinato.music.abc import abc_text
from ostinato.music.notation import musicxml_bytes
from ostinato.music.piece import Piece
from ostinato.music.writing import midi_bytes
from ostinato.wording import quantity


def export(piece: Piece, format_: str) -> bytes:
    """Return a piece as midi, musicxml, abc or wav; raises `UserError` where it cannot be."""
    if format_ == "midi":
        return midi_bytes(piece)
    if format_ == "musicxml":
        return _to_musicxml(piece)
    if format_ == "abc":
        return _to_abc(piece)
    return _to_wav(piece)


def _to_musicxml(piece: Piece) -> bytes:
    drums = int(piece.notes["drum"].sum())
    try:
        written = musicxml_bytes(piece)
    except ValueError as error:
        raise UserError(f"this music cannot be notated: {error}.") from error
    if drums:
        console.warn(f"the file is without the {quantity(drums, 'note')} of drums.")
    return written


def _to_abc(piece: Piece) -> bytes:
    try:
        return abc_text(piece).encode()
    except ValueError as error:
        raise UserError(f"this music cannot be written as ABC: {error}.") from error


def _to_wav(piece: Piece) -> bytes:
    from ostinato.music.sound import SAMPLE_RATE, render, write_wav

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "piece.wav"
        write_wav(file, render(piece), SAMPLE_RATE)
        return file.read_bytes()
