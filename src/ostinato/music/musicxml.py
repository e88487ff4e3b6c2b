"""Reading MusicXML with the barlines of the score."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from ostinato.errors import UnreadableError
from ostinato.music import conversion
from ostinato.music.barlines import signatures_at_barlines
from ostinato.music.piece import Piece


def read_musicxml(path: Path, name: str) -> Piece:
    """A score as a piece, its voices as tracks; repeats are played.

    Raises `UnreadableError`, with the reason, for a file that is not readable MusicXML.
    """
    import muspy

    try:
        music = muspy.read_musicxml(str(path))
    except Exception as error:  # muspy lets through whatever its parsers raise
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UnreadableError(f"not readable as MusicXML: {reason}") from error
    for track in music.tracks:
        track.program = max(track.program - 1, 0)  # MusicXML counts programs from 1
    piece = conversion.from_muspy(music, name)
    if not len(piece.notes):
        raise UnreadableError("it has no notes")
    if np.any(piece.notes["onset"] < 0):
        raise UnreadableError("it has notes at negative times")
    lines = [line.time for line in music.barlines]
    bars = signatures_at_barlines(lines, piece.time_signatures, piece.resolution, piece.end)
    return replace(piece, time_signatures=bars)
