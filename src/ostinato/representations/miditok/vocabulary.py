"""MidiTok's vocabulary as arrays: of each token its kind, its value and its place in a word."""

from enum import IntEnum
from typing import Any

import numpy as np

from ostinato.representations.base import pitch_name
from ostinato.representations.metres import COMMON_TIME

Kind = IntEnum(
    "Kind",
    "Start Bar Position TimeShift TimeSig Tempo Program Drums Pitch PitchDrum Velocity Duration "
    "NoteOff DrumOff Metric Note Ignore",
    start=0,
)
Kind.__doc__ = """What a token is, by MidiTok's name; `Start` ends a piece and begins another."""
SYNONYMS = {"NoteOn": "Pitch", "DrumOn": "PitchDrum", "Program_-1": "Drums"}
NOTES, NOTE_OFFS = (Kind.Pitch, Kind.PitchDrum), (Kind.NoteOff, Kind.DrumOff)
DRUM_KEY = 128  # beside the programs 0 to 127


class Vocabulary:
    """MidiTok's `size` tokens without its padding, numbered from 0, and then our own end.

    `types`, `kinds`, `values`, `features` and `is_…` are (tokens,). A value is a pitch, a velocity,
    a program, steps (of a position, a time shift or a duration), or a place in `tempos` (quarter
    notes per minute) or in `metres`. `features` is the part of a compound word, of `width`, that a
    token belongs to. Ticks are `resolution` to the quarter note; `bar_ticks` and `step_ticks` are
    by metre. `kind in vocabulary` says whether any token is of a kind.
    """

    def __init__(self, tokenizer: Any, steps_per_quarter: int, positions: int) -> None:
        """Read the vocabulary of a tokenizer whose only special token is the padding, its first."""
        parts = tokenizer.vocab if tokenizer.is_multi_voc else [tokenizer.vocab]
        words = [(part, name) for part, names in enumerate(parts) for name in [*names][1:]]
        self.size, self.width = len(words), len(parts)
        self.features = np.array([*(part for part, _ in words), 0])
        self.names = [*(name for _, name in words), "Start_None"]
        self.types = np.array([name.partition("_")[0] for name in self.names])
        texts = [name.partition("_")[2] for name in self.names]
        kinds = [
            Kind[text if type_ == "Family" else SYNONYMS.get(name) or SYNONYMS.get(type_, type_)]
            for name, type_, text in zip(self.names, self.types.tolist(), texts, strict=True)
        ]
        self.kinds, self._present = np.array(kinds, np.int64), frozenset(kinds)
        self.is_note, self.is_off = np.isin(kinds, NOTES), np.isin(kinds, NOTE_OFFS)
        self.is_program = np.isin(kinds, (Kind.Program, Kind.Drums))
        self.is_drum = np.isin(kinds, (Kind.PitchDrum, Kind.DrumOff))
        self.tempos = tokenizer.tempos if Kind.Tempo in self else []
        self.metres = tokenizer.time_signatures if Kind.TimeSig in self else [COMMON_TIME]
        self.common_time = self.metres.index(COMMON_TIME)
        numbers = {f"{qpm}": place for place, qpm in enumerate(self.tempos)}
        numbers |= {f"{beats}/{beat}": place for place, (beats, beat) in enumerate(self.metres)}
        numbers |= {f"{b}.{step}.{of}": b * of + step for b, step, of in tokenizer.durations}
        self.values = np.array([int(t) if t.isdecimal() else numbers.get(t, 0) for t in texts])
        self.steps_per_quarter, self.positions = steps_per_quarter, positions
        self.resolution = int(tokenizer.time_division)
        beats, beat = np.array(self.metres).T
        self.step_ticks = self.resolution * 4 // beat // steps_per_quarter
        self.bar_ticks = self.resolution * 4 // beat * beats

    def __contains__(self, kind: object) -> bool:
        return kind in self._present

    def describe(self, token: int) -> str:
        """Return what a token means, in words."""
        kind, type_, value = self.kinds[token], self.types[token], int(self.values[token])
        if kind == Kind.Ignore:
            return f"no {self.types[token + 1]}"
        if kind == Kind.Program:
            return f"Program {value} ({instrument(value)})"
        if kind in (*NOTES, *NOTE_OFFS):
            return f"{type_} {pitch_name(value)}"
        if kind in (Kind.TimeShift, Kind.Duration):
            return f"{type_}, steps: {value}"
        special = {Kind.Start: "end", Kind.Drums: "Program of drums"}
        name: str = special.get(kind) or self.names[token].removesuffix("_None")
        return name.replace("_", " ")


def instrument(program: int) -> str:
    """Return the General MIDI name of a program."""
    from miditok.constants import MIDI_INSTRUMENTS

    return str(MIDI_INSTRUMENTS[program]["name"])
