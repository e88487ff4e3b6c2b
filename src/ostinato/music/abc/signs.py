"""The signs in a line of ABC music.

What is only seen (slurs, decorations, grace notes, chord symbols, spaces) is left out: none of it
changes which notes are written, when, or how long.

Source: the ABC music standard 2.1.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from ostinato.errors import UnreadableError
from ostinato.music.abc import clock
from ostinato.music.abc.tokens import Kind, Token

LONGEST_LINE = 100_000  # characters
LONGEST_INLINE = 1_000  # characters of a field within a line
MOST_BARS = 1_000  # in one rest
MOST_TIMES = 20  # that a section is played
HIGHEST_OCTAVE = 127 // 12 - 5  # above middle C's
LENGTH = r"\d*(?:/\d*)*"
NOTE = rf"(?P<sharp>\^{{1,2}}|_{{1,2}}|=)?(?P<letter>[A-Ga-g])(?P<marks>[,']*)(?P<length>{LENGTH})"
ONE_NOTE = re.compile(rf"{NOTE}(?P<tie>\s*-)?")
DEFINED = frozenset("HJKLMOPRSTuv~.")  # signs that decorate; others where a U: field says so
DECORATED = re.compile(r"[A-Ga-gxyzXZ^_=\[({!+~.HJKLMOPRSTuv]")  # what a decoration stands before
QUOTED = re.compile(r'"[^"]*"')
QUOTED_ENDING = re.compile(r'\["(\d[\d,.\- ]*)"')
# What mail programs made of the end of a line: a soft break, or a space.
MAILED = re.compile(r"=(?:20)?\s*$")
START = re.compile(r"[ \t]*:(?![|:\]])")
FIRST_ENDING = re.compile(r"[ \t]*\d[\d,\-]*(?=\s)")
MUSICAL = re.compile(r"[\^_=]*[A-Ga-gzx][A-Ga-gzx0-9/,'\^_=\[\]|:.\-<>() ]*")
DYNAMICS = re.compile(r"f{1,4}|D\.?C\.?|g|a")
TOKEN = re.compile(
    rf"""
      (?P<space>[ \t`*$;?@\\]+)
    | (?P<mark>![^!\s]{{1,40}}!)
    | (?P<plus>\+[^+\s]{{1,60}}\+)(?P<pluslength>{LENGTH})
    | (?P<linebreak>!)
    | (?P<grace>\{{[^{{}}]*\}})
    | \[(?P<inline>[A-Za-z]):(?P<value>[^\]]*)\]
    | \[(?P<ending>\d[\d,.\- ]*)
    | (?P<bar>\.?(?:\[\|\]|\[\||\|\]|\||:(?=\[?[|:])|(?<=[|:\]]):)+)
      (?P<first>(?:\[|(?<=[|:]))\d[\d\-]*(?:,[ ]?\d[\d\-]*)*)?
    | (?P<lonetie>-)
    | (?P<overlays>\(&|&\))
    | (?P<overlay>&)
    | \[(?P<chord>[^\]\[]*)\](?P<chordlength>{LENGTH})(?P<chordtie>\s*-)?
    | (?P<micro>[\^_=]{{1,2}}[\d/])
    | (?P<note>{NOTE}(?P<tie>\s*-)?)
    | (?P<rest>[zx])(?P<restlength>{LENGTH})
    | (?P<bars>[ZX])(?P<count>\d{{0,4}})
    | (?P<spacer>y{LENGTH})
    | (?P<broken><{{1,3}}|>{{1,3}})
    | (?P<tuplet>\(\d{{1,2}}(?::\d{{0,2}}){{0,2}})
    | (?P<slur>\.?\(|\))
    | (?P<decoration>[H-Wh-w~.])
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Note:
    """One note as it is written."""

    accidental: str
    letter: str
    octave: int  # 0 from middle C up to the B above
    length: str
    tie: str

    def to_text(self, shift: int) -> str:
        """Return the note as abc2midi reads it, moved by octaves."""
        octave = self.octave + shift
        if not -5 <= octave <= HIGHEST_OCTAVE:
            raise UnreadableError(f"it has a note beyond MIDI's: {self.letter} in octave {octave}")
        if octave > 0:
            letter, marks = self.letter.lower(), "'" * (octave - 1)
        else:
            letter, marks = self.letter, "," * -octave
        return f"{self.accidental}{letter}{marks}{self.length}{self.tie}"


@dataclass(frozen=True, slots=True)
class Notes:
    """A note or a chord."""

    notes: tuple[Note, ...]
    after: str | None = None  # of a chord, the length and the tie that follow it

    def duration(self) -> Fraction:
        """Return how long it is in unit note lengths: a chord is as long as its first note."""
        own = clock.length(self.notes[0].length)
        return own * clock.length(self.after.rstrip("-")) if self.after else own

    def to_text(self, shift: int) -> str:
        """Return the notes as abc2midi reads them, moved by octaves."""
        if self.after is None:
            return self.notes[0].to_text(shift)
        whole = self.duration()
        notes = "".join(replace(note, length="").to_text(shift) for note in self.notes)
        tie = "-" if self.after.endswith("-") else ""
        return f"[{notes}]{whole.numerator}/{whole.denominator}{tie}"


@dataclass(frozen=True, slots=True)
class Inline:
    """A field within a line."""

    name: str
    text: str


def read(line: str, symbols: set[str]) -> Iterator[Token | Notes | Inline]:
    """Yield what a line of music says; `symbols` are the letters that the tune defines itself.

    Raises `UnreadableError` for what is no music, and for what cannot be read as MIDI.
    """
    if len(line) > LONGEST_LINE:
        raise UnreadableError(f"a line of {len(line)} characters: up to {LONGEST_LINE} are read")
    line = MAILED.sub("", QUOTED.sub("", QUOTED_ENDING.sub(r"[\1", line)))
    if '"' in line:
        raise UnreadableError("a text in double quotes does not end")
    position = 0
    if match := START.match(line):
        yield Token(Kind.BAR, "|:", numbers=(2,))
        position = match.end()
    elif match := FIRST_ENDING.match(line):
        yield _ending(match[0])
        position = match.end()
    while position < len(line):
        match = TOKEN.match(line, position)
        if match is None:
            raise UnreadableError(f"{line[position : position + 20]!r} is no ABC music")
        yield from _tokens_of(match, symbols)
        position = match.end()


def _check_decoration(match: re.Match[str], symbols: set[str]) -> None:
    """Pass over letters before notes, as the standard says of unknown ones; prose is refused."""
    known = match[0] in DEFINED or match[0] in symbols
    if not known and not DECORATED.match(match.string, match.end()):
        raise UnreadableError(f"{match.string.strip()[:40]!r} is no ABC music")


def _tokens_of(match: re.Match[str], symbols: set[str]) -> Iterator[Token | Notes | Inline]:
    group = match.groupdict()
    if group["note"]:
        yield Notes((_note(match),))
    elif group["bar"]:
        yield from _bars(group["bar"].lstrip("."))
        if group["first"]:
            yield _ending(group["first"].lstrip("["))
    elif group["chord"] is not None:
        yield from _chord(group["chord"], group["chordlength"], group["chordtie"])
    elif group["rest"]:
        yield Token(Kind.MUSIC, f"z{group['restlength']}")
    elif group["broken"] or group["tuplet"] or group["overlay"]:
        yield Token(Kind.MUSIC, match[0])
    elif group["bars"]:
        if int(group["count"] or 1) > MOST_BARS:
            raise UnreadableError(f"it has a rest of {group['count']} bars")
        yield Token(Kind.MUSIC, f"Z{group['count']}")
    elif group["inline"]:
        yield Inline(group["inline"], group["value"][:LONGEST_INLINE])
    elif group["ending"]:
        yield _ending(group["ending"])
    elif group["plus"]:
        yield from _between_plus(group["plus"][1:-1], group["pluslength"])
    elif group["mark"]:
        yield from _between_exclamation_marks(group["mark"][1:-1], symbols)
    elif group["decoration"]:
        _check_decoration(match, symbols)
    elif group["lonetie"]:
        yield Token(Kind.MUSIC, "-")
    elif group["micro"]:
        raise UnreadableError(f"it has microtones ({match[0]}), which are not read")
    elif group["overlays"]:
        raise UnreadableError("it has overlays of several bars, (& and &), which are not read")


def _note(match: re.Match[str]) -> Note:
    letter, marks = match["letter"], match["marks"]
    octave = marks.count("'") - marks.count(",") + letter.islower()
    return Note(match["sharp"] or "", letter.upper(), octave, match["length"], _tie(match["tie"]))


def _tie(text: str | None) -> str:
    return "-" if text else ""


def _chord(inside: str, length: str, tie: str | None) -> Iterator[Notes]:
    """Yield a chord; its decorations, texts and slurs are left out."""
    plain = re.sub(rf"![^!]*!|[H-Wh-w~.() \t]|[zx]{LENGTH}", "", inside)
    notes, position = [], 0
    while position < len(plain):
        match = ONE_NOTE.match(plain, position)
        if match is None:
            raise UnreadableError(f"'[{inside[:30]}]' is no chord")
        notes.append(_note(match))
        position = match.end()
    if notes:
        yield Notes(tuple(notes), length + _tie(tie))


def _between_plus(inside: str, length: str) -> Iterator[Notes]:
    """Yield an old chord, +CEG+, or a decoration, +trill+."""
    if MUSICAL.fullmatch(inside) and not DYNAMICS.fullmatch(inside):
        yield from _chord(inside, length, None)
    elif length:
        raise UnreadableError(f"a length, {length}, stands without a note")


def _between_exclamation_marks(inside: str, symbols: set[str]) -> Iterator[Token | Notes | Inline]:
    """Yield a decoration, or music between two marks that once ended lines."""
    if MUSICAL.fullmatch(inside) and not DYNAMICS.fullmatch(inside):
        yield from read(inside, symbols)


def _bars(cluster: str) -> Iterator[Token]:
    """Yield the barline that a run of bars and colons means."""
    colons = re.fullmatch(r"(:*)([^:].*?)?(:*)", cluster)
    assert colons is not None
    left, middle, right = len(colons[1]), colons[2] or "", len(colons[3])
    if not middle:  # colons alone
        left, right = (left + 1) // 2, left // 2
    elif ":" in middle:
        left, right = max(left, 1), max(right, 1)
    if left and right:
        yield Token(Kind.BAR, "::", numbers=(left + 1, right + 1))
    elif left:
        yield Token(Kind.BAR, ":|", numbers=(left + 1,))
    elif right:
        yield Token(Kind.BAR, "|:", numbers=(right + 1,))
    else:
        yield Token(Kind.BAR, "|" if middle == "|" else "||")


def _ending(text: str) -> Token:
    numbers: list[int] = []
    for part in re.split(r"[,. ]+", text.strip(" ,.-")):
        first, _, last = part.partition("-")
        if first:
            numbers += range(int(first), int(last or first) + 1) if int(first) <= MOST_TIMES else []
    if not numbers or max(numbers) > MOST_TIMES or min(numbers) < 1:
        raise UnreadableError(f"'[{text[:20].strip()}' is no ending: 1 to {MOST_TIMES} are read")
    return Token(Kind.ENDING, text, numbers=tuple(numbers))
