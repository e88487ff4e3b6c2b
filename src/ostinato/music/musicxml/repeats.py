"""In which order a score is played: repeats, endings, da capo, dal segno, coda and fine."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from ostinato.music.musicxml.marks import LARGEST, numbers


class Passage(NamedTuple):
    """Music from one tick up to another, played in one go."""

    start: int
    stop: int
    number: int  # how often the repeat that it lies in has begun, from 1


@dataclass
class Ending:
    """A bracket over the bars that are played in some passes of a repeat."""

    start: int
    stop: int
    numbers: frozenset[int]


@dataclass
class Section:
    """A passage that is played several times."""

    start: int
    stop: int
    times: int
    endings: list[Ending] = field(default_factory=list)


@dataclass
class Signs:
    """All signs of a score, at ticks of the score as it is written."""

    forwards: set[int] = field(default_factory=set)
    backwards: dict[int, int] = field(default_factory=dict)
    """The number of times, 0 where it is not said."""
    endings: list[Ending] = field(default_factory=list)
    segnos: dict[int, str] = field(default_factory=dict)
    codas: dict[int, str] = field(default_factory=dict)
    tocodas: dict[int, str] = field(default_factory=dict)
    fines: set[int] = field(default_factory=set)
    jumps: dict[int, str | None] = field(default_factory=dict)
    """Jumps back: to a segno of this name, or to the beginning (None)."""


def signs_of(marks: Iterable[tuple[int, str, str]], starts: list[int]) -> Signs:
    """Collect the signs of all parts.

    Marks are (tick, kind, value); `starts` are the ticks at which bars begin, and the last end.
    """
    found = Signs()
    endings: dict[tuple[int, frozenset[int]], Ending] = {}
    stops = set()
    for tick, kind, value in sorted(set(marks)):
        if kind == "forward":
            found.forwards.add(tick)
        elif kind == "backward":
            times = max(numbers(value), default=0)
            found.backwards[tick] = max(found.backwards.get(tick, 0), min(times, LARGEST))
        elif kind == "ending":
            if which := numbers(value):
                endings[tick, which] = Ending(tick, starts[-1], which)
        elif kind == "ended":
            stops.add(tick)
        elif kind == "fine":
            found.fines.add(tick)
        elif kind == "dacapo":
            found.jumps[tick] = None
        else:
            places = {"segno": found.segnos, "coda": found.codas, "tocoda": found.tocodas}
            places.get(kind, found.jumps)[tick] = value
    found.endings = _with_stops(list(endings.values()), stops | set(found.backwards))
    found.endings += _without_starts(found, stops, starts)
    found.endings.sort(key=lambda ending: ending.start)
    return found


def _without_starts(signs: Signs, stops: set[int], starts: list[int]) -> list[Ending]:
    """Return first endings of which only the end is there: the bar before a second ending."""
    ended = {ending.stop for ending in signs.endings}
    return [
        Ending(
            starts[bisect_left(starts, ending.start) - 1],
            ending.start,
            frozenset(range(1, min(ending.numbers))),
        )
        for ending in signs.endings
        if ending.start in (stops & set(signs.backwards)) - ended and min(ending.numbers) > 1
    ]


def _with_stops(endings: list[Ending], stops: set[int]) -> list[Ending]:
    """Let each ending stop where it is said, or where the next begins."""
    endings.sort(key=lambda ending: ending.start)
    places = sorted(stops | {ending.start for ending in endings})
    for ending in endings:
        index = bisect_right(places, ending.start)
        if index < len(places):
            ending.stop = places[index]
    return endings


def _groups(endings: list[Ending]) -> list[list[Ending]]:
    """Return endings that follow each other and share no number: those of one repeat."""
    groups: list[list[Ending]] = []
    used: set[int] = set()
    for ending in endings:
        if not groups or groups[-1][-1].stop != ending.start or used & ending.numbers:
            groups.append([])
            used = set()
        groups[-1].append(ending)
        used |= ending.numbers
    return groups


def sections_of(signs: Signs) -> list[Section]:
    """Return what is repeated, the inner before the outer.

    A repeat goes back to the latest beginning of one that is still open; without any, to where the
    repeat before it ended, or to the beginning of the piece.
    """
    closing: list[tuple[int, Section]] = []
    within: set[int] = set()
    for group in _groups(signs.endings):
        stops = [ending.stop for ending in group if ending.stop in signs.backwards]
        if not stops and len(group) == 1:
            continue  # no repeat leads back from it
        section = Section(-1, group[-1].stop, _times(group, signs), group)
        closing.append((group[0].start, section))
        within.update(stops)
    for tick, times in signs.backwards.items():
        if tick not in within:
            closing.append((tick, Section(-1, tick, times or 2)))
    # At one tick repeats end before others begin.
    events: list[tuple[int, int, Section | None]] = [(at, 0, its) for at, its in closing]
    events += [(tick, 1, None) for tick in signs.forwards]
    sections: list[Section] = []
    open_starts: list[int] = []
    ended_before = 0
    for tick, _, ended in sorted(events, key=lambda event: event[:2]):
        if ended is None:
            open_starts.append(tick)
            continue
        ended.start = open_starts.pop() if open_starts else ended_before
        if ended.start < tick:
            sections.append(ended)
        ended_before = ended.stop
    return sections


def _times(group: list[Ending], signs: Signs) -> int:
    """Return how often a repeat with endings is played."""
    highest = max(max(ending.numbers) for ending in group)
    said = max(signs.backwards.get(ending.stop, 0) for ending in group)
    if len(group) == 1:  # the last time it is left out
        return max(said, min(highest, LARGEST) + 1)
    return max(said, highest)
