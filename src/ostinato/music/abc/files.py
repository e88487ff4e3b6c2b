"""ABC files as text, and the tunes in them."""

import codecs
import re
from pathlib import Path

from ostinato.errors import UnreadableError
from ostinato.music import limits

LONGEST_HEADERS = 64_000_000  # characters of all tunes' copies of the file's header
MOST_TUNES = 100_000
REFERENCE = re.compile(r"^[ \t]*(?=X:)", re.MULTILINE)  # the field that begins a tune
BLANK = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
KEY = re.compile(r"^K:", re.MULTILINE)  # the field that ends the header of a tune
FIELD = re.compile(r"[A-Za-z]:|%%")
NOTES = re.compile(r"[A-Ga-gz]")
WORDS = re.compile(r"(?:^|\s)[A-Za-z]{0,20}[h-wH-W][a-z]{0,20}[h-wH-W]")  # prose, not music
LOOKED_AT = 1_000  # characters of a line after a tune


def read_text(path: Path) -> str:
    """Return the text of an ABC file: UTF-8 or UTF-16 by its mark, or else Latin-1.

    Raises `UnreadableError` for a file that is too large.
    """
    data = limits.read_bytes(path, limits.LARGEST_TEXT)
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def tunes(text: str) -> list[str]:
    """Return the tunes of an ABC file, each with the fields of the file's header.

    A tune begins with its X: field and ends at a blank line, as ABC 2.1 has it; what follows, up to
    the next X:, is free text. Without any X: every paragraph that has a K: field is a tune.

    Raises `UnreadableError` for too many tunes, or for far too much once each has the header.
    """
    header, *rest = REFERENCE.split(text)
    if not rest:
        return _unnumbered(header)
    if len(rest) > MOST_TUNES:
        raise UnreadableError(f"it has {len(rest)} tunes: up to {MOST_TUNES} are read")
    lines = [line for line in header.split("\n") if FIELD.match(line)]
    shared = "".join(f"{line}\n" for line in lines)
    if len(shared) * len(rest) > LONGEST_HEADERS:
        raise UnreadableError(f"{len(rest)} tunes share a header of {len(shared)} characters")
    return [shared + tune for tune in rest]


def _unnumbered(text: str) -> list[str]:
    paragraphs = [part for part in BLANK.split(text) if KEY.search(part)]
    return paragraphs if len(paragraphs) > 1 else [text]


def without_free_text(tune: str) -> str:
    """Return a tune up to the blank line that ends it.

    Raises `UnreadableError` where music follows, which a program would drop and its author meant.
    """
    key = KEY.search(tune)
    end = BLANK.search(tune, key.end()) if key else None
    if end is None:
        return tune
    if any(_looks_like_music(line[:LOOKED_AT]) for line in tune[end.end() :].split("\n")):
        raise UnreadableError("music stands after a blank line, which ends a tune")
    return tune[: end.start() + 1]


def _looks_like_music(line: str) -> bool:
    if "|" not in line or line.startswith("%") or FIELD.match(line):
        return False
    return bool(NOTES.search(line)) and not WORDS.search(line)
