"""The fields of ABC that music depends on, in the form that abc2midi reads rightly.

Source: the ABC music standard 2.1.
"""

import re
from dataclasses import dataclass, replace
from fractions import Fraction

from ostinato.errors import UnreadableError
from ostinato.music.arrays import MOST_BEATS

FINEST = 512  # the shortest unit note length, as the denominator of L:
LONGEST_BEAT = 64  # the largest denominator of a metre
FINEST_TEMPO = 64  # parts of a beat to the minute that are kept
SLOWEST, FASTEST = 4, 10_000  # quarter notes to the minute that MIDI can say
COMMON = {"C": Fraction(1), "C|": Fraction(1)}
QUOTED = re.compile(r'"[^"]*"')
METRE = re.compile(r"\(?\s*(\d{1,3}(?:\s*\+\s*\d{1,3})*)\s*\)?\s*/\s*(\d{1,3})")
UNIT = re.compile(r"1(?:\s*/\s*(\d{1,4}))?")
BEATS = r"(\d{1,4}/\d{1,4}(?:[ \t]+\d{1,4}/\d{1,4})*)"
NUMBER = r"(\d{1,6}(?:\.\d{1,6})?)(?=[\s\-]|$)"
TEMPO = re.compile(BEATS + r"\s*=\s*(?:ca?\.?|circa|~)?\s*" + NUMBER)
OLD_TEMPO = re.compile(r"(?:C(\d{0,3})(?:/(\d{1,3}))?\s*=\s*)?" + NUMBER)
ATTRIBUTE = re.compile(r'\b([A-Za-z]{1,20})=("[^"]*"|\S+)')
CLEF = re.compile(
    r"\b(?:treble|bass|alto|tenor|soprano|mezzo(?:soprano)?|baritone|perc|none|G|F|C)\d?([+-]8)\b"
)
BARE_CLEF = re.compile(
    r"(?<![\w=])(?:treble|bass|alto|tenor|soprano|mezzo(?:soprano)?|baritone|perc)\d?(?:[+-]8)?\b"
)
SOUNDING = ("shift", "sound", "instrument")  # attributes that transpose in ways not read here


@dataclass(frozen=True)
class Attributes:
    """The values of a K: or V: field besides the key; None where it has none."""

    octave: int | None = None
    transpose: int | None = None
    name: str | None = None

    def merge(self, new: "Attributes") -> "Attributes":
        """Return these attributes with those that `new` says."""
        changed = {key: value for key, value in vars(new).items() if value is not None}
        return replace(self, **changed)


def read_attributes(text: str) -> tuple[str, Attributes]:
    """Return the text of a K: or V: field without its attributes, and what they mean.

    A clef with -8 or +8 moves by an octave, as in ABC 2.1. Raises `UnreadableError` for a way of
    transposing that is not read.
    """
    octave = transpose = name = None
    for key, value in ATTRIBUTE.findall(text):
        if key in SOUNDING:
            raise UnreadableError(f"a voice is transposed by {key}={value}, which is not read")
        if key in ("octave", "transpose", "t"):
            number = _integer(key, value)
            if key == "octave":
                octave = (octave or 0) + number
            else:
                transpose = number
        elif key in ("name", "nm"):
            name = value.strip('"')
    if clef := CLEF.search(text):
        octave = (octave or 0) + (1 if clef[1] == "+8" else -1)
    elif "clef" in text or BARE_CLEF.search(text):
        octave = octave or 0
    rest = BARE_CLEF.sub(" ", ATTRIBUTE.sub(" ", text))
    return " ".join(QUOTED.sub(" ", rest).split()), Attributes(octave, transpose, name)


def split_voice(text: str) -> tuple[str, str]:
    """Return the name of a voice and its attributes, as the text of a V: field has them."""
    name, *rest = text.split(maxsplit=1) or [""]
    return name, rest[0] if rest else ""


def _integer(key: str, value: str) -> int:
    if not re.fullmatch(r"[+-]?\d{1,2}", value):
        raise UnreadableError(f"{key}={value} is no number of {key}s")
    return int(value)


def read_metre(text: str) -> tuple[str, Fraction | None]:
    """Return the metre as a plain fraction and the length of its bar in whole notes.

    Free metre is `none` and None. Raises `UnreadableError` for what is no metre.
    """
    text = QUOTED.sub("", text).strip()
    if text in ("", "none"):
        return "none", None
    if text in COMMON:
        return {"C": "4/4", "C|": "2/2"}[text], COMMON[text]
    if match := METRE.fullmatch(text):
        beats = sum(int(part) for part in match[1].split("+"))
        beat = int(match[2])
        if 1 <= beats <= MOST_BEATS and 1 <= beat <= LONGEST_BEAT and not beat & (beat - 1):
            return f"{beats}/{beat}", Fraction(beats, beat)
    raise UnreadableError(f"its metre is not readable: M:{text[:40]}")


def read_unit(text: str) -> Fraction:
    """Return the unit note length in whole notes. Raises `UnreadableError` for what is none."""
    match = UNIT.fullmatch(text.strip())
    parts = int(match[1] or 1) if match else 0
    if not 1 <= parts <= FINEST or parts & (parts - 1):
        raise UnreadableError(f"its unit note length is not readable: L:{text.strip()[:40]}")
    return Fraction(1, parts)


def default_unit(metre: Fraction | None) -> Fraction:
    """Return the unit note length without an L: field: a sixteenth in bars below 3/4."""
    return Fraction(1, 16) if metre is not None and metre < Fraction(3, 4) else Fraction(1, 8)


def read_tempo(text: str, unit: Fraction) -> str | None:
    """Return a tempo as abc2midi reads it, or None where the field says none.

    A bare number counts unit note lengths per minute; words alone are left to abc2midi's table.
    """
    plain = QUOTED.sub(" ", text).strip()
    if match := TEMPO.match(plain):
        beat = sum((_fraction(part) for part in match[1].split()), Fraction(0))
        number = match[2]
    elif match := OLD_TEMPO.match(plain):
        beat = unit * Fraction(int(match[1] or 1), int(match[2] or 1) or 1)
        number = match[3]
    else:
        words = QUOTED.search(text)
        return words[0] if words and not plain else None
    quarters = beat * 4 * Fraction(number)
    parts = 1
    while (quarters * parts).denominator > 1 and parts < FINEST_TEMPO:
        parts *= 2
    if not SLOWEST <= quarters <= FASTEST:
        return None
    return f"1/{4 * parts}={round(quarters * parts)}"


def _fraction(text: str) -> Fraction:
    over, under = text.split("/")
    return Fraction(int(over), int(under)) if int(under) else Fraction(0)
