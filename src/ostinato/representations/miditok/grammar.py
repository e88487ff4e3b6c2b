"""Say which tokens may come next: MidiTok's graph of token types, and what time itself allows."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ostinato.representations.base import Grammar, Tokens
from ostinato.representations.miditok.chains import CURRENT, Chains
from ostinato.representations.miditok.transitions import Transitions
from ostinato.representations.miditok.vocabulary import (
    COMMON_TIME,
    DRUM_KEY,
    NOTE_OFFS,
    NOTES,
    Kind,
    Vocabulary,
)
from ostinato.representations.monophonic import SILENT_BARS

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

MOST_POSITIONS = 256  # so that one fits a byte
STATE = np.dtype(
    [
        ("node", "i8"),  # of `Transitions`
        ("metre", "i8"),
        ("begins", "i8"),  # the tick at which the bar, or the time signature, began
        ("since", "i8"),  # ticks since then
        ("position", "i8"),  # the last in this bar, -1 before any
        ("opened", "?"),  # whether a bar, or a note, has begun
        ("begun", "?"),  # whether a note has
        ("silent_from", "i8"),  # the tick from which on nothing sounds
        ("program", "i8"),
        ("sounds", "i8"),  # how many notes wait for their end
    ]
)


class MidiTokGrammar(Grammar):
    """Grammar of MidiTok's tokens.

    Base tokens follow each other as in MidiTok's graph of token types. A position is later than
    the one before it in its bar, and within the bar; a note-off ends a note that sounds. Silence
    lasts two bars of four quarter notes at the most. A piece ends after a note, tempo or time
    signature, with at least one note in it and none that sounds on. `quarters` is the time at which
    what comes next begins.
    """

    of_rows = ("state", "sounding", "quarters")

    def __init__(
        self,
        vocabulary: Vocabulary,
        transitions: Transitions,
        chains: Chains,
        batch: int,
        end: bool,
    ) -> None:
        self.vocabulary, self.transitions, self.chains = vocabulary, transitions, chains
        self.end = end
        self.initial = np.zeros((), STATE)
        self.initial["metre"], self.initial["position"] = vocabulary.common_time, -1
        self.state = np.full(batch, self.initial)
        # how many notes sound, by program (drums are the last) and pitch; where tokens end them
        keys = (DRUM_KEY + 1, 128) if len(chains.ending) else (0, 0)
        self.sounding = np.zeros((batch, *keys), np.int16)
        self.quarters = np.zeros(batch)
        # (nodes, tokens): a token may come where its first base token may
        heads = chains.base[chains.starts]
        in_part = vocabulary.features[heads] == transitions.parts[:, None]
        self.by_node = transitions.allowed[:, vocabulary.kinds[heads]] & in_part
        moves = chains.effects[:, 0] + chains.effects[:, 2] + (chains.effects[:, 1] >= 0)
        self.moving = np.flatnonzero(moves)

    def legal(self) -> Bools:
        chains, state = self.chains, self.state
        allowed = np.zeros((len(state), len(chains.lengths) + self.end), np.bool_)
        tokens = allowed[:, : len(chains.lengths)]
        tokens[:] = self.by_node[state["node"]]
        moving = self.moving[tokens[:, self.moving].any(axis=0)]
        tokens[:, moving] &= self._in_time(moving)
        if len(chains.ending):
            tokens[:, chains.ending] &= self._sounds()
        if self.vocabulary.width > 1:  # a word of time needs a bar or a position that may come
            places = np.isin(self.vocabulary.kinds, (Kind.Bar, Kind.Position))
            may_move = self._in_time(np.flatnonzero(places)).any(axis=1, keepdims=True)
            tokens[:, self.vocabulary.kinds == Kind.Metric] &= may_move
        if self.end:
            complete = self.transitions.complete[state["node"]]
            allowed[:, -1] = complete & state["begun"] & (state["sounds"] == 0)
        return allowed

    def _in_time(self, tokens: Tokens) -> Bools:
        """Return whether tokens lead to a later place, and not too far: (batch, tokens)."""
        vocabulary, state = self.vocabulary, self.state[:, None]
        step, bar = vocabulary.step_ticks[state["metre"]], vocabulary.bar_ticks[state["metre"]]
        bars, position, steps, first, farthest = self.chains.effects[tokens].T
        if vocabulary.has(Kind.Bar):
            # the first bar begins where the piece does, unless a note has begun before it
            into = (bars - ~state["opened"]) * (bars > 0) * bar
            time = state["begins"] + into + position * step
        else:
            time = state["begins"] + state["since"] + steps * step
        limit = SILENT_BARS * COMMON_TIME[0] * vocabulary.resolution
        near = (time - state["silent_from"] <= limit) | (state["sounds"] > 0)
        forward = (first > state["position"]) & (farthest * step < bar) & state["opened"]
        in_time: Bools = near & (forward | (first < 0))
        return in_time

    def _sounds(self) -> Bools:
        """Return whether the notes sound that the ending tokens end: (batch, ending)."""
        program, pitch, count = self.chains.needs.T
        programs = np.where(program == CURRENT, self.state["program"][:, None], program)
        rows = np.arange(len(self.state))[:, None]
        met = self.sounding[rows, programs, pitch] >= count  # (batch, needs)
        return np.logical_and.reduceat(met, self.chains.ending_starts, axis=1)

    def advance(self, tokens: Tokens) -> None:
        ended = tokens == len(self.chains.lengths)
        going = np.flatnonzero(~ended)
        starts, lengths = (t[tokens[going]] for t in (self.chains.starts, self.chains.lengths))
        for place in range(int(lengths.max(initial=0))):
            longer = lengths > place
            self._step(going[longer], self.chains.base[starts[longer] + place])
        self.state[ended] = self.initial
        self.sounding[ended] = 0
        self.quarters = (self.state["begins"] + self.state["since"]) / self.vocabulary.resolution

    def _step(self, rows: Tokens, tokens: Tokens) -> None:
        """Append one base token to each of some sequences."""
        vocabulary, state = self.vocabulary, self.state[rows]
        kind, value = vocabulary.kinds[tokens], vocabulary.values[tokens]
        state["node"] = self.transitions.following[state["node"], kind]
        is_note = np.isin(kind, NOTES)
        self._move(state, kind, value)
        state["opened"] |= (kind == Kind.Bar) | is_note
        state["begun"] |= is_note
        state["metre"] = np.where(kind == Kind.TimeSig, value, state["metre"])
        state["program"] = np.where(kind == Kind.Program, value, state["program"])
        state["program"][kind == Kind.Drums] = 0
        steps = value * vocabulary.step_ticks[state["metre"]]
        now = state["begins"] + state["since"]
        until = np.where(kind == Kind.Duration, now + steps, 0)
        state["silent_from"] = np.maximum(state["silent_from"], until)
        if self.sounding.size:
            is_drum = (kind == Kind.PitchDrum) | (kind == Kind.DrumOff)
            key = (rows, np.where(is_drum, DRUM_KEY, state["program"]), value % 128)
            off = np.isin(kind, NOTE_OFFS) & (self.sounding[key] > 0)
            change = is_note.astype(np.int16) - off
            self.sounding[key] += change
            state["sounds"] += change
            state["silent_from"] = np.where(off, now, state["silent_from"])
        self.state[rows] = state

    def _move(self, state: NDArray[np.void], kind: Tokens, value: Tokens) -> None:
        """Move the time of some sequences on by one base token each, in place."""
        metre = state["metre"]
        steps = value * self.vocabulary.step_ticks[metre]
        if not self.vocabulary.has(Kind.Bar):
            since = state["since"] + steps * (kind == Kind.TimeShift)
            restarts = kind == Kind.TimeSig
            state["begins"] += since * restarts
            state["since"] = since * ~restarts
            return
        is_bar, is_position = kind == Kind.Bar, kind == Kind.Position
        state["begins"] += self.vocabulary.bar_ticks[metre] * (is_bar & state["opened"])
        state["since"] = np.where(is_position, steps, state["since"]) * ~is_bar
        state["position"] = np.where(is_position, value, state["position"])
        state["position"][is_bar] = -1

    def positions(self) -> Ints:
        """Return the step within the bar, and of compound words the part that comes next."""
        within = self.state["since"]
        if not self.vocabulary.has(Kind.Bar):
            within = within % self.vocabulary.bar_ticks[self.state["metre"]]
        return to_positions(self.vocabulary, within, self.transitions.parts[self.state["node"]])


def to_positions(vocabulary: Vocabulary, within: Tokens, parts: Tokens) -> Ints:
    """Return positions (time, features) of ticks within the bar and of parts of compound words."""
    step = within * vocabulary.steps_per_quarter // vocabulary.resolution
    step = np.minimum(step, bar_steps(vocabulary.metres, vocabulary.steps_per_quarter) - 1)
    return np.column_stack([step, parts] if vocabulary.width > 1 else [step])


def bar_steps(metres: Sequence[tuple[int, int]], steps_per_quarter: int) -> int:
    """Return the steps in the longest bar there can be; positions tell at most 256 apart."""
    longest = max(-(-4 * beats * steps_per_quarter // beat) for beats, beat in metres)
    return min(longest, MOST_POSITIONS)
