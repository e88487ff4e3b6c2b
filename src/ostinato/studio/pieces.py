"""Pieces as JSON, and the music of requests as pieces."""

import base64
import binascii
import itertools
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from ostinato import console
from ostinato.errors import UserError
from ostinato.music import remarks
from ostinato.music.page import Given
from ostinato.music.picture import has_pickup
from ostinato.music.piece import (
    DEFAULT_QPM,
    NOTE,
    TEMPO,
    TIME_SIGNATURE,
    Piece,
    array,
    changes,
)
from ostinato.music.writing import midi_bytes
from ostinato.studio.schemas import LONGEST, MOST_NOTES, Music

RESOLUTION = 480  # ticks of a quarter note of music that is given as notes


def to_json(
    piece: Piece, given: Given | None = None, ended: bool | None = None, facts: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return a piece as `schemas.PieceOut` has it."""
    ticks = piece.resolution
    lines = (barlines := piece.barlines()).tolist()
    last = lines[-1] - lines[-2] if len(lines) > 1 else max(piece.end, 1)
    lines.append(max(lines[-1] + last, piece.end))
    tempos = piece.tempos if len(piece.tempos) else array(TEMPO, onset=0, qpm=DEFAULT_QPM)
    metres = piece.time_signatures
    if not len(metres):
        metres = array(TIME_SIGNATURE, onset=0, numerator=4, denominator=4)
    old = _find_given(piece, given)
    return {
        "name": piece.name,
        "midi": encode(midi_bytes(piece)),
        "notes": [
            {
                "onset": int(note["onset"]) / ticks,
                "duration": int(note["duration"]) / ticks,
                "pitch": int(note["pitch"]),
                "velocity": int(note["velocity"]),
                "track": int(note["track"]),
                "drum": bool(note["drum"]),
                "given": is_given,
            }
            for note, is_given in zip(piece.notes, old, strict=True)
        ],
        "tracks": [_describe_track(piece, n) for n in range(len(piece.track_names))],
        "tempos": [{"onset": int(t["onset"]) / ticks, "qpm": float(t["qpm"])} for t in tempos],
        "metres": [
            {
                "onset": int(m["onset"]) / ticks,
                "numerator": int(m["numerator"]),
                "denominator": int(m["denominator"]),
            }
            for m in metres
        ],
        "bars": [line / ticks for line in lines],
        "first_bar": 0 if len(barlines) > 1 and has_pickup(piece) else 1,
        "end": piece.quarters,
        "ended": ended,
        "facts": list(facts),
    }


def _find_given(piece: Piece, given: Given | None) -> list[bool]:
    """Return of each note whether it is given."""
    if given is None:
        return [False] * len(piece.notes)
    if given.notes:
        return list(given.notes)
    notes = piece.notes
    found: list[bool] = (
        (notes["onset"] < given.until) | np.isin(notes["track"], list(given.tracks))
    ).tolist()
    return found


def _describe_track(piece: Piece, number: int) -> dict[str, Any]:
    notes = piece.track(number)
    return {
        "name": piece.track_names[number] or f"Track {number + 1}",
        "program": int(notes["program"][0]) if len(notes) else 0,
        "drum": bool(notes["drum"].any()),
    }


def from_request(music: Music, name: str = "music") -> Piece:
    """Return the piece that a request gives; raises `UserError` for a file that is no music."""
    if music.midi is not None:
        return _read(decode(music.midi), f"{name}.mid", name)
    notes = music.notes or []
    programs = [track.program for track in music.tracks]
    columns = {
        "onset": [_ticks(note.onset) for note in notes],
        "duration": [max(1, _ticks(note.duration)) for note in notes],
        "pitch": [note.pitch for note in notes],
        "velocity": [note.velocity for note in notes],
        "track": [note.track for note in notes],
        "program": [programs[n.track] if n.track < len(programs) else 0 for n in notes],
        "drum": [note.drum for note in notes],
    }
    tempos = [(_ticks(tempo.onset), tempo.qpm) for tempo in music.tempos]
    metres = [(_ticks(m.onset), m.numerator, m.denominator) for m in music.metres]
    return Piece(
        name,
        RESOLUTION,
        array(NOTE, **columns) if notes else array(NOTE)[:0],
        changes(tempos, TEMPO),
        changes(metres, TIME_SIGNATURE),
        track_names=tuple(track.name for track in music.tracks),
    )


def read_file(content: bytes, name: str) -> Piece:
    """Return the first piece of a music file; its name says the format."""
    file = Path(Path(name.replace("\\", "/")).name or "music")
    return _read(content, f"music{file.suffix.lower()}", file.stem)


def _read(content: bytes, name: str, called: str) -> Piece:
    from ostinato.errors import UnreadableError
    from ostinato.music.reading import read

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_bytes(content)
        try:
            with remarks.collect() as guesses:
                pieces = list(itertools.islice(read(file, called), 2))
        except UnreadableError as error:
            raise UserError(f"{called} cannot be read as music: {error}.") from error
    for guess in guesses:
        console.warn(f"{called}: {guess}.")
    if len(pieces) > 1:
        console.warn(f"{called} holds several tunes: the first one is taken, and no other.")
    piece = pieces[0] if pieces else None
    if piece is None or not len(piece.notes):
        raise UserError(f"{called} has no notes: give a file that has some.")
    if len(piece.notes) > MOST_NOTES or piece.quarters > LONGEST:
        raise UserError(
            f"{called} is too long: it has {len(piece.notes):,} notes in {piece.quarters:,.0f} "
            f"quarter notes, and up to {MOST_NOTES:,} in {LONGEST:,} are taken."
        )
    return piece


def encode(content: bytes) -> str:
    """Return bytes in base64."""
    return base64.b64encode(content).decode("ascii")


def decode(text: str) -> bytes:
    """Return the bytes of base64; raises `UserError`."""
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise UserError(f"midi is no file in base64: {error}.") from error


def _ticks(quarters: float) -> int:
    return round(quarters * RESOLUTION)
