"""What a score of MusicXML comes to once its repeats are played, before MusPy plays them."""

from collections.abc import Iterator
from math import lcm
from xml.etree.ElementTree import Element

from ostinato.errors import UnreadableError
from ostinato.music import limits
from ostinato.music.rows import DENOMINATORS

MOST_BARS = 200_000  # with repeats; two to a quarter note in the longest piece
FINEST = 10_000_000  # ticks per quarter note that the note values of a score may need together
MOST_ALTERED = 12  # semitones


def check(score: Element) -> None:
    """Raise `UnreadableError`, with the reason, for a score that would become far too much music.

    MusPy unrolls repeats, lists every beat and counts in ticks common to all note values: each may
    grow far beyond the file.
    """
    _check_values(score)
    parts = score.findall("part")
    if score.tag != "score-partwise" or not parts:
        raise UnreadableError("it is not a score by parts (score-partwise)")
    order = _order(parts[0])
    notes = 0
    for number, part in enumerate(parts, 1):
        lengths = [len(bar.findall("note")) for bar in part.findall("measure")]
        if order and max(order) >= len(lengths):
            raise UnreadableError(f"part {number} has {len(lengths)} bars, fewer than the first")
        notes += sum(lengths[index] for index in order)
        limits.check_counts(notes)
    limits.check_quarters(_quarters(parts[0].findall("measure"), order))


def _check_values(score: Element) -> None:
    divisions = list(_numbers(score, "divisions"))
    if any(division < 1 for division in divisions):
        raise UnreadableError("it divides quarter notes into less than one part")
    if lcm(*divisions) > FINEST:
        raise UnreadableError(f"it needs more than {FINEST} ticks to the quarter note")
    if any(not 1 <= number <= DENOMINATORS[-1] for number in _numbers(score, "beat-type")):
        raise UnreadableError(
            f"it has a time signature whose denominator is not 1 to {DENOMINATORS[-1]}"
        )
    if any(abs(semitones) > MOST_ALTERED for semitones in _numbers(score, "alter")):
        raise UnreadableError(f"it has a note altered by more than {MOST_ALTERED} semitones")


def _numbers(score: Element, tag: str) -> Iterator[int]:
    """The whole numbers in all elements of a tag; MusPy refuses whatever else is there."""
    for element in score.iter(tag):
        try:
            yield int(element.text or "")
        except ValueError:
            continue


def _order(part: Element) -> list[int]:
    """Numbers of the bars of a part, in the order in which MusPy plays them."""
    from muspy.inputs.musicxml import get_measure_ordering

    order: list[int] = get_measure_ordering(_Part(part))
    return order


class _Part:
    """A part for MusPy to walk through, no further than `MOST_BARS`."""

    def __init__(self, part: Element) -> None:
        self.bars = [_Bar(bar, self) for bar in part.findall("measure")]
        self.left = MOST_BARS

    def findall(self, path: str) -> list["_Bar"]:
        return self.bars if path == "measure" else []


class _Bar:
    def __init__(self, bar: Element, part: _Part) -> None:
        self.bar, self.part, self.find = bar, part, bar.find

    def findall(self, path: str) -> list[Element]:
        """Elements of the bar; MusPy asks for its `sound` each time it comes by."""
        self.part.left -= path == "sound"
        if self.part.left < 0:
            raise UnreadableError(f"its repeats come to more than {MOST_BARS} bars")
        return self.bar.findall(path)


def _quarters(bars: list[Element], order: list[int]) -> float:
    """Quarter notes in all bars that move on; one that is wrong may move back."""
    total, division = 0.0, 1
    for index in order:
        now = last = 0.0
        for element in bars[index]:
            if element.tag == "attributes":
                division = int(element.findtext("divisions") or division)
            elif element.tag == "backup":
                now -= _duration(element) / division
            elif element.tag == "forward" or _moves(element):
                now = last if element.find("chord") is not None else now
                last = now if element.find("rest") is None else last
                now += _duration(element) / division
        total += max(now, 0)
    return total


def _moves(element: Element) -> bool:
    """Whether MusPy goes on by the duration of a note."""
    if element.tag != "note":
        return False
    rest = element.find("rest") is not None
    return rest or (element.find("cue") is None and element.find("grace") is None)


def _duration(element: Element) -> int:
    return int(element.findtext("duration") or 0)
