"""Reading one part of a score, bar by bar: its notes, and what changes where."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any
from xml.etree.ElementTree import Element

from ostinato.errors import UnreadableError
from ostinato.music import limits
from ostinato.music.musicxml import attributes, marks
from ostinato.music.musicxml.instruments import Instruments
from ostinato.music.musicxml.numbers import decimal, whole
from ostinato.music.musicxml.part import START, STOP, Change, Part, Row
from ostinato.music.musicxml.sounds import Sounds

TIES = {"start": START, "stop": STOP, "continue": START | STOP}
FORTE = 90  # the velocity of which dynamics are per cent


class PartReader:
    """Reads the bars of one part in turn."""

    def __init__(
        self, resolution: int, divisions: str | None, instruments: Instruments, number: int
    ) -> None:
        self.resolution, self.instruments, self.number = resolution, instruments, number
        self.part, self.sounds = Part(instruments.part), Sounds(instruments)
        self.per_division: int | Fraction = resolution
        self.divide(divisions)
        self.voices: dict[str, int] = {}
        self.first_rows: list[int] = []  # of each bar, an index into the part's rows
        self.copied = 0  # how many bars back music is repeated from, 0 if it is written out
        self.bar = -1
        self.at = self.furthest = self.struck = 0
        self.readers: dict[str, Callable[[Element], None]] = {
            "note": self._note,
            "backup": self._backup,
            "forward": self._forward,
            "attributes": self._attributes,
            "direction": self._direction,
            "sound": self._sound,
            "barline": self._barline,
        }

    def read(self, measure: Element) -> None:
        """Read the next bar. Raises `UnreadableError` for a note that cannot be read."""
        self.bar += 1
        self.at = self.furthest = 0
        self.struck = -1
        if measure.get("implicit") == "yes":
            self.part.implicit.add(self.bar)
        before = len(self.part.rows)
        self.first_rows.append(before)
        for element in measure:
            if reader := self.readers.get(element.tag):
                reader(element)
        if self.copied and len(self.part.rows) == before:
            self._copy_bar()
        sounds = len(self.part.rows) > before
        self.part.lengths.append(self.furthest if sounds else 0)
        self.part.rests.append(0 if sounds else self.furthest)
        self.part.transposed, self.part.names = self.sounds.transposed, self.sounds.names
        limits.check_counts(len(self.part.rows))

    def divide(self, divisions: str | None) -> None:
        """Take divisions of a quarter note for what follows; unreadable ones change nothing."""
        number = decimal(divisions)
        if number is not None:
            per_division = Fraction(self.resolution) / number
            whole_number = per_division.denominator == 1
            self.per_division = per_division.numerator if whole_number else per_division

    # ------------------------------------------------------------ notes

    def _note(self, note: Element) -> None:
        its = {element.tag: element for element in note}
        if "grace" in its:
            return
        duration = self._duration(note)
        onset = self.at
        if "chord" in its and self.struck >= 0:
            onset = self.struck
        else:
            self.struck = onset
            self._move(duration)
        if "rest" not in its and "cue" not in its:
            loud = decimal(note.get("dynamics"))
            row = Row(
                self.bar,
                onset,
                max(duration, 1),
                *(0, 0 if loud is None else _velocity(loud), 0, False),
                self._voice(its.get("voice")),
                _ties(note, its),
                self._passes(note),
            )
            for pitch, program, drum in self.sounds.of_note(its):
                self.part.rows.append(row._replace(pitch=pitch, program=program, drum=drum))

    def _voice(self, voice: Element | None) -> int:
        name = "" if voice is None else voice.text or ""
        return self.voices.setdefault(name, len(self.voices))

    def _move(self, duration: int) -> None:
        self.at += duration
        self.furthest = max(self.furthest, self.at)

    def _duration(self, element: Element) -> int:
        duration = decimal(element.findtext("duration"))
        if duration is None or duration < 0:
            where = f"bar {self.bar + 1} of part {self.number}"
            raise UnreadableError(f"{where} has a {element.tag} without a duration")
        ticks = int(duration * self.per_division)
        limits.check_quarters(ticks / self.resolution)
        return ticks

    def _passes(self, note: Element) -> int:
        only = note.get("time-only")
        if not only:
            return 0
        self.part.passes.append(marks.numbers(only))
        return len(self.part.passes) - 1

    def _backup(self, element: Element) -> None:
        self.at = max(self.at - self._duration(element), 0)

    def _forward(self, element: Element) -> None:
        self._move(self._duration(element))

    def _copy_bar(self) -> None:
        """Fill a bar that a sign alone repeats with what the bar so far back has."""
        source = self.bar - self.copied
        if source < 0:
            return
        first, last = self.first_rows[source], self.first_rows[source + 1]
        limits.check_counts(len(self.part.rows) + last - first)
        copied = [row._replace(bar=self.bar) for row in self.part.rows[first:last]]
        self.part.rows.extend(copied)
        self.furthest = max(self.furthest, self.part.lengths[source])

    # ------------------------------------------------------------ what changes

    def _attributes(self, element: Element) -> None:
        for child in element:
            if child.tag == "divisions":
                self.divide(child.text)
            elif child.tag == "time" and child.get("number", "1") == "1":
                self._change(self.part.metres, attributes.metre(child))
            elif child.tag == "transpose":
                self.sounds.transpose(child)
            elif child.tag == "clef":
                self.sounds.clef(child)
            elif child.tag == "measure-style":
                self._style(child)
        for child in element.findall("key"):  # what follows a transposition is written for it
            if child.get("number", "1") == "1":
                self._change(self.part.keys, self.sounds.key(child))

    def _style(self, style: Element) -> None:
        repeat = style.find("measure-repeat")
        if repeat is not None:
            stops = repeat.get("type") == "stop"
            self.copied = 0 if stops else max(whole(repeat.text) or 1, 1)

    def _change(self, rows: list[Change], value: tuple[Any, ...] | None, at: int = -1) -> None:
        if value is None or (rows and rows[-1][:2] == (self.bar, self.at) and at < 0):
            return  # of several at once, as for several staves, the first
        rows.append(Change(self.bar, self.at if at < 0 else at, value))
        if len(rows) > limits.MOST_CHANGES:
            most = limits.MOST_CHANGES
            raise UnreadableError(f"a part changes tempo, metre or loudness over {most} times")

    def _direction(self, direction: Element) -> None:
        offset = direction.find("offset")
        moved = offset is not None and offset.get("sound") == "yes"
        at = self._place(offset if moved else None)
        sound = direction.find("sound")
        if sound is not None:
            self._sound(sound, at)
        if sound is None or sound.get("tempo") is None:
            for metronome in direction.findall("direction-type/metronome"):
                tempo = attributes.tempo_of_metronome(metronome)
                self._change(self.part.tempos, tempo, at)
        self._add_marks(marks.of_direction(direction))

    def _sound(self, sound: Element, at: int | None = None) -> None:
        offset = sound.find("offset")
        if at is None or offset is not None:
            at = self._place(offset)
        self._change(self.part.tempos, attributes.tempo_of_sound(sound), at)
        loud = decimal(sound.get("dynamics"))
        if loud is not None:
            self._change(self.part.dynamics, (_velocity(loud),), at)
        for midi in sound.findall("midi-instrument"):
            self.instruments.change(midi)
        self._add_marks(marks.of_sound(sound))

    def _place(self, offset: Element | None) -> int:
        moved = None if offset is None else decimal(offset.text)
        ticks = self.at + int((moved or 0) * self.per_division)
        return min(max(ticks, 0), limits.LONGEST * self.resolution)

    def _barline(self, barline: Element) -> None:
        self._add_marks(marks.of_barline(barline))

    def _add_marks(self, found: list[marks.Found]) -> None:
        for kind, value, place in found:
            at = {"start": 0, "end": marks.END}.get(place, self.at)
            self.part.signs.append(marks.Mark(self.bar, at, kind, value))


def _ties(note: Element, its: dict[str, Element]) -> int:
    ties: list[Element] = []
    if "tie" in its:
        ties = note.findall("tie")
    elif "notations" in its:
        ties = its["notations"].findall("tied")
    found = 0
    for tie in ties:
        found |= TIES.get(tie.get("type", ""), 0)
    return found


def _velocity(percent: int | Fraction) -> int:
    """Return MIDI's velocity of a loudness in per cent of forte."""
    return min(max(round(percent * FORTE / 100), 1), 127)
