"""Playing a score through: which passages come one after the other."""

from bisect import bisect_right

import numpy as np

from ostinato.errors import UnreadableError
from ostinato.music.musicxml.repeats import Ending, Passage, Section, Signs, sections_of

MOST_PASSAGES = 100_000
MOST_SECTIONS = 5_000


def play(signs: Signs, end: int, longest: int) -> list[Passage]:
    """Return the passages of a score of `end` ticks in the order in which they are played.

    After a jump back (da capo, dal segno) nothing is repeated and last endings are played until
    the place of the jump is reached again, as MusicXML's `after-jump` has it by default. Raises
    `UnreadableError` where it comes to too many passages, or to more than `longest` ticks.
    """
    sections = sections_of(signs)
    if not sections and not signs.jumps:
        return [Passage(0, end, 1)]
    if len(sections) > MOST_SECTIONS:
        raise UnreadableError(f"it has {len(sections)} repeats: up to {MOST_SECTIONS} are read")
    return _Player(signs, sections, end).play(longest)


class _Player:
    def __init__(self, signs: Signs, sections: list[Section], end: int) -> None:
        self.signs, self.end = signs, end
        # Of repeats that end together the inner one comes first.
        self.sections = sorted(sections, key=lambda section: (section.stop, -section.start))
        self.starts = np.array([section.start for section in self.sections], np.int64)
        self.stops = np.array([section.stop for section in self.sections], np.int64)
        self.passes = np.ones(len(sections), np.int64)
        self.leaving: dict[int, list[tuple[int, Ending | None]]] = {}
        self.entering: dict[int, tuple[int, Ending]] = {}
        for index, section in enumerate(self.sections):
            if not section.endings:
                self.leaving.setdefault(section.stop, []).append((index, None))
            for ending in section.endings:
                self.leaving.setdefault(ending.stop, []).append((index, ending))
                self.entering[ending.start] = (index, ending)
        places = {0, end, *self.leaving, *self.entering, *self.starts.tolist()}
        places.update(signs.jumps, signs.fines, signs.tocodas, signs.segnos, signs.codas)
        self.places = sorted(place for place in places if 0 <= place <= end)
        self.innermost = self._innermost()
        self.jumped: set[tuple[str, int]] = set()  # no jump is taken twice
        self.back_from = -1  # where the latest jump back was taken

    def _innermost(self) -> list[int]:
        """Return the innermost repeat around the music after each place, -1 for none."""
        found = np.full(len(self.places), -1)
        for index in np.argsort(self.starts - self.stops, kind="stable"):  # the longest first
            low, high = np.searchsorted(self.places, (self.starts[index], self.stops[index]))
            found[low:high] = index
        return found.tolist()

    def play(self, longest: int) -> list[Passage]:
        passages: list[Passage] = []
        at = total = 0
        for _ in range(MOST_PASSAGES):
            if at >= self.end:
                return passages
            skipped = self._skip(at)
            if skipped is not None:
                at = skipped
                continue
            place = bisect_right(self.places, at)
            stop, inner = self.places[place], self.innermost[place - 1]
            passages.append(Passage(at, stop, 1 if inner < 0 else self._pass(inner)))
            total += stop - at
            if total > longest:
                raise UnreadableError("with its repeats it is far too long")
            at = self._leave(stop)
        raise UnreadableError(f"its repeats come to more than {MOST_PASSAGES} passages")

    def _pass(self, index: int) -> int:
        """Return which pass of a repeat is played: after a jump back, the last."""
        section = self.sections[index]
        return section.times if section.stop <= self.back_from else int(self.passes[index])

    def _skip(self, at: int) -> int | None:
        """Return where to go on instead of an ending that is not of this pass."""
        index, ending = self.entering.get(at, (-1, None))
        if ending is None or self._pass(index) in ending.numbers:
            return None
        return ending.stop

    def _leave(self, at: int) -> int:
        """Return where to go on from the end of a passage."""
        for index, ending in self.leaving.get(at, ()):
            section, number = self.sections[index], self._pass(index)
            if ending is not None and number not in ending.numbers:
                continue
            if number < section.times:
                inside = (self.starts >= section.start) & (self.stops <= section.stop)
                self.passes[inside] = 1
                self.passes[index] = number + 1
                return section.start
            if ending is not None:
                return self._jump(section.stop) if section.stop == at else section.stop
        return self._jump(at)

    def _jump(self, at: int) -> int:
        """Return where a sign at a place leads; the place itself where there is none."""
        signs = self.signs
        if self.back_from >= 0 and at in signs.fines:
            return self.end
        if self.back_from >= 0 and at in signs.tocodas and ("coda", at) not in self.jumped:
            self.jumped.add(("coda", at))
            return _target(signs.codas, signs.tocodas[at], at, at)
        if at in signs.jumps and ("back", at) not in self.jumped:
            self.jumped.add(("back", at))
            name = signs.jumps[at]
            target = 0 if name is None else _target(signs.segnos, name, -1, at)
            if target < at:
                self.back_from = at
                self.passes[:] = 1
            return target
        return at


def _target(places: dict[int, str], name: str, after: int, default: int) -> int:
    """Return the place of a name, or else the first after a place."""
    named = [place for place, its in places.items() if its == name and place > after]
    others = [place for place in places if place > after]
    return min(named or others, default=default)
