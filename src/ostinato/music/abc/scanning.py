"""The text of a tune -> tokens: what sounds, without all that is only seen."""

import re
from dataclasses import replace
from fractions import Fraction

from ostinato.errors import UnreadableError
from ostinato.music import remarks
from ostinato.music.abc import clock, directives, fields, signs
from ostinato.music.abc.fields import Attributes
from ostinato.music.abc.tokens import Kind, Token, Tune, Voice

FIELD = re.compile(r"([A-Za-z+]):(?!\||:)(.*)")
DIRECTIVE = re.compile(r"(?:%%|I:)\s*(.*)")
PART = re.compile(r"[A-Z]\b")
ORDER = re.compile(r"[A-Z0-9(). \t]*")
LONGEST_MACRO = 200  # characters
MOST_TOKENS = 200_000


def scan(text: str) -> Tune:
    """Return the tune that a text writes.

    Raises `UnreadableError`, with the line and the reason.
    """
    return _Scanner().scan(text)


class _Scanner:
    """Goes through the lines of a tune and sorts what it finds by voices."""

    def __init__(self) -> None:
        self.tune = Tune()
        self.voice: Voice | None = None
        self.in_header = True
        self.part = ""
        self.own: dict[str, list[Token]] = {}
        """States that the header gives to one voice."""
        self.named = ""
        """The voice that the header spoke of last."""
        self.common = Attributes()
        self.unit: Fraction | None = None
        self.metre: Fraction | None = None
        self.unmetred: UnreadableError | None = None
        self.symbols: set[str] = set()
        self.macros: dict[str, str] = {}
        self.count = 0

    def scan(self, text: str) -> Tune:
        """Return the tune."""
        hidden = False
        for number, line in enumerate(text.split("\n"), 1):
            if line.startswith(("%%begin", "%%end")):
                hidden = line.startswith("%%begin")
            elif not hidden:
                try:
                    self._line(line.rstrip("\\ \t"))
                except UnreadableError as error:
                    raise UnreadableError(f"line {number} of the tune: {error}") from None
        if self.in_header:
            raise UnreadableError("it has no K: field, which ends the header of a tune")
        return self.tune

    def _line(self, line: str) -> None:
        if match := DIRECTIVE.match(line):
            self._directive(match[1])
        elif line.startswith("%"):
            return
        elif match := FIELD.match(line):
            self._field(match[1], _without_comment(match[2]))
        elif not self.in_header:  # the header has fields alone: other text is not music
            self._music(_without_comment(line))

    def _field(self, name: str, text: str) -> None:
        if name == "U":
            self.symbols.add(text.strip()[:1])
        elif name == "m":
            self._macro(text)
        elif name == "P":
            self._part(text.strip())
        elif name == "V":
            self._voice(text.strip())
        elif name == "K":
            self._key(text)
        elif name in "LMQ":
            self._state(name, text)

    def _directive(self, text: str) -> None:
        if state := directives.read(text):
            self._add_state(*state)
        elif text.startswith("octave"):
            self._attributes(fields.read_attributes(text)[1])

    def _macro(self, text: str) -> None:
        pattern, _, value = text.partition("=")
        pattern, value = pattern.strip(), value.strip()
        if "n" in pattern or not pattern:
            raise UnreadableError(f"the macro m:{text.strip()[:40]} transposes, which is not read")
        if len(value) > LONGEST_MACRO:
            raise UnreadableError(f"a macro of {len(value)} characters")
        self.macros[pattern] = value

    def _part(self, text: str) -> None:
        if self.in_header:
            self.tune.order = text if ORDER.fullmatch(text) else ""
        else:
            self.part = text[:1] if PART.match(text) else f"{self.part} "

    def _voice(self, text: str) -> None:
        name, _, rest = text.partition(" ")
        said = fields.read_attributes(rest)[1]
        if self.in_header:
            voice = self.tune.voices.setdefault(name, Voice())
            self.named = name
            voice.attributes = _update(voice.attributes, said)
            return
        self._enter(name)
        self._attributes(said)

    def _enter(self, name: str) -> None:
        if name not in self.tune.voices:
            self.tune.voices[name] = Voice()
        self.voice = self.tune.voices[name]
        if not self.voice.tokens:
            self.voice.tokens += self.own.pop(name, [])
            self.voice.attributes = _update(self.common, self.voice.attributes)
            self._transpose(self.voice.attributes.transpose)

    def _current(self) -> Voice:
        """Music before any V: field is the first voice's."""
        if self.voice is None:
            self._enter(next(iter(self.tune.voices), "1"))
        assert self.voice is not None
        return self.voice

    def _attributes(self, said: Attributes) -> None:
        if self.in_header:
            self.common = _update(self.common, said)
            return
        voice = self._current()
        voice.attributes = _update(voice.attributes, said)
        self._transpose(said.transpose)

    def _transpose(self, semitones: int | None) -> None:
        if semitones is not None:
            self._add_state(f"%%MIDI transpose {semitones}", "MIDI transpose")

    def _key(self, text: str) -> None:
        key, said = fields.read_attributes(text)
        if self.in_header:
            self.common = _update(self.common, said)
            self._finish_header(key or "none")
        else:
            self._attributes(said)
            if key or not text.strip():
                self._add_state(f"[K:{key or 'none'}]", "K")

    def _finish_header(self, key: str) -> None:
        if self.unit is None:
            if self.unmetred:
                raise self.unmetred
            self.unit = fields.default_unit(self.metre)
        start = self.tune.start
        start.setdefault("M", Token(Kind.STATE, "[M:none]", "M"))
        start["L"] = Token(Kind.STATE, f"[L:1/{self.unit.denominator}]", "L")
        start["K"] = Token(Kind.STATE, f"[K:{key}]", "K")
        if self.common.transpose is not None and len(self.tune.voices) < 2:
            self._transpose(self.common.transpose)
        self.in_header = False

    def _state(self, name: str, text: str) -> None:
        if name == "M":
            self._metre(text)
        elif name == "L":
            self.unit = fields.read_unit(text)
            self._add_state(f"[L:1/{self.unit.denominator}]", "L")
        else:
            unit = self.unit or fields.default_unit(self.metre)
            if tempo := fields.read_tempo(text, unit):
                self.tune.has_tempo = True
                self._add_state(f"[Q:{tempo}]", "Q")
            else:
                remarks.add(f"its tempo is not readable and left out: Q:{text.strip()[:40]}")

    def _metre(self, text: str) -> None:
        """Where the unit does not depend on it, a metre that is none leaves the notes right."""
        try:
            plain, self.metre = fields.read_metre(text)
        except UnreadableError as error:
            self.unmetred = error
            plain, self.metre = "none", None
            remarks.add(f"{error}: left out")
        self._add_state(f"[M:{plain}]", "M")

    def _add_state(self, text: str, name: str) -> None:
        token = Token(Kind.STATE, text, name)
        if not self.in_header:
            self._add(token)
        elif self.named and name.startswith("MIDI"):
            self.own.setdefault(self.named, []).append(token)
        else:
            self.tune.start[name] = token

    def _add(self, token: Token) -> None:
        voice = self._current()
        if voice.part != self.part:
            voice.part = self.part
            voice.tokens.append(Token(Kind.PART, self.part))
        voice.tokens.append(token)
        self.count += 1
        if self.count > MOST_TOKENS:
            raise UnreadableError(f"it has more than {MOST_TOKENS} notes and signs")

    def _music(self, line: str) -> None:
        for pattern, value in self.macros.items():
            line = line.replace(pattern, value)
            if len(line) > signs.LONGEST_LINE:
                raise UnreadableError("its macros make a line too long")
        for item in signs.read(line, self.symbols):
            if isinstance(item, signs.Inline):
                self._inline(item)
            elif isinstance(item, signs.Notes):
                octave = self._current().attributes.octave or 0
                self._sound(item.written(octave), item.duration())
            elif item.kind is Kind.MUSIC:
                self._sign(item)
            else:
                if item.kind is Kind.BAR:
                    self._end_bar()
                self._add(item)
        voice = self._current()
        if self.metre is not None and voice.clock.filled == self.metre:
            self._end_bar()
            self._add(Token(Kind.BAR, "|"))

    def _sign(self, item: Token) -> None:
        sign = item.text[0]
        if sign == "-":
            self._tie()
        elif sign == "Z":
            self._rest_of_bars(int(item.text[1:] or 1))
        elif sign == "z":
            self._sound(item.text, clock.length(item.text[1:]))
        else:
            voice = self._current()
            if sign == "(":
                voice.clock.begin_tuplet(item.text, self.metre)
            elif sign == "&":
                voice.clock.overlay(len(voice.tokens))
            self._add(item)

    def _sound(self, text: str, duration: Fraction) -> None:
        self._current().clock.sound(duration * (self.unit or 1))
        self._add(Token(Kind.MUSIC, text))

    def _end_bar(self) -> None:
        """Where an overlay is shorter than its bar, the rest of the bar is a rest."""
        voice = self._current()
        for index, missing in voice.clock.end_bar(len(voice.tokens)):
            units = missing / (self.unit or 1)
            rest = Token(Kind.MUSIC, f"z{units.numerator}/{units.denominator}")
            voice.tokens.insert(index, rest)

    def _inline(self, item: signs.Inline) -> None:
        if item.name == "I":
            self._directive(item.text)
        elif item.name not in "Um":
            self._field(item.name, item.text)

    def _tie(self) -> None:
        """A tie apart from its note belongs to the last one; between rests it means nothing."""
        tokens = self._current().tokens
        for index in range(len(tokens) - 1, -1, -1):
            token = tokens[index]
            if token.kind is Kind.MUSIC:
                if token.text[0] not in "zZ-<>(&" and not token.text.endswith("-"):
                    tokens[index] = replace(token, text=f"{token.text}-")
                return

    def _rest_of_bars(self, bars: int) -> None:
        if self.metre is None:
            raise UnreadableError("a rest of whole bars has no length in free metre")
        for index in range(bars):
            if index:
                self._end_bar()
                self._add(Token(Kind.BAR, "|"))
            self._sound("Z", self.metre / (self.unit or 1))


def _update(old: Attributes, new: Attributes) -> Attributes:
    said = {key: value for key, value in vars(new).items() if value is not None}
    return replace(old, **said)


def _without_comment(line: str) -> str:
    start = 0
    while (at := line.find("%", start)) >= 0:
        if at == 0 or line[at - 1] != "\\":
            return line[:at].rstrip("\\ \t")
        start = at + 1
    return line
