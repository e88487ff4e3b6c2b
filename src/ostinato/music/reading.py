"""Reading music files: MIDI by symusic, MusicXML by its own parser, ABC by music21."""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from symusic import Score

from ostinato.errors import UnreadableError
from ostinato.music import abc, conversion, events, limits, musicxml
from ostinato.music.piece import Piece

MIDI = (".mid", ".midi")
MUSICXML = (".mxl", ".musicxml", ".xml")
ABC = (".abc",)
HEADER = 6  # bytes
PROGRAM_CHANGE = 0xC0  # and the channel
MOST_INSTRUMENTS = 100_000  # for each, symusic may make a track, which takes 5 KB
BEYOND = bytes(16)  # where symusic may look for the rest of an event that is cut short
SUFFIXES = MIDI + MUSICXML + ABC


def music_files(folder: Path) -> list[Path]:
    """The music files in a folder and its subfolders, sorted; hidden ones are left out."""
    found: list[tuple[str, str]] = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        below = Path(place)
        start = "" if below == folder else f"{below.relative_to(folder).as_posix()}/"
        for name in names:
            if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                path = os.path.join(place, name)  # noqa: PTH118  (faster, for many files)
                if os.path.isfile(path):  # noqa: PTH113
                    found.append((start + name, path))
    return [Path(path) for _, path in sorted(found)]


def read(path: Path, name: str | None = None) -> Iterator[Piece]:
    """The pieces in a music file: one in MIDI and MusicXML, one a tune in ABC.

    They are called `name`, or else as the file is; the tunes of a file of several are numbered.
    Raises `UnreadableError`, with the reason, for a file that is not readable music.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UnreadableError(f"{suffix or 'no suffix'} is not one of {', '.join(SUFFIXES)}")
    name = path.stem if name is None else name
    if suffix in MIDI:
        yield read_midi(path, name)
    elif suffix in MUSICXML:
        yield musicxml.read_musicxml(path, name)
    else:
        yield from _read_abc(path, name)


def _read_abc(path: Path, name: str) -> Iterator[Piece]:
    tunes = abc.tunes(abc.read_text(path))
    for number, tune in enumerate(tunes, 1):
        yield abc.read_tune(tune, name if len(tunes) == 1 else f"{name}-{number:04d}")


def read_midi(path: Path, name: str | None = None) -> Piece:
    """A standard MIDI file of type 0 or 1 as a piece.

    Tempos and signatures that make no sense are left out. Raises `UnreadableError`, with the
    reason, for what is not readable as music or is too much (see `limits`).
    """
    data = limits.read_bytes(path, limits.LARGEST_MIDI)
    if data[:4] == b"RIFF" and data[8:12] == b"RMID":
        data = data[20:]
    _check_header(data)
    try:
        score = Score.from_midi(data + BEYOND)
        _check_counts(score)
        piece = conversion.from_symusic(score, path.stem if name is None else name)
    except UnreadableError:
        raise
    except Exception as error:  # symusic raises what its C++ parser throws
        raise UnreadableError(f"not readable as MIDI: {limits.one_line(error)}") from error
    limits.check(piece)
    return piece


def _check_header(data: bytes) -> None:
    """Refuse what symusic would accept and misread."""
    if data[:4] != b"MThd" or len(data) < 14:
        raise UnreadableError("not a MIDI file: it does not begin with a MIDI header")
    length, kind, tracks, division = struct.unpack(">IHHH", data[4:14])
    if length != HEADER:
        raise UnreadableError(f"its header has {length} bytes instead of {HEADER}")
    if kind == 2:
        raise UnreadableError("a type-2 MIDI file: its tracks are separate pieces, not one piece")
    if kind > 2:
        raise UnreadableError(f"MIDI type {kind} is unknown: 0 and 1 can be read")
    if division == 0:
        raise UnreadableError("its resolution is 0 ticks per quarter note")
    if division & 0x8000:
        raise UnreadableError("its times are in SMPTE frames, not in ticks per quarter note")
    if tracks == 0:
        raise UnreadableError("it has no tracks")
    _check_chunks(data, tracks)
    if tracks + len(data) <= MOST_INSTRUMENTS:
        return
    programs = np.count_nonzero(np.frombuffer(data, np.uint8) & 0xF0 == PROGRAM_CHANGE)
    if tracks + programs > MOST_INSTRUMENTS:
        raise UnreadableError(f"it changes programs up to {programs} times in {tracks} tracks")


def _check_chunks(data: bytes, tracks: int) -> None:
    """Every track that the header promises must be there, whole, and safe to parse."""
    at = 8 + HEADER
    found = 0
    suspicious = events.suspicious(data)
    while at + 8 <= len(data):
        name, size = data[at : at + 4], struct.unpack(">I", data[at + 4 : at + 8])[0]
        if name == b"MTrk":
            found += 1
            if at + 8 + size > len(data):
                missing = at + 8 + size - len(data)
                raise UnreadableError(f"the file is cut short: track {found} lacks {missing} bytes")
            if suspicious:
                events.check(data[at + 8 : at + 8 + size])
        at += 8 + size
        if found == tracks:
            return
    raise UnreadableError(f"the file is cut short: {found} of its {tracks} tracks are there")


def _check_counts(score: Any) -> None:
    """Before anything is copied out of symusic's memory."""
    lengths = [len(track.notes) for track in score.tracks]
    limits.check_counts(sum(lengths), sum(length > 0 for length in lengths))
    changes = len(score.tempos) + len(score.time_signatures) + len(score.key_signatures)
    if changes > limits.MOST_CHANGES:
        raise UnreadableError(
            f"it changes tempo, metre and key {changes} times: up to {limits.MOST_CHANGES} are read"
        )
