"""Numbers as MusicXML writes them; what is no number is None."""

import re
from fractions import Fraction
from math import lcm
from xml.etree.ElementTree import Element

from ostinato.errors import UnreadableError

FINEST = 10_000_000  # ticks per quarter note that the note values of a score may need together
LONGEST = 40  # characters of a number
DECIMAL = re.compile(r"\s*[+-]?\d{1,30}(\.\d{0,9})?\s*")


def whole(text: str | None) -> int | None:
    """Return a whole number; a decimal one is rounded."""
    value = decimal(text)
    return None if value is None else round(value)


def decimal(text: str | None) -> int | Fraction | None:
    """Return a number exactly, as an int where it is whole."""
    if not text or len(text) > LONGEST:
        return None
    if text.isascii() and text.isdigit():  # nearly always
        return int(text)
    if not DECIMAL.fullmatch(text):
        return None
    value = Fraction(text.strip().rstrip("."))
    return int(value) if value.denominator == 1 else value


def resolution_of(score: Element) -> int:
    """Return the fewest ticks per quarter note at which every duration is a whole number.

    Raises `UnreadableError` for divisions that are not positive, or for too fine a resolution.
    """
    ticks = 1
    for text in {element.text for element in score.iter("divisions")}:
        divisions = decimal(text)
        if divisions is not None and divisions <= 0:
            raise UnreadableError("it divides quarter notes into less than one part")
        ticks = lcm(ticks, Fraction(divisions or 1).numerator)
        _check(ticks)
    for text in {element.text for element in score.iter("duration")}:
        if text and "." in text:
            ticks = lcm(ticks, ticks * Fraction(decimal(text) or 0).denominator)
            _check(ticks)
    return ticks


def _check(ticks: int) -> None:
    if ticks > FINEST:
        raise UnreadableError(f"it needs more than {FINEST} ticks to the quarter note")
