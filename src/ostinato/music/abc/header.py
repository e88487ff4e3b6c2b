"""The header of a tune, up to its K: field."""

import re

from ostinato.errors import UnreadableError
from ostinato.music import remarks
from ostinato.music.abc import directives, fields
from ostinato.music.abc.tokens import Kind, Token, Tune

ORDER = re.compile(r"[A-Z0-9(). \t]*")
LONGEST_MACRO = 200  # characters
MOST_MACROS = 100


class Header:
    """Takes the fields of a header into a tune; other text in it is not music."""

    def __init__(self, tune: Tune) -> None:
        self.tune = tune
        self.finished = False
        self.voice = ""  # the voice that a V: field has begun to speak of
        self.unreadable: UnreadableError | None = None  # why the metre is none

    def field(self, name: str, text: str) -> None:
        """Take up a field."""
        if name in "Um":
            define(self.tune, name, text)
        elif name == "P":
            self.tune.order = text.strip() if ORDER.fullmatch(text) else ""
        elif name == "V":
            self._voice(text)
        elif name == "K":
            self._finish(text)
        elif name == "M":
            self._metre(text)
        elif name == "L":
            self.tune.unit = fields.read_unit(text)
        elif name == "Q":
            self._tempo(text)

    def directive(self, text: str) -> None:
        """Take up a directive, for the voice that the header speaks of or for all."""
        if state := directives.read(text):
            token = Token(Kind.STATE, *state)
            if self.voice and token.name.startswith("MIDI"):
                self.tune.own.setdefault(self.voice, []).append(token)
            else:
                self.tune.start[token.name] = token

    def _voice(self, text: str) -> None:
        self.voice, rest = fields.split_voice(text)
        new = fields.read_attributes(rest)[1]
        before = self.tune.announced.get(self.voice, fields.Attributes())
        self.tune.announced[self.voice] = before.merge(new)

    def _metre(self, text: str) -> None:
        """Read the M: field; one that is no metre passes where the unit does not depend on it."""
        try:
            plain, self.tune.metre = fields.read_metre(text)
        except UnreadableError as error:
            plain, self.unreadable = "none", error
        self.tune.start["M"] = Token(Kind.STATE, f"[M:{plain}]", "M")

    def _tempo(self, text: str) -> None:
        unit = self.tune.unit or fields.default_unit(self.tune.metre)
        if tempo := fields.read_tempo(text, unit):
            self.tune.has_tempo = True
            self.tune.start["Q"] = Token(Kind.STATE, f"[Q:{tempo}]", "Q")
        else:
            remarks.add(f"its tempo is not readable and left out: Q:{text.strip()[:40]}")

    def _finish(self, text: str) -> None:
        tune, start = self.tune, self.tune.start
        if self.unreadable:
            if tune.unit is None:
                raise self.unreadable
            remarks.add(f"{self.unreadable}: left out")
        key, tune.common = fields.read_attributes(text)
        tune.unit = tune.unit or fields.default_unit(tune.metre)
        start.setdefault("M", Token(Kind.STATE, "[M:none]", "M"))
        start["L"] = Token(Kind.STATE, f"[L:1/{tune.unit.denominator}]", "L")
        start["K"] = Token(Kind.STATE, f"[K:{key or 'none'}]", "K")
        self.finished = True


def define(tune: Tune, name: str, text: str) -> None:
    """Take up a U: or an m: field, which define symbols and macros.

    Raises `UnreadableError` for a macro that transposes, and for a long one.
    """
    if name == "U":
        tune.symbols.add(text.strip()[:1])
        return
    pattern, _, value = text.partition("=")
    pattern, value = pattern.strip(), value.strip()
    if "n" in pattern or not pattern:
        raise UnreadableError(f"the macro m:{text.strip()[:40]} transposes, which is not read")
    if len(value) > LONGEST_MACRO or len(tune.macros) == MOST_MACROS:
        raise UnreadableError(f"it has a macro of {len(value)} characters, or too many of them")
    tune.macros[pattern] = value
