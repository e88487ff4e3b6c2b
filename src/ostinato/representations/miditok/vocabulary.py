"""MidiTok's vocabulary as arrays: of each token its kind, its value and its place in a word."""

from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.representations.base import pitch_name

Kind = IntEnum(
    "Kind",
    "Start Bar Position TimeShift TimeSig Tempo Program Drums Pitch PitchDrum Velocity Duration "
    "NoteOff DrumOff Metric Note Ignore",
    start=0,
)
Kind.__doc__ = """What a token is, by MidiTok's name; `Start` is none, but the state before any."""

SYNONYMS = {
    "NoteOn": "Pitch",
    "DrumOn": "PitchDrum",
    "Program_-1": "Drums",
    "Family_Metric": "Metric",
    "Family_Note": "Note",
}
NOTES = (Kind.Pitch, Kind.PitchDrum)
NOTE_OFFS = (Kind.NoteOff, Kind.DrumOff)
COMMON_TIME = (4, 4)
DRUM_KEY = 128  # beside the programs 0 to 127


class Vocabulary:
    """MidiTok's tokens without its padding, numbered from 0.

    `types`, `kinds`, `values` and `features` are (tokens,). A value is a pitch, a velocity, a
    program, steps (of a position, a time shift or a duration), or a place in `tempos` (quarter
    notes per minute) or in `metres`. `features` is the part of a compound word, of `width`, that a
    token belongs to. Ticks are `resolution` to the quarter note; `bar_ticks` and `step_ticks` are
    by metre.
    """

    def __init__(self, tokenizer: Any, steps_per_quarter: int) -> None:
        """Read the vocabulary of a tokenizer whose only special token is the padding, its first."""
        parts = tokenizer.vocab if tokenizer.is_multi_voc else [tokenizer.vocab]
        words = [(feature, name) for feature, part in enumerate(parts) for name in [*part][1:]]
        self.names = [name for _, name in words]
        self.features = np.array([feature for feature, _ in words])
        self.width = len(parts)
        self.types: NDArray[np.str_] = np.array([name.partition("_")[0] for name in self.names])
        self.kinds = np.array([_kind(name) for name in self.names], np.int64)
        self.tempos = np.array([float(n[6:]) for n in self.names if n.startswith("Tempo_")])
        named = [n[8:].split("/") for n in self.names if n.startswith("TimeSig_")]
        self.metres = [(int(beats), int(beat)) for beats, beat in named] or [COMMON_TIME]
        self.common_time = self.metres.index(COMMON_TIME)
        self.values = np.array([self._value(name) for name in self.names])
        self.resolution = int(tokenizer.time_division)
        self.steps_per_quarter = steps_per_quarter
        beats, beat = np.array(self.metres).T
        beat_ticks = self.resolution * 4 // beat
        self.bar_ticks: NDArray[np.int64] = beats * beat_ticks
        self.step_ticks: NDArray[np.int64] = beat_ticks // steps_per_quarter

    def _value(self, name: str) -> int:
        kind, value = _kind(name), name.partition("_")[2]
        if kind == Kind.TimeSig:
            beats, beat = value.split("/")
            return self.metres.index((int(beats), int(beat)))
        if kind == Kind.Tempo:
            return int(np.flatnonzero(self.tempos == float(value))[0])
        if kind in (Kind.TimeShift, Kind.Duration):
            beats, steps, steps_per_beat = value.split(".")
            return int(beats) * int(steps_per_beat) + int(steps)
        return int(value) if value.isdecimal() else 0

    def has(self, kind: int) -> bool:
        """Return whether any token is of a kind."""
        return bool((self.kinds == kind).any())

    def describe(self, token: int) -> str:
        """Return what a token means, in words."""
        kind, type_, value = self.kinds[token], self.types[token], int(self.values[token])
        if kind == Kind.Ignore:
            return f"no {self.types[token + 1]}"
        if kind == Kind.Drums:
            return "Program of drums"
        if kind == Kind.Program:
            return f"Program {value} ({instrument(value)})"
        if kind in (*NOTES, *NOTE_OFFS):
            return f"{type_} {pitch_name(value)}"
        if kind in (Kind.TimeShift, Kind.Duration):
            return f"{type_}, steps: {value}"
        return str(self.names[token]).removesuffix("_None").replace("_", " ")


def instrument(program: int) -> str:
    """Return the General MIDI name of a program."""
    from miditok.constants import MIDI_INSTRUMENTS

    return str(MIDI_INSTRUMENTS[program]["name"])


def _kind(name: str) -> int:
    type_ = name.partition("_")[0]
    return int(Kind[SYNONYMS.get(name) or SYNONYMS.get(type_, type_)])
