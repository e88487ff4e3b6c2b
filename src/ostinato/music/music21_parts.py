"""Scores that music21 parses -> `Piece`: Humdrum **kern."""

import warnings
from pathlib import Path
from typing import Any

from ostinato.errors import UnreadableError
from ostinato.music import arrays, limits
from ostinato.music.barlines import signatures_at_barlines
from ostinato.music.piece import LOUDNESS, Piece

RESOLUTION = 480


def read_kern(path: Path, name: str) -> Piece:
    """Return a score as a piece at 480 ticks per quarter, its spines as tracks, highest first.

    Raises `UnreadableError`, with the reason, for a file that is not readable **kern.
    """
    from music21 import converter

    limits.check_length(path.stat().st_size, limits.LARGEST_TEXT, "it")
    try:
        with limits.cpu_seconds(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            score = converter.parse(path, format="humdrum", forceSource=True, storePickle=False)
            return from_parts(list(score.parts), name)
    except UnreadableError:
        raise
    except Exception as error:  # music21 lets through whatever its parser meets
        raise UnreadableError(f"not readable as **kern: {limits.one_line(error)}") from error


def from_parts(parts: list[Any], name: str) -> Piece:
    """Return parts of a music21 score as a piece, a track each, at 480 ticks per quarter note.

    Tied notes are joined; grace notes and chord symbols are left out; barlines lie where the first
    part has them. Raises `UnreadableError` where no part has notes, or impossible ones.
    """
    from music21 import key, meter, tempo

    flats = [part.flatten() for part in parts]
    sounding = [
        (part, voice) for part, flat in zip(parts, flats, strict=True) if (voice := _notes(flat))
    ]
    if not sounding:
        raise UnreadableError("it has no notes")
    notes = arrays.notes(
        [(*note, track) for track, (_, voice) in enumerate(sounding) for note in voice]
    )
    first = flats[0]
    tempos = [(_ticks(m.offset), m.getQuarterBPM()) for m in first[tempo.MetronomeMark]]
    signatures = [
        (_ticks(s.offset), s.numerator, s.denominator) for s in first[meter.TimeSignature]
    ]
    keys = [
        (_ticks(k.offset), k.sharps, getattr(k, "mode", "major") == "minor")
        for k in first[key.KeySignature]
    ]
    lines = [_ticks(offset) for offset in parts[0].measureOffsetMap()]
    end = int((notes["onset"] + notes["duration"]).max())
    written = arrays.time_signatures(signatures, RESOLUTION)
    piece = Piece(
        name=name,
        resolution=RESOLUTION,
        notes=notes,
        tempos=arrays.tempos([row for row in tempos if row[1]], RESOLUTION),
        time_signatures=signatures_at_barlines(lines, written, RESOLUTION, end),
        key_signatures=arrays.key_signatures(keys, RESOLUTION),
        track_names=tuple(part.partName or "" for part, _ in sounding),
    )
    limits.check(piece)
    return piece


def _notes(flat: Any) -> list[tuple[Any, ...]]:
    """Return rows of `NOTE` without the track; tied notes are joined."""
    from music21.harmony import Harmony

    found: list[list[Any]] = []
    open_ties: dict[int, list[Any]] = {}
    for element in flat.notes:
        if element.duration.isGrace or isinstance(element, Harmony):
            continue
        onset, duration = _ticks(element.offset), _ticks(element.quarterLength)
        for note in element.notes if element.isChord else [element]:
            pitch = int(note.pitch.midi)
            row = open_ties.pop(pitch, None)
            if row is not None and row[0] + row[1] == onset:
                row[1] += duration
            else:
                row = [onset, max(duration, 1), pitch, LOUDNESS, 0, False]
                found.append(row)
            if note.tie is not None and note.tie.type in ("start", "continue"):
                open_ties[pitch] = row
    return [tuple(row) for row in found]


def _ticks(quarters: Any) -> int:
    ticks: int = round(quarters * RESOLUTION)
    return ticks
