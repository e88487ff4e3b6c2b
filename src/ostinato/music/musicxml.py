"""Reading MusicXML with the barlines of the score."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from ostinato.errors import UnreadableError
from ostinato.music import conversion, limits, markup, mxl, played
from ostinato.music.barlines import signatures_at_barlines
from ostinato.music.piece import Piece

COMPRESSED = ".mxl"
FINEST = 2**15 - 1  # ticks per quarter note in a MIDI file
COARSER = (10_080, 2_520)  # multiples of 2 to 10, the second also for the longest piece


def read_musicxml(path: Path, name: str) -> Piece:
    """A score as a piece, its voices as tracks; repeats are played.

    Raises `UnreadableError`, with the reason, for a file that is not readable MusicXML.
    """
    with limits.cpu_seconds():
        if path.suffix.lower() == COMPRESSED:
            data = mxl.read_score(path)
        else:
            data = limits.read_bytes(path, limits.LARGEST_XML)
        piece = _piece(data, name)
        limits.check_quarters(piece.quarters)
        if piece.resolution > FINEST or piece.end > limits.LAST_TICK:
            fits = COARSER[0] * piece.quarters <= limits.LAST_TICK
            piece = piece.at_resolution(COARSER[0] if fits else COARSER[1])
        limits.check(piece)
        return piece


def _piece(data: bytes, name: str) -> Piece:
    try:
        music = _music(data)
    except UnreadableError:
        raise
    except Exception as error:  # muspy lets through whatever its parsers raise
        raise UnreadableError(f"not readable as MusicXML: {limits.one_line(error)}") from error
    for track in music.tracks:
        track.program = max(track.program - 1, 0)  # MusicXML counts programs from 1
    piece = conversion.from_muspy(music, name)
    lines = [line.time for line in music.barlines]
    bars = signatures_at_barlines(lines, piece.time_signatures, piece.resolution, piece.end)
    return replace(piece, time_signatures=bars)


def _music(data: bytes) -> Any:
    """A muspy object of XML; muspy reads files only."""
    import muspy

    played.check(markup.parse(data))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "score.xml"
        path.write_bytes(data)
        return muspy.read_musicxml(str(path))
