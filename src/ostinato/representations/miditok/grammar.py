"""Following tokens as they come, and saying which may come next."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ostinato.representations.base import Grammar, Tokens
from ostinato.representations.miditok.order import Order
from ostinato.representations.miditok.tables import CURRENT, Tables
from ostinato.representations.miditok.vocabulary import COMMON_TIME, DRUM_KEY, Kind, Vocabulary
from ostinato.representations.monophonic import SILENT_BARS

BAR_QUARTERS = COMMON_TIME[0]
MOST_POSITIONS = 256  # so that one fits a byte


class MidiTokGrammar(Grammar):
    """What may come next in MidiTok's tokens.

    Base tokens follow each other as in MidiTok's graph of token types. A position is later than
    the one before it in its bar, and within the bar; a note-off ends a note that sounds. Silence
    lasts two bars of four quarter notes at the most. A piece ends after a note, tempo or time
    signature, with at least one note in it and none that sounds on. `quarters` is the time at which
    what comes next begins.
    """

    def __init__(
        self, vocabulary: Vocabulary, order: Order, tables: Tables, batch: int, end: bool
    ) -> None:
        self.vocabulary, self.order, self.tables, self.end = vocabulary, order, tables, end
        self.state = np.zeros(batch, np.int64)  # of the order
        self.metre = np.full(batch, vocabulary.common_time)
        self.begins = np.zeros(batch, np.int64)  # when the bar, or the time signature, did: ticks
        self.since = np.zeros(batch, np.int64)  # ticks since then
        self.position = np.full(batch, -1)  # the last in this bar
        self.opened = np.zeros(batch, np.bool_)  # whether a bar, or a note, has begun
        self.silent_from = np.zeros(batch, np.int64)  # ticks
        self.begun = np.zeros(batch, np.bool_)
        self.program = np.zeros(batch, np.int64)
        # how many notes sound, by program (drums are the last) and pitch; where tokens end them
        offs = vocabulary.has(Kind.PITCH_OFF)
        self.sounding = np.zeros((batch, DRUM_KEY + 1, 128) if offs else (batch, 0, 0), np.int16)
        self.sounds = np.zeros(batch, np.int64)  # how many in all
        self.quarters = np.zeros(batch)

    def legal(self) -> NDArray[np.bool_]:
        tables = self.tables
        allowed = np.zeros((len(self.state), len(tables.lengths) + self.end), np.bool_)
        tokens = allowed[:, : len(tables.lengths)]
        tokens[:] = tables.legal[self.state]
        moving = tables.moving[tokens[:, tables.moving].any(axis=0)]
        tokens[:, moving] &= self._in_time(moving)
        if len(tables.ending):
            tokens[:, tables.ending] &= self._sounds()
        families = self.vocabulary.ids.get(Kind.FAMILY_METRIC)
        if families is not None:
            tokens[:, families[0]] &= self._may_move()
        if self.end:
            allowed[:, -1] = self.order.complete[self.state] & self.begun & (self.sounds == 0)
        return allowed

    def _in_time(self, tokens: Tokens) -> NDArray[np.bool_]:
        """Whether tokens that move on lead to a later place, and not too far: (batch, tokens)."""
        tables, vocabulary = self.tables, self.vocabulary
        step = vocabulary.step_ticks[self.metre][:, None]
        bar = vocabulary.bar_ticks[self.metre][:, None]
        begins, bars = self.begins[:, None], tables.bars[tokens]
        if vocabulary.has(Kind.BAR):
            into = (bars - ~self.opened[:, None]) * (bars > 0) * bar
            time = begins + into + tables.position[tokens] * step
        else:
            time = begins + self.since[:, None] + tables.steps[tokens] * step
        limit = SILENT_BARS * BAR_QUARTERS * vocabulary.resolution
        rests = time - self.silent_from[:, None] <= limit
        rests |= self.sounds[:, None] > 0
        first, farthest = tables.first[tokens], tables.farthest[tokens]
        forward = (first > self.position[:, None]) & (farthest * step < bar)
        forward &= self.opened[:, None]
        in_time: NDArray[np.bool_] = rests & (forward | (first < 0))
        return in_time

    def _may_move(self) -> NDArray[np.bool_]:
        """Whether any bar or position may come: (batch,)."""
        ids = self.vocabulary.ids
        tokens = np.concatenate([ids[Kind.BAR], ids[Kind.POSITION]])
        possible: NDArray[np.bool_] = np.logical_or.reduce(self._in_time(tokens), axis=1)
        return possible

    def _sounds(self) -> NDArray[np.bool_]:
        """Whether the notes sound that the ending tokens end: (batch, ending)."""
        tables = self.tables
        program, pitch, count = tables.needs.T
        programs = np.where(program == CURRENT, self.program[:, None], program)
        rows = np.arange(len(self.state))[:, None]
        met = self.sounding[rows, programs, pitch] >= count
        return np.logical_and.reduceat(met[:, tables.ending_needs], tables.ending_starts, axis=1)

    def advance(self, tokens: Tokens) -> None:
        ended = tokens == len(self.tables.lengths)
        going = np.flatnonzero(~ended)
        starts, lengths = (t[tokens[going]] for t in (self.tables.starts, self.tables.lengths))
        for place in range(int(lengths.max(initial=0))):
            longer = lengths > place
            self._step(going[longer], self.tables.base[starts[longer] + place])
        self._restart(ended)
        self.quarters = (self.begins + self.since) / self.vocabulary.resolution

    def _step(self, rows: Tokens, tokens: Tokens) -> None:
        """Append one base token to each of some sequences."""
        vocabulary = self.vocabulary
        kind, value = vocabulary.kinds[tokens], vocabulary.values[tokens]
        self.state[rows] = self.order.following[self.state[rows], kind]
        self._move(rows, kind, value)
        self.metre[rows] = np.where(kind == Kind.METRE, value, self.metre[rows])
        named = (kind == Kind.PROGRAM) | (kind == Kind.DRUMS)
        program = np.where(kind == Kind.PROGRAM, value, 0)
        self.program[rows] = np.where(named, program, self.program[rows])
        self.begun[rows] |= (kind == Kind.PITCH) | (kind == Kind.DRUM)
        if self.sounding.size:
            self._sound(rows, kind, value)
        lasts = kind == Kind.DURATION
        steps = value * vocabulary.step_ticks[self.metre[rows]]
        until = (self.begins[rows] + self.since[rows] + steps) * lasts
        self.silent_from[rows] = np.maximum(self.silent_from[rows], until)

    def _move(self, rows: Tokens, kind: Tokens, value: Tokens) -> None:
        metre = self.metre[rows]
        steps = value * self.vocabulary.step_ticks[metre]
        if not self.vocabulary.has(Kind.BAR):
            since = self.since[rows] + steps * (kind == Kind.SHIFT)
            is_metre = kind == Kind.METRE
            self.begins[rows] += since * is_metre
            self.since[rows] = since * ~is_metre
            return
        is_bar, is_position = kind == Kind.BAR, kind == Kind.POSITION
        bar = self.vocabulary.bar_ticks[metre]
        self.begins[rows] += bar * (is_bar & self.opened[rows])
        self.opened[rows] |= is_bar | (kind == Kind.PITCH) | (kind == Kind.DRUM)
        since = np.where(is_position, steps, self.since[rows])
        self.since[rows] = np.where(is_bar, 0, since)
        position = np.where(is_position, value, self.position[rows])
        self.position[rows] = np.where(is_bar, -1, position)

    def _sound(self, rows: Tokens, kind: Tokens, value: Tokens) -> None:
        """Note the notes that begin and end; one ends only if it sounds."""
        is_drum = (kind == Kind.DRUM) | (kind == Kind.DRUM_OFF)
        key = np.where(is_drum, DRUM_KEY, self.program[rows])
        on = (kind == Kind.PITCH) | (kind == Kind.DRUM)
        off = (kind == Kind.PITCH_OFF) | (kind == Kind.DRUM_OFF)
        pitch = np.where(on | off, value, 0)
        off &= self.sounding[rows, key, pitch] > 0
        self.sounding[rows, key, pitch] += on.astype(np.int16) - off
        self.sounds[rows] += on.astype(np.int64) - off
        now = self.begins[rows] + self.since[rows]
        self.silent_from[rows] = np.where(off, now, self.silent_from[rows])

    def _restart(self, ended: NDArray[np.bool_]) -> None:
        for state in (self.state, self.begins, self.since, self.silent_from, self.program):
            state[ended] = 0
        for flag in (self.opened, self.begun):
            flag[ended] = False
        self.sounding[ended] = 0
        self.sounds[ended] = 0
        self.metre[ended] = self.vocabulary.common_time
        self.position[ended] = -1

    def positions(self) -> NDArray[np.int64]:
        """The step within the bar, and in compound words the part that comes next."""
        within = self.since
        if not self.vocabulary.has(Kind.BAR):
            within = within % self.vocabulary.bar_ticks[self.metre]
        return where(self.vocabulary, within, self.order.turns[self.state])


def where(vocabulary: Vocabulary, within: Tokens, turns: Tokens) -> NDArray[np.int64]:
    """Positions (…, features) of ticks within the bar and turns within the compound word."""
    step = within * vocabulary.steps_per_quarter // vocabulary.resolution
    step = np.minimum(step, steps_in_bar(vocabulary.metres, vocabulary.steps_per_quarter) - 1)
    return np.column_stack([step, turns] if vocabulary.width > 1 else [step])


def steps_in_bar(metres: Sequence[tuple[int, int]], steps_per_quarter: int) -> int:
    """Steps in the longest bar there can be; positions tell at most 256 apart."""
    longest = max(-(-4 * beats * steps_per_quarter // beat) for beats, beat in metres)
    return min(longest, MOST_POSITIONS)
