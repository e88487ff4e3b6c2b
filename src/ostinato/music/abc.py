"""Reading ABC tune by tune: music21 parses, the conversion to `Piece` is our own.

muspy reads the same notes, but expands the repeats of a tune three times, rounds to 24 ticks and
sounds chord symbols as chords of no duration.
"""

import re
import warnings
from pathlib import Path
from typing import Any

from ostinato.errors import UnreadableError
from ostinato.music import limits
from ostinato.music.parts import from_parts
from ostinato.music.piece import Piece

LONGEST_TUNE = 200_000  # characters; music21 takes up to 3 KB of memory for one
LONGEST_HEADERS = 64_000_000  # characters of all tunes' copies of the file's header
MOST_TUNES = 100_000
# Of a bar's length music21 makes a list of beats: it must not be long.
ENDLESS = re.compile(
    r"""(?:^|\[)[LM]:[\d/+()\ ]*\d{4,}                           # a metre or a unit
    | ^(?![A-Za-z]:|%)[^%"\n]*?[A-Ga-gXxZz\]][,']*[\d/]*\d{4,}  # a note, a chord or a rest""",
    re.MULTILINE | re.VERBOSE,
)


def read_text(path: Path) -> str:
    """The text of an ABC file: UTF-8, or else Latin-1, as older collections are.

    Raises `UnreadableError` for a file that is too large.
    """
    data = limits.read_bytes(path, limits.LARGEST_TEXT)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def tunes(text: str) -> list[str]:
    """The tunes of an ABC file, each with the file's header: a tune begins with its X: field.

    Raises `UnreadableError` for too many tunes, or for far too much once each has the header.
    """
    header, *rest = re.split(r"^(?=X:)", text, flags=re.MULTILINE)
    if len(rest) > MOST_TUNES:
        raise UnreadableError(f"it has {len(rest)} tunes: up to {MOST_TUNES} are read")
    if len(header) * len(rest) > LONGEST_HEADERS:
        raise UnreadableError(f"{len(rest)} tunes share a header of {len(header)} characters")
    return [header + tune for tune in rest] if rest else [header]


def read_tune(text: str, name: str) -> Piece:
    """One tune as a piece, its voices as tracks, at 480 ticks per quarter note.

    Repeats are played; where they are badly formed the tune is read as written. Grace notes and
    chord symbols are left out. Raises `UnreadableError`, with the reason.
    """
    if len(text) > LONGEST_TUNE:
        raise UnreadableError(f"a tune of {len(text)} characters: up to {LONGEST_TUNE} are read")
    if endless := ENDLESS.search(text):
        raise UnreadableError(f"it has a length that no music has: {_end(endless[0])}")
    try:
        with limits.cpu_seconds(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return from_parts(_parts(text), name)
    except UnreadableError:
        raise
    except Exception as error:  # music21 lets through whatever its parser meets
        raise UnreadableError(f"not readable as ABC: {limits.one_line(error)}") from error


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


def _end(text: str) -> str:
    """The last characters that can be printed."""
    return "".join(c for c in text if c.isprintable())[-40:]


def _plain_repeats(text: str) -> str:
    """`::` and `:|:` as `:| |:`: music21 reads the first two as an end of a repeat alone."""
    return re.sub(r"^(?![A-Za-z]:|%).*", _both_repeats, text, flags=re.MULTILINE)


def _both_repeats(line: re.Match[str]) -> str:
    return re.sub(r":\|*:", ":| |:", line[0])
