"""Writing pieces as MIDI."""

from pathlib import Path

from ostinato.files import replacing_file
from ostinato.music import conversion
from ostinato.music.piece import Piece


def write_midi(piece: Piece, path: Path) -> None:
    """Write a type-1 MIDI file; the same piece gives the same bytes."""
    with replacing_file(path) as part:
        part.write_bytes(conversion.to_symusic(piece).dumps_midi())
