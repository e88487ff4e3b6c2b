"""Reading ABC tune by tune: music21 parses, the conversion to `Piece` is our own.

muspy reads the same notes, but expands the repeats of a tune three times, rounds to 24 ticks and
sounds chord symbols as chords of no duration.
"""

import re
import warnings
from pathlib import Path
from typing import Any

from ostinato.errors import UnreadableError
from ostinato.music.parts import from_parts
from ostinato.music.piece import Piece


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
            return from_parts(_parts(text), name)
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
