"""The base tokens of a MidiTok tokenizer as tables over their numbers."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.representations.base import pitch_name


class Kind(IntEnum):
    """What a base token is; `START` is none: the state before the first token of a piece."""

    START = 0
    BAR = 1
    POSITION = 2
    SHIFT = 3
    METRE = 4
    TEMPO = 5
    PROGRAM = 6
    DRUMS = 7
    PITCH = 8
    DRUM = 9
    VELOCITY = 10
    DURATION = 11
    PITCH_OFF = 12
    DRUM_OFF = 13
    FAMILY_METRIC = 14
    FAMILY_NOTE = 15
    IGNORE = 16


KINDS = {
    "Bar": Kind.BAR,
    "Position": Kind.POSITION,
    "TimeShift": Kind.SHIFT,
    "TimeSig": Kind.METRE,
    "Tempo": Kind.TEMPO,
    "Program": Kind.PROGRAM,
    "Pitch": Kind.PITCH,
    "NoteOn": Kind.PITCH,
    "PitchDrum": Kind.DRUM,
    "DrumOn": Kind.DRUM,
    "Velocity": Kind.VELOCITY,
    "Duration": Kind.DURATION,
    "NoteOff": Kind.PITCH_OFF,
    "DrumOff": Kind.DRUM_OFF,
    "Ignore": Kind.IGNORE,
}
FAMILIES = {"Family_Metric": Kind.FAMILY_METRIC, "Family_Note": Kind.FAMILY_NOTE}
DRUM_PROGRAM = "Program_-1"
COMMON_TIME = (4, 4)
DRUM_KEY = 128  # beside the programs 0 to 127


@dataclass(frozen=True)
class Vocabulary:
    """Base tokens, numbered from 0: MidiTok's own without its padding.

    `kinds`, `values` and `features` are (tokens,). A value is a pitch, a velocity, a program, steps
    (of a position, a time shift or a duration), or a place in `tempos` (quarter notes per minute)
    or in `metres`. `features` says which part of a compound word a token belongs to, of `width`.
    Ticks are `resolution` to the quarter note; `bar_ticks` and `step_ticks` are by metre.
    """

    names: tuple[str, ...]
    kinds: NDArray[np.int64]
    values: NDArray[np.int64]
    features: NDArray[np.int64]
    width: int
    tempos: NDArray[np.float64]
    metres: tuple[tuple[int, int], ...]
    resolution: int
    steps_per_quarter: int
    bar_ticks: NDArray[np.int64]
    step_ticks: NDArray[np.int64]
    ids: dict[Kind, NDArray[np.int64]]
    """By kind, the token of each value; -1 where there is none."""

    @classmethod
    def of(cls, tokenizer: Any, steps_per_quarter: int) -> "Vocabulary":
        """The vocabulary of a tokenizer whose only special token is the padding, its first."""
        parts = tokenizer.vocab if tokenizer.is_multi_voc else [tokenizer.vocab]
        words = [(feature, name) for feature, part in enumerate(parts) for name in [*part][1:]]
        names = [name for _, name in words]
        kinds = np.array([_kind(name) for name in names])
        tempos = np.array([float(n[6:]) for n in names if n.startswith("Tempo_")])
        metres = tuple(_metre(n) for n in names if n.startswith("TimeSig_")) or (COMMON_TIME,)
        values = np.array([_value(name, tempos, metres) for name in names])
        resolution = int(tokenizer.time_division)
        bars, beats = np.array(metres).T
        beat_ticks = resolution * 4 // beats
        return cls(
            names=tuple(names),
            kinds=kinds,
            values=values,
            features=np.array([feature for feature, _ in words]),
            width=len(parts),
            tempos=tempos,
            metres=metres,
            resolution=resolution,
            steps_per_quarter=steps_per_quarter,
            bar_ticks=bars * beat_ticks,
            step_ticks=beat_ticks // steps_per_quarter,
            ids={Kind(kind): _places(kinds, values, kind) for kind in np.unique(kinds)},
        )

    @property
    def common_time(self) -> int:
        """The place of 4/4 in `metres`: what is in force where nothing says otherwise."""
        return self.metres.index(COMMON_TIME)

    def has(self, kind: Kind) -> bool:
        """Whether any token is of this kind."""
        return kind in self.ids

    def ignored(self) -> NDArray[np.int64]:
        """The tokens that leave a part of a compound word out, by part; -1 where none does."""
        out = np.full(self.width, -1)
        at = np.flatnonzero(self.kinds == Kind.IGNORE)
        out[self.features[at]] = at
        return out

    def describe(self, token: int) -> str:
        """A base token in words."""
        kind, value = Kind(self.kinds[token]), int(self.values[token])
        if kind in WORDS:
            return WORDS[kind]
        if kind == Kind.METRE:
            return "time signature {}/{}".format(*self.metres[value])
        if kind == Kind.TEMPO:
            return f"tempo {self.tempos[value]:g}"
        if kind == Kind.PROGRAM:
            return f"program {value} ({instrument(value)})"
        if kind == Kind.IGNORE:
            following = Kind(self.kinds[token + 1])
            return f"no {NOUNS.get(following, following.name.lower())}"
        if kind in (Kind.PITCH, Kind.PITCH_OFF, Kind.DRUM, Kind.DRUM_OFF):
            return f"{NOUNS[kind]} {pitch_name(value)}"
        return f"{NOUNS[kind]} {value}"


WORDS = {
    Kind.BAR: "bar",
    Kind.DRUMS: "drums",
    Kind.FAMILY_METRIC: "of time:",
    Kind.FAMILY_NOTE: "a note:",
}
NOUNS = {
    Kind.BAR: "bar or position",
    Kind.PITCH: "note",
    Kind.DRUM: "drum",
    Kind.PITCH_OFF: "note-off",
    Kind.DRUM_OFF: "drum-off",
    Kind.POSITION: "position",
    Kind.SHIFT: "time-shift, steps:",
    Kind.DURATION: "duration, steps:",
    Kind.VELOCITY: "velocity",
    Kind.METRE: "time signature",
}


def instrument(program: int) -> str:
    """The General MIDI name of a program."""
    from miditok.constants import MIDI_INSTRUMENTS

    return str(MIDI_INSTRUMENTS[program]["name"])


def _kind(name: str) -> Kind:
    if name == DRUM_PROGRAM:
        return Kind.DRUMS
    return FAMILIES.get(name) or KINDS[name.partition("_")[0]]


def _metre(name: str) -> tuple[int, int]:
    numerator, _, denominator = name.partition("_")[2].partition("/")
    return int(numerator), int(denominator)


def _value(name: str, tempos: NDArray[np.float64], metres: tuple[tuple[int, int], ...]) -> int:
    kind, value = _kind(name), name.partition("_")[2]
    if kind == Kind.METRE:
        return metres.index(_metre(name))
    if kind == Kind.TEMPO:
        return int(np.flatnonzero(tempos == float(value))[0])
    if kind in (Kind.SHIFT, Kind.DURATION):  # beats, steps, steps to the beat
        beats, steps, resolution = map(int, value.split("."))
        return beats * resolution + steps
    return int(value) if value.isdecimal() else 0


def _places(kinds: NDArray[Any], values: NDArray[Any], kind: int) -> NDArray[np.int64]:
    at = np.flatnonzero(kinds == kind)
    out = np.full(int(values[at].max()) + 1, -1)
    out[values[at]] = at
    return out
