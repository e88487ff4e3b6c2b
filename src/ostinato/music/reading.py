"""Reading music files: MIDI by symusic, MusicXML by its own parser, ABC by abc2midi."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from ostinato.errors import UnreadableError
from ostinato.music import abc, musicxml
from ostinato.music.midi import read_midi as read_midi
from ostinato.music.piece import Piece

MIDI = (".mid", ".midi", ".kar", ".rmi")
MUSICXML = (".mxl", ".musicxml", ".xml")
ABC = (".abc",)
SUFFIXES = MIDI + MUSICXML + ABC
OTHERS = {
    "MuseScore": (".mscz", ".mscx"),
    "Sibelius": (".sib",),
    "Finale": (".mus", ".musx"),
    "Guitar Pro": (".gp", ".gpx", ".gp3", ".gp4", ".gp5", ".gtp"),
    "Power Tab": (".ptb",),
    "NoteWorthy": (".nwc",),
    "capella": (".cap", ".capx"),
    "Encore": (".enc",),
    "Overture": (".ove",),
    "LilyPond": (".ly",),
    "MEI": (".mei",),
    "Humdrum": (".krn",),
}  # formats of scores that are not read, and how their files' names end
UNREAD = {suffix: program for program, suffixes in OTHERS.items() for suffix in suffixes}
LOOKED_AT = 2048  # bytes of a file whose name does not say what it is
CONTENTS = {
    "MIDI": re.compile(rb"MThd|RIFF....RMID", re.DOTALL),
    "MusicXML": re.compile(rb"\s*<\?xml.*<score-(partwise|timewise)", re.DOTALL),
    "ABC": re.compile(rb"(?:[^\n]*\n){0,20}?X: *\d[^\n]*\n(?:\w:[^\n]*\n)*K:"),
}


def music_files(folder: Path) -> list[Path]:
    """Return the music files in a folder and its subfolders, sorted; hidden ones are left out.

    Among them are files that look like music, by name or content, and are not read: `read` says
    why.
    """
    found: list[tuple[str, str]] = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        below = Path(place)
        start = "" if below == folder else f"{below.relative_to(folder).as_posix()}/"
        for name in names:
            path = os.path.join(place, name)  # noqa: PTH118  (faster, for many files)
            if not name.startswith(".") and os.path.isfile(path) and _looks_like_music(path):  # noqa: PTH113
                found.append((start + name, path))
    return [Path(path) for _, path in sorted(found)]


def _looks_like_music(path: str) -> bool:
    name = path.lower()
    return name.endswith(SUFFIXES) or name.endswith((*UNREAD,)) or _content(path) is not None


def _content(path: str | Path) -> str | None:
    """Return the kind of music that a file begins as; None for anything else."""
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123  (faster, for many files)
            begin = file.read(LOOKED_AT)
    except OSError:
        return None
    return next((kind for kind, pattern in CONTENTS.items() if pattern.match(begin)), None)


def read(path: Path, name: str | None = None) -> Iterator[Piece]:
    """Yield the pieces in a music file: one in MIDI and MusicXML, one a tune in ABC.

    They are called `name`, or else as the file is; the tunes of a file of several are numbered.
    Raises `UnreadableError`, with the reason, for a file that is not readable music.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UnreadableError(_not_read(path, suffix))
    name = path.stem if name is None else name
    if suffix in MIDI:
        yield read_midi(path, name)
    elif suffix in MUSICXML:
        yield musicxml.read_musicxml(path, name)
    else:
        yield from _read_abc(path, name)


def _not_read(path: Path, suffix: str) -> str:
    reason = f"{suffix or 'no suffix'} is not one of {', '.join(SUFFIXES)}"
    if suffix in UNREAD:
        return f"{reason}: export it from {UNREAD[suffix]} as MusicXML or MIDI"
    content = _content(path)
    return f"{reason}, though it begins as {content} does: rename it" if content else reason


def _read_abc(path: Path, name: str) -> Iterator[Piece]:
    tunes = abc.tunes(abc.read_text(path))
    for number, tune in enumerate(tunes, 1):
        yield abc.read_tune(tune, name if len(tunes) == 1 else f"{name}-{number:04d}")
