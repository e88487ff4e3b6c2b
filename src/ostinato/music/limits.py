"""Limits of one music file, and a clock that stops reading which takes too long.

The limits lie far beyond real music, so that a damaged or hostile file costs a bounded amount of
time and memory, here and in the stages that follow.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ostinato import interrupts
from ostinato.errors import UnreadableError
from ostinato.music.piece import Piece
from ostinato.untrusted import MIB

LARGEST_MIDI = 16 * MIB  # bytes; a million notes take six to nine
LARGEST_MXL = 16 * MIB  # bytes, packed; the scores in music21's corpus unpack up to 54-fold
LARGEST_XML = 64 * MIB  # bytes, unpacked; the longest quartet in music21's corpus has 11 MB
LARGEST_TEXT = 16 * MIB  # bytes of ABC or **kern
MOST_NOTES = 1_000_000  # far beyond an opera
MOST_TRACKS = 1_000  # with notes in them; later each is looked for among all notes
MOST_CHANGES = 100_000  # of tempo, time and key, which are Python objects
LONGEST = 100_000  # quarter notes: fourteen hours at 120 to the minute
LAST_TICK = 2**28 - 1  # the longest time between two events of a MIDI file
SECONDS = 120  # of processor time for one file that Python parses


def one_line(error: Exception) -> str:
    """Return a parser's error in short; its kind where it says no more than a word."""
    text = " ".join("".join(c if c.isprintable() else " " for c in str(error)).split())[:200]
    return text if " " in text else f"{type(error).__name__} {text}".strip()


def read_bytes(path: Path, most: int) -> bytes:
    """Return a file's bytes.

    Raises `UnreadableError` for one without any, and for one of more than `most` without reading
    it.
    """
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123  (faster, for many files)
        length = os.fstat(file.fileno()).st_size
        check_length(length, most, "it")
        data = file.read()
    if not data:
        raise UnreadableError("the file is empty (0 bytes)")
    return data


def check_length(length: int, most: int, what: str) -> None:
    """Raise `UnreadableError` for more than `most` bytes."""
    if length > most:
        raise UnreadableError(f"{what} has {length / MIB:.1f} MiB: up to {most // MIB} are read")


def check(piece: Piece) -> None:
    """Raise `UnreadableError` for a piece without notes, with impossible ones, or too long."""
    notes = piece.notes
    if not len(notes):
        raise UnreadableError("it has no notes")
    check_counts(len(notes), len(piece.track_names))
    if notes["onset"].min() < 0 or notes["duration"].min() < 1:
        raise UnreadableError("it has notes at negative times")
    for name in ("pitch", "velocity", "program"):
        if (highest := notes[name].max()) > 127:
            raise UnreadableError(f"it has a {name} of {highest}: MIDI's end at 127")
    end = piece.end
    check_quarters(end / piece.resolution)
    if end > LAST_TICK:
        raise UnreadableError(f"it ends at tick {end}: up to {LAST_TICK} are read")


def check_counts(notes: int, tracks: int = 0) -> None:
    """Raise `UnreadableError` for too many notes or tracks."""
    if notes > MOST_NOTES:
        raise UnreadableError(f"it has {notes} notes: up to {MOST_NOTES} are read")
    if tracks > MOST_TRACKS:
        raise UnreadableError(f"it has {tracks} tracks with notes: up to {MOST_TRACKS} are read")


def check_quarters(quarters: float) -> None:
    """Raise `UnreadableError` for too long a piece."""
    if not quarters <= LONGEST:
        raise UnreadableError(f"it lasts {quarters:.0f} quarter notes: up to {LONGEST} are read")


@contextmanager
def cpu_seconds(seconds: float | None = None) -> Iterator[None]:
    """Raise `UnreadableError` in the body once it has used so much processor time, or `SECONDS`.

    Only the main thread of a process can be stopped (and not on Windows): elsewhere nothing is
    limited. A call into C is stopped when it returns.
    """
    seconds = SECONDS if seconds is None else seconds
    reason = f"reading it took longer than {seconds:g} s of processor time"
    with interrupts.processor_seconds(seconds, UnreadableError(reason)):
        yield
