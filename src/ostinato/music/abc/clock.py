"""The place of a voice in its bar, while its text is scanned.

Some collections, Essen's among them, write no barline where a bar ends with its line; and an
overlay (&) may be shorter than the bar that it is laid over.
"""

import re
from dataclasses import dataclass, field
from fractions import Fraction

from ostinato.errors import UnreadableError

LENGTH = re.compile(r"(\d*)((?:/\d*)*)")
TUPLET = re.compile(r"\((\d+)(?::(\d*))?(?::(\d*))?")
IN_TIME_OF = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}  # of other tuplets it is the metre's 2 or 3
MOST_SLASHES = 8
LONGEST = 10_000  # unit note lengths of one note, and parts of one
COMPOUND = 3  # the numerator of a compound metre is a multiple of it, from 6 on


def length(text: str) -> Fraction:
    """Return a written length in unit note lengths: 3/2, /, //, /4.

    Raises `UnreadableError` for what is none.
    """
    match = LENGTH.fullmatch(text)
    parts = [part or "2" for part in match[2].split("/")[1:]] if match else []
    numbers = [*parts, match[1] or "1"] if match else []
    if not numbers or len(numbers) > MOST_SLASHES or any(_is_no_number(n) for n in numbers):
        raise UnreadableError(f"it has a length that no music has: {text[:40]}")
    value = Fraction(int(numbers[-1]))
    for part in parts:
        value /= int(part)
    if _is_no_power_of_2(value.denominator):  # which abc2midi would not count rightly
        raise UnreadableError(f"it has a length that is not in halves: {text[:40]}")
    return value


def _is_no_number(text: str) -> bool:
    return len(text) > len(str(LONGEST)) or not 1 <= int(text) <= LONGEST


def _is_no_power_of_2(number: int) -> bool:
    return number & (number - 1) != 0


@dataclass
class Clock:
    """The filled part of a voice's bar, in whole notes."""

    filled: Fraction = Fraction(0)
    overlaid: list[tuple[int, Fraction]] = field(default_factory=list)
    """Places among the tokens of the parts of the bar that an & ended, and what they fill."""
    factor: Fraction = Fraction(1)
    remaining: int = 0  # how many notes the tuplet still has

    def sound(self, duration: Fraction) -> None:
        """Count a note, a chord or a rest."""
        if self.remaining:
            self.remaining -= 1
            duration *= self.factor
        self.filled += duration

    def begin_tuplet(self, sign: str, metre: Fraction | None) -> None:
        """Count the notes that follow as a tuplet (p:q:r: p in the time of q, for r notes."""
        match = TUPLET.fullmatch(sign)
        assert match is not None
        count = int(match[1])
        usual = IN_TIME_OF.get(count, 3 if _is_compound(metre) else 2)
        time = int(match[2] or 0) or usual
        if not count:
            raise UnreadableError(f"{sign!r} is no tuplet")
        self.factor, self.remaining = Fraction(time, count), int(match[3] or 0) or count

    def overlay(self, index: int) -> None:
        """Go back to the beginning of the bar; `index` tokens are there."""
        self.overlaid.append((index, self.filled))
        self.filled, self.remaining = Fraction(0), 0

    def end_bar(self, index: int) -> list[tuple[int, Fraction]]:
        """Begin a bar; return where rests are missing in overlays, the last first, and how long."""
        parts = [*self.overlaid, (index, self.filled)]
        longest = max(filled for _, filled in parts)
        self.overlaid, self.filled, self.remaining = [], Fraction(0), 0
        return [(at, longest - filled) for at, filled in reversed(parts) if filled < longest]


def _is_compound(metre: Fraction | None) -> bool:
    if metre is None:
        return False
    eighths = metre * 8
    return eighths.denominator == 1 and eighths >= 2 * COMPOUND and eighths % COMPOUND == 0
