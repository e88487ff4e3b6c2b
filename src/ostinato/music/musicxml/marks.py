"""The signs that say in which order bars are played, as MusicXML writes them."""

import re
from typing import NamedTuple
from xml.etree.ElementTree import Element

END = -1  # of a bar, whose length is not known yet
LARGEST = 10**6  # no ending or repetition has a larger number
MOST_NUMBERS = 100  # of one ending
Found = tuple[str, str, str]
"""A kind of sign, its value, and its place: "start" or "end" of its bar, or "here"."""
# Where a jump stands within a bar, it is the whole bar that is played before it.
PLACES = {
    "segno": "start",
    "coda": "start",
    "forward": "start",
    "fine": "end",
    "tocoda": "end",
    "dacapo": "end",
    "dalsegno": "end",
}
ATTRIBUTES = {name: name for name in PLACES if name != "forward"} | {"forward-repeat": "forward"}
WORDS = (
    (re.compile(r"(d\. ?c\.?|da capo)\b.*", re.IGNORECASE), "dacapo"),
    (re.compile(r"(d\. ?s\.?|dal segno)(?!\w).*", re.IGNORECASE), "dalsegno"),
    (re.compile(r"to coda\W*", re.IGNORECASE), "tocoda"),
    (re.compile(r"fine\W*", re.IGNORECASE), "fine"),
)


class Mark(NamedTuple):
    """A sign in a bar."""

    bar: int
    onset: int  # in ticks from the beginning of the bar, or `END`
    kind: str
    value: str  # the number of times, the numbers of an ending, or the name of a segno or coda


def numbers(text: str) -> frozenset[int]:
    """Return the numbers in a text: "1, 2" or "1-3"."""
    found: set[int] = set()
    for first, last in re.findall(r"(\d{1,6})(?:\s*-\s*(\d{1,6}))?", text[:1000]):
        low, high = int(first), int(last or first)
        found.update(range(low, min(high, low + MOST_NUMBERS) + 1))
    return frozenset(sorted(found)[:MOST_NUMBERS])


def of_sound(sound: Element) -> list[Found]:
    """Return the signs that a `sound` stands for."""
    return [
        (kind, sound.get(name, ""), PLACES[kind])
        for name, kind in ATTRIBUTES.items()
        if sound.get(name) is not None
    ]


def of_direction(direction: Element) -> list[Found]:
    """Return the signs that a `direction` shows, where no `sound` in it says how it is played."""
    sound = direction.find("sound")
    if sound is not None and of_sound(sound):
        return []
    found: list[Found] = []
    for element in direction.findall("direction-type/*"):
        if element.tag in ("segno", "coda"):
            found.append((element.tag, "", PLACES[element.tag]))
        elif element.tag == "words":
            text = " ".join((element.text or "").split())
            kinds = (kind for pattern, kind in WORDS if pattern.fullmatch(text))
            found += [(kind, "", PLACES[kind]) for kind in kinds]
    return found


def of_barline(barline: Element) -> list[Found]:
    """Return the repeat, the beginning or end of an ending, and the signs at a barline."""
    place = {"left": "start", "middle": "here"}.get(barline.get("location", "right"), "end")
    found: list[Found] = []
    ending = barline.find("ending")
    if ending is not None:
        starts = ending.get("type") == "start"
        found.append(("ending" if starts else "ended", ending.get("number", ""), place))
    repeat = barline.find("repeat")
    if repeat is not None:
        kind = "forward" if repeat.get("direction") == "forward" else "backward"
        found.append((kind, repeat.get("times", ""), place))
    for name in ("segno", "coda"):
        if barline.get(name) is not None or barline.find(name) is not None:
            found.append((name, barline.get(name, ""), place))
    return found
