"""The music of a tune, after its header."""

import re
from dataclasses import replace
from fractions import Fraction

from ostinato.errors import UnreadableError
from ostinato.music import remarks
from ostinato.music.abc import clock, directives, fields, signs
from ostinato.music.abc.fields import Attributes
from ostinato.music.abc.header import define
from ostinato.music.abc.tokens import Kind, Token, Tune, Voice

PART = re.compile(r"[A-Z]\b")
MOST_TOKENS = 200_000
FAR = 20  # tokens between a note and its tie


class Body:
    """Sorts the lines of music and the fields between them into a tune's voices."""

    def __init__(self, tune: Tune) -> None:
        self.tune = tune
        self.name: str | None = None  # the voice that the text is at
        self.part = ""
        self.unnamed = 0  # how many parts had no letter
        self.count = 0

    def field(self, name: str, text: str) -> None:
        """Take up a field, on a line of its own or within one."""
        if name in "Um":
            define(self.tune, name, text)
        elif name == "P":
            self._part(text.strip())
        elif name == "V":
            self.name, rest = fields.split_voice(text)
            self._attributes(fields.read_attributes(rest)[1])
        elif name == "K":
            key, new = fields.read_attributes(text)
            self._attributes(new)
            if key or not text.strip():
                self._set(f"[K:{key or 'none'}]", "K")
        elif name == "M":
            self._metre(text)
        elif name == "L":
            voice = self.voice()
            voice.unit = fields.read_unit(text)
            self._set(f"[L:1/{voice.unit.denominator}]", "L")
        elif name == "Q":
            self._tempo(text)

    def directive(self, text: str) -> None:
        """Take up a directive."""
        if state := directives.read(text):
            self._set(*state)
        elif text.startswith("octave"):
            self._attributes(fields.read_attributes(text)[1])

    def music(self, line: str) -> None:
        """Take up a line of music."""
        for pattern, value in self.tune.macros.items():
            line = line.replace(pattern, value)
            if len(line) > signs.LONGEST_LINE:
                raise UnreadableError("its macros make a line too long")
        for item in signs.read(line, self.tune.symbols):
            if isinstance(item, signs.Inline):
                self._inline(item)
            elif isinstance(item, signs.Notes):
                octave = self.voice().attributes.octave or 0
                self._sound(item.to_text(octave), item.duration())
            elif item.kind is Kind.MUSIC:
                self._sign(item)
            else:
                if item.kind is Kind.BAR:
                    self._end_bar()
                self._add(item)
        voice = self.voice()
        if voice.metre is not None and voice.clock.filled == voice.metre:
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
            voice = self.voice()
            if sign == "(":
                voice.clock.begin_tuplet(item.text, voice.metre)
            elif sign == "&":
                voice.clock.overlay(len(voice.tokens))
            self._add(item)

    def _sound(self, text: str, duration: Fraction) -> None:
        voice = self.voice()
        voice.clock.sound(duration * voice.unit)
        self._add(Token(Kind.MUSIC, text))

    def _end_bar(self) -> None:
        """Fill the bar: where an overlay is shorter than its bar, the rest of the bar is a rest."""
        voice = self.voice()
        for index, missing in voice.clock.end_bar(len(voice.tokens)):
            units = missing / voice.unit
            rest = Token(Kind.MUSIC, f"z{units.numerator}/{units.denominator}")
            voice.tokens.insert(index, rest)

    def voice(self) -> Voice:
        """Return the voice that the text is at; music before any V: field is the first one's."""
        tune = self.tune
        if self.name is None:
            self.name = next(iter(tune.announced), "1")
        if self.name not in tune.voices:
            own = tune.announced.get(self.name, Attributes())
            voice = Voice(
                tokens=list(tune.own.get(self.name, ())),
                attributes=tune.common.merge(own),
                unit=tune.unit or fields.default_unit(tune.metre),
                metre=tune.metre,
            )
            tune.voices[self.name] = voice
            self._transpose(voice.attributes.transpose)
        return tune.voices[self.name]

    def _part(self, text: str) -> None:
        self.unnamed += 1
        self.part = text[:1] if PART.match(text) else f"part {self.unnamed}"

    def _attributes(self, new: Attributes) -> None:
        voice = self.voice()
        voice.attributes = voice.attributes.merge(new)
        self._transpose(new.transpose)

    def _transpose(self, semitones: int | None) -> None:
        if semitones is not None:
            self._set(f"%%MIDI transpose {semitones}", "MIDI transpose")

    def _metre(self, text: str) -> None:
        """Take up a metre: one that is none leaves the notes right."""
        voice = self.voice()
        try:
            plain, voice.metre = fields.read_metre(text)
        except UnreadableError as error:
            plain, voice.metre = "none", None
            remarks.add(f"{error}: left out")
        self._set(f"[M:{plain}]", "M")

    def _tempo(self, text: str) -> None:
        if tempo := fields.read_tempo(text, self.voice().unit):
            self.tune.has_tempo = True
            self._set(f"[Q:{tempo}]", "Q")
        else:
            remarks.add(f"a tempo is not readable and left out: Q:{text.strip()[:40]}")

    def _set(self, text: str, name: str) -> None:
        self._add(Token(Kind.STATE, text, name))

    def _add(self, token: Token) -> None:
        voice = self.voice()
        if voice.part != self.part:
            voice.part = self.part
            voice.tokens.append(Token(Kind.PART, self.part))
        voice.tokens.append(token)
        self.count += 1
        if self.count > MOST_TOKENS:
            raise UnreadableError(f"it has more than {MOST_TOKENS} notes and signs")

    def _inline(self, item: signs.Inline) -> None:
        if item.name == "I":
            self.directive(item.text)
        elif item.name not in "Um":
            self.field(item.name, item.text)

    def _tie(self) -> None:
        """Append a tie to the last note; between rests it means nothing."""
        tokens = self.voice().tokens
        for index in range(len(tokens) - 1, max(len(tokens) - FAR, 0) - 1, -1):
            token = tokens[index]
            if token.kind is Kind.MUSIC:
                if token.text[0] not in "zZ-<>(&" and not token.text.endswith("-"):
                    tokens[index] = replace(token, text=f"{token.text}-")
                return

    def _rest_of_bars(self, bars: int) -> None:
        voice = self.voice()
        if voice.metre is None:
            raise UnreadableError("a rest of whole bars has no length in free metre")
        for index in range(bars):
            if index:
                self._end_bar()
                self._add(Token(Kind.BAR, "|"))
            self._sound("Z", voice.metre / voice.unit)
