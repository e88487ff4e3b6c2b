"""Reading ABC tune by tune: music21 parses, the conversion to `Piece` is our own.

muspy reads the same notes, but expands the repeats of a tune three times, rounds to 24 ticks and
sounds chord symbols as chords of no duration.
"""

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from ostinato.errors import UnreadableError
from ostinato.music.barlines import signatures_at_barlines
from ostinato.music.piece import (
    KEY_SIGNATURE,
    LOUDNESS,
    NOTE,
    TEMPO,
    TIME_SIGNATURE,
    Piece,
    changes,
)

RESOLUTION = 480


def read_text(path: Path) -> str:
    """The text of an ABC file: UTF-8, or else Latin-1, as older collections are."""
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def tunes(text: str) -> list[str]:
    """The tunes of an ABC file, each with the file's header: a tune begins with its X: field."""
    header, *rest = re.split(r"^(?=X:)", text, flags=re.MULTILINE)
    return [header + tune for tune in rest] if rest else [header]


def read_tune(text: str, name: str) -> Piece:
    """One tune as a piece, its voices as tracks, at 480 ticks per quarter note.

    Repeats are played; where they are badly formed the tune is read as written. Grace notes and
    chord symbols are left out. Raises `UnreadableError`, with the reason.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _piece(_parts(text), name)
    except UnreadableError:
        raise
    except Exception as error:  # music21 lets through whatever its parser meets
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UnreadableError(f"not readable as ABC: {reason}") from error


def _parts(text: str) -> list[Any]:
    from music21.abcFormat import ABCHandler
    from music21.abcFormat.translate import abcToStreamScore
    from music21.bar import Repeat
    from music21.repeat import ExpanderException

    handler = ABCHandler()
    handler.process(_plain_repeats(text))
    parts = list(abcToStreamScore(handler).parts)
    if not any(part.hasMeasures() and part[Repeat] for part in parts):
        return parts  # expanding copies the whole part, which takes a third of the time
    try:
        return [part.expandRepeats() for part in parts]
    except ExpanderException:
        return parts


def _plain_repeats(text: str) -> str:
    """`::` and `:|:` as `:| |:`: music21 reads the first two as an end of a repeat alone."""
    return re.sub(r"^(?![A-Za-z]:|%).*", _both_repeats, text, flags=re.MULTILINE)


def _both_repeats(line: re.Match[str]) -> str:
    return re.sub(r":\|*:", ":| |:", line[0])


def _piece(parts: list[Any], name: str) -> Piece:
    from music21 import key, meter, tempo

    flats = [part.flatten() for part in parts]
    voices = [voice for voice in map(_notes, flats) if voice]
    if not voices:
        raise UnreadableError("it has no notes")
    notes = np.array([(*note, i) for i, voice in enumerate(voices) for note in voice], NOTE)
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
    bars = signatures_at_barlines(lines, changes(signatures, TIME_SIGNATURE), RESOLUTION, end)
    return Piece(
        name=name,
        resolution=RESOLUTION,
        notes=notes,
        tempos=changes([row for row in tempos if row[1]], TEMPO),
        time_signatures=bars,
        key_signatures=changes(keys, KEY_SIGNATURE),
    )


def _notes(flat: Any) -> list[tuple[Any, ...]]:
    """Rows of `NOTE` without the track; tied notes are joined."""
    from music21.harmony import Harmony

    rows: list[list[Any]] = []
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
                rows.append(row)
            if note.tie is not None and note.tie.type in ("start", "continue"):
                open_ties[pitch] = row
    return [tuple(row) for row in rows]


def _ticks(quarters: Any) -> int:
    ticks: int = round(quarters * RESOLUTION)
    return ticks
