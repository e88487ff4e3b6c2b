"""The tokens of a voice, once its text is scanned."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from fractions import Fraction

from ostinato.music.abc.clock import Clock
from ostinato.music.abc.fields import Attributes


class Kind(Enum):
    """The kinds of tokens."""

    MUSIC = auto()  # A note, a chord, a rest or a sign between them, as abc2midi reads it
    STATE = auto()  # A key, metre, unit, tempo or directive that lasts until the next of its name
    BAR = auto()  # A barline: |, ||, |:, :| or ::
    ENDING = auto()  # the beginning of an ending, with the numbers of the times that it is played
    PART = auto()  # the beginning of a part that a P: field names


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a voice."""

    kind: Kind
    text: str
    name: str = ""  # of a state, what it replaces
    numbers: tuple[int, ...] = ()
    """Of an ending, when it is played; of a repeat's end, how often the section is."""


@dataclass
class Voice:
    """A voice as its tokens in the order of the text, and where its text has come to."""

    tokens: list[Token] = field(default_factory=list)
    attributes: Attributes = field(default_factory=Attributes)
    unit: Fraction = Fraction(1, 8)  # the unit note length in whole notes
    metre: Fraction | None = None  # the length of a bar in whole notes; None in free metre
    part: str = ""
    clock: Clock = field(default_factory=Clock)


@dataclass
class Tune:
    """A tune as its header has it, and its voices."""

    start: dict[str, Token] = field(default_factory=dict)  # the state in which each voice begins
    own: dict[str, list[Token]] = field(default_factory=dict)
    """By voice, what the header sets for it alone."""
    common: Attributes = field(default_factory=Attributes)
    """The attributes of each voice that does not say otherwise."""
    announced: dict[str, Attributes] = field(default_factory=dict)  # the voices of the header
    unit: Fraction | None = None
    metre: Fraction | None = None
    symbols: set[str] = field(default_factory=set)  # letters that U: fields make decorations
    macros: dict[str, str] = field(default_factory=dict)
    order: str = ""  # the order in which its parts are played, as the P: field of the header has it
    has_tempo: bool = False
    voices: dict[str, Voice] = field(default_factory=dict)

    def voices_with_music(self) -> Iterator[Voice]:
        """Yield the voices that have music, in the order of the header, then of the text."""
        for name in {**self.announced, **self.voices}:
            voice = self.voices.get(name, Voice())
            if any(token.kind is Kind.MUSIC for token in voice.tokens):
                yield voice
