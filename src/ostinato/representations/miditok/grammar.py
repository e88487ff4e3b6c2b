"""Say which tokens may come next: MidiTok's graph of token types, and what time itself allows."""

from collections import Counter
from collections.abc import Mapping
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ostinato.representations.base import Grammar, Tokens
from ostinato.representations.byte_pairs import Chains, Ints
from ostinato.representations.metres import COMMON_TIME
from ostinato.representations.miditok.vocabulary import DRUM_KEY, NOTE_OFFS, NOTES, Kind, Vocabulary
from ostinato.representations.monophonic import SILENT_BARS

Bools = NDArray[np.bool_]
Graph = Mapping[str, set[str]]

CURRENT = -1  # the program in force before a token, whichever that is
WORDS = {  # by what a compound word is of so far: what may come in its next parts, or after it
    Kind.Start: {Kind.Metric},
    Kind.Metric: {Kind.Metric, Kind.Bar, Kind.Position},
    Kind.Note: {Kind.Metric, *NOTES},
    Kind.Bar: {Kind.Metric, Kind.TimeSig},
    Kind.Position: {Kind.Metric, Kind.Note, Kind.Tempo},
    Kind.Pitch: {Kind.Metric, Kind.Note, Kind.Velocity, Kind.Duration, Kind.Program},
    Kind.PitchDrum: {Kind.Metric, Kind.Note, Kind.Velocity, Kind.Duration, Kind.Drums},
}
# the kind of the last token, with the part of a word that comes next; the tick at which the bar, or
# the time signature, began, and the ticks since then; the last position in this bar (-1 before
# any); whether a bar or a note has begun, and whether a note has; the tick from which on nothing
# sounds; how many notes wait for their end
INTEGERS = ["node", "metre", "program", "begins", "since", "position", "silent_from", "sounds"]
STATE = np.dtype([(name, "i8") for name in INTEGERS] + [("opened", "?"), ("begun", "?")])


class MidiTokGrammar(Grammar):
    """Grammar of MidiTok's tokens, of the chains of base tokens that they stand for.

    Base tokens follow each other as in MidiTok's graph of token types. A position is later than
    the one before it in its bar, and within the bar; a note-off ends a note that sounds. Silence
    lasts two bars of four quarter notes at the most. A piece ends after a note, tempo or time
    signature, with at least one note in it and none that sounds on. `quarters` is the time at which
    what comes next begins. It follows one sequence; `select` makes it follow more.
    """

    of_rows = ("state", "sounding", "quarters")

    def __init__(self, vocabulary: Vocabulary, graph: Graph, chains: Chains) -> None:
        self.vocabulary, self.chains = vocabulary, chains
        self.in_bars = Kind.Bar in vocabulary
        allowed = _by_word(vocabulary) if vocabulary.width > 1 else _by_token(vocabulary, graph)
        self.is_context = np.array([kind in WORDS or vocabulary.width == 1 for kind in Kind])
        # a token may come where its first base token may: (nodes, tokens)
        heads, part = chains.tokens[chains.starts], np.arange(len(allowed)) % vocabulary.width
        kinds = vocabulary.kinds[heads]
        self.end = len(heads) - (heads[-1] == vocabulary.size)  # there may be none
        self.allowed = allowed[:, kinds] & (vocabulary.features[heads] == part[:, None])
        self.metric = np.flatnonzero(kinds == Kind.Metric)
        parts = np.split(chains.tokens, chains.starts[1:])
        self.effects = np.array([_move_effect(vocabulary, part) for part in parts])
        self.moving = np.flatnonzero(self.effects[:, 1] > -self.in_bars)
        # (program, pitch, how many): the notes that must sound before tokens, those of each in turn
        needs = [sorted(_needed_notes(vocabulary, part).items()) for part in parts]
        self.needs = np.array([(*note, n) for need in needs for note, n in need]).reshape(-1, 3)
        counts = np.array([len(need) for need in needs])
        self.ending = np.flatnonzero(counts)
        self.ending_starts = (np.cumsum(counts) - counts)[self.ending]
        self.initial = np.zeros(1, STATE)
        self.initial["metre"], self.initial["position"] = vocabulary.common_time, -1
        self.state, self.quarters = self.initial.copy(), np.zeros(1)
        # how many notes sound, by program (drums are the last) and pitch; where tokens end them
        self.sounding = np.zeros((1, DRUM_KEY + 1, 128 * bool(len(self.ending))), np.int16)

    def legal(self) -> Bools:
        state = self.state
        allowed: Bools = self.allowed[state["node"]]
        moving = self.moving[allowed[:, self.moving].any(axis=0)]
        allowed[:, moving] &= self._in_time(moving)
        if len(self.ending):
            allowed[:, self.ending] &= self._sounds()
        if len(self.metric):  # a word of time needs a bar or a position that may come
            allowed[:, self.metric] &= self._in_time(self.moving).any(axis=1, keepdims=True)
        allowed[:, self.end :] &= (state["begun"] & (state["sounds"] == 0))[:, None]
        return allowed

    def _in_time(self, tokens: Tokens) -> Bools:
        """Return whether tokens lead to a later place, and not too far: (batch, tokens)."""
        vocabulary, state = self.vocabulary, self.state[:, None]
        step, bar = vocabulary.step_ticks[state["metre"]], vocabulary.bar_ticks[state["metre"]]
        bars, place, first, farthest = self.effects[tokens].T
        # the first bar begins where the piece does, unless a note has begun before it
        into = (bars - ~state["opened"]) * (bars > 0) * bar
        within = place * step + (0 if self.in_bars else state["since"])
        silence = state["begins"] + into + within - state["silent_from"]
        limit = SILENT_BARS * COMMON_TIME[0] * vocabulary.resolution
        forward = (first > state["position"]) & (farthest * step < bar) & state["opened"]
        near = (silence <= limit) | (state["sounds"] > 0)
        return np.asarray(near & (forward | (farthest < 0)))

    def _sounds(self) -> Bools:
        """Return whether the notes sound that the ending tokens end: (batch, ending)."""
        program, pitch, count = self.needs.T
        programs = np.where(program == CURRENT, self.state["program"][:, None], program)
        met = self.sounding[np.arange(len(self.state))[:, None], programs, pitch] >= count
        return np.logical_and.reduceat(met, self.ending_starts, axis=1)

    def advance(self, tokens: Tokens) -> None:
        starts, lengths = self.chains.starts[tokens], self.chains.lengths[tokens]
        for place in range(int(lengths.max(initial=0))):
            rows = np.flatnonzero(lengths > place)
            self._step(rows, self.chains.tokens[starts[rows] + place])
        ended = tokens == self.end
        self.state[ended], self.sounding[ended] = self.initial, 0
        self.quarters = (self.state["begins"] + self.state["since"]) / self.vocabulary.resolution

    def _step(self, rows: Tokens, tokens: Tokens) -> None:
        """Append one base token to each of some sequences."""
        vocabulary, state = self.vocabulary, self.state[rows]
        kind, value = vocabulary.kinds[tokens], vocabulary.values[tokens]
        is_note, node, width = vocabulary.is_note[tokens], state["node"], vocabulary.width
        context = np.where(self.is_context[kind], kind, node // width)
        state["node"] = context * width + (node + 1) % width
        self._move(state, kind, value)
        state["begun"] |= is_note
        state["opened"] |= is_note | (kind == Kind.Bar)
        state["metre"] = np.where(kind == Kind.TimeSig, value, state["metre"])
        state["program"] = np.where(vocabulary.is_program[tokens], value, state["program"])
        now = state["begins"] + state["since"]
        until = (now + value * vocabulary.step_ticks[state["metre"]]) * (kind == Kind.Duration)
        if self.sounding.size:
            program = np.where(vocabulary.is_drum[tokens], DRUM_KEY, state["program"])
            key = (rows, program, value % 128)
            off = vocabulary.is_off[tokens] & (self.sounding[key] > 0)
            change = is_note.astype(np.int16) - off
            self.sounding[key] += change
            state["sounds"] += change
            until = np.where(off, now, state["silent_from"])
        state["silent_from"] = np.maximum(state["silent_from"], until)
        self.state[rows] = state

    def _move(self, state: NDArray[np.void], kind: Tokens, value: Tokens) -> None:
        """Move the time of some sequences on by one base token each, in place."""
        vocabulary, metre = self.vocabulary, state["metre"]
        bars, steps = vocabulary.bar_ticks[metre], value * vocabulary.step_ticks[metre]
        is_position = kind == Kind.Position
        since = np.where(is_position, steps, state["since"] + steps * (kind == Kind.TimeShift))
        position = np.where(is_position, value, state["position"])
        restarts = kind == (Kind.Bar if self.in_bars else Kind.TimeSig)
        # a bar is as long as the metre before it says
        state["begins"] += restarts * (bars * state["opened"] if self.in_bars else since)
        state["since"], state["position"] = since * ~restarts, np.where(restarts, -1, position)

    def positions(self) -> Ints:
        """Return the step within the bar, and of compound words the part that comes next."""
        within = self.state["since"]
        if not self.in_bars:
            within = within % self.vocabulary.bar_ticks[self.state["metre"]]
        return to_positions(self.vocabulary, within, self.state["node"] % self.vocabulary.width)


def to_positions(vocabulary: Vocabulary, within: Tokens, parts: Tokens) -> Ints:
    """Return positions (time, features) of ticks within the bar and of parts of compound words."""
    step = within * vocabulary.steps_per_quarter // vocabulary.resolution
    step = np.minimum(step, vocabulary.positions - 1)
    return np.column_stack([step, parts] if vocabulary.width > 1 else [step])


def _by_token(vocabulary: Vocabulary, graph: Graph) -> Bools:
    """Return which kinds of single tokens may follow each other: (kinds, kinds)."""
    allowed = np.zeros((len(Kind), len(Kind)), np.bool_)
    for kind, type_ in {*zip(vocabulary.kinds.tolist(), vocabulary.types.tolist(), strict=True)}:
        allowed[kind, vocabulary.kinds[np.isin(vocabulary.types, [*graph.get(type_, ())])]] = True
    if Kind.Program in vocabulary:
        # as MidiTok writes them, each note and note-off has its own program before it
        allowed[:, [*NOTES, *NOTE_OFFS]] = False
        allowed[Kind.Program, [Kind.Pitch, Kind.NoteOff]] = True
        allowed[Kind.Drums, [Kind.PitchDrum, Kind.DrumOff]] = True
    last = next(k for k in (Kind.Duration, Kind.Velocity, Kind.Pitch) if k in vocabulary)
    first = next((k for k in (Kind.Bar, Kind.TimeSig, Kind.Tempo) if k in vocabulary), None)
    allowed[Kind.Start] = allowed[last] if first is None else np.arange(len(Kind)) == first
    allowed[[last, *NOTE_OFFS, Kind.Tempo, Kind.TimeSig], Kind.Start] = True
    return allowed


def _by_word(vocabulary: Vocabulary) -> Bools:
    """Return which kinds may come in each part of compound words: (kinds so far * width, kinds).

    MidiTok's graph knows words as a whole alone. Each has all its parts, in turn.
    """
    allowed = np.zeros((len(Kind), vocabulary.width, len(Kind)), np.bool_)
    for (context, wanted), part in product(WORDS.items(), range(vocabulary.width)):
        offered = {*vocabulary.kinds[vocabulary.features == part].tolist()}
        # a part that a word does not need is ignored
        allowed[context, part, [*wanted & offered] or [Kind.Ignore]] = True
    allowed[1:, 0, Kind.Start] = True
    return allowed.reshape(-1, len(Kind))


def _move_effect(vocabulary: Vocabulary, chain: Ints) -> tuple[int, int, int, int]:
    """Return how a chain moves on in time.

    These are the bars before its first note and, where there are bars, the last position before it
    (-1 without any), else the steps; and the first and the farthest position in the bar in which
    the chain begins (-1 without any).
    """
    bars, place, here = 0, -(Kind.Bar in vocabulary), [-1]
    is_before_note = is_in_bar = True
    kinds, values = vocabulary.kinds[chain].tolist(), vocabulary.values[chain].tolist()
    for kind, value in zip(kinds, values, strict=True):
        is_before_note &= kind not in NOTES
        is_in_bar &= kind not in (Kind.Bar, Kind.TimeSig)
        here += [value] * (kind == Kind.Position and is_in_bar)
        if is_before_note and kind in (Kind.Bar, Kind.Position, Kind.TimeShift):
            bars += kind == Kind.Bar
            place = value + (place if kind == Kind.TimeShift else 0)
    return bars, place, here[:2][-1], max(here)


def _needed_notes(vocabulary: Vocabulary, chain: Ints) -> Counter[tuple[int, int]]:
    """Return which notes (program, pitch) a chain ends that it does not begin, and how many."""
    program = CURRENT
    own, needed = Counter[tuple[int, int]](), Counter[tuple[int, int]]()
    for token in chain:
        value = int(vocabulary.values[token])
        program = value if vocabulary.is_program[token] else program
        key = (DRUM_KEY if vocabulary.is_drum[token] else program, value)
        # a note under the program before the token may be of the program that ends it
        begun = key if own[key] else (CURRENT, value)
        if vocabulary.is_note[token]:
            own[key] += 1
        elif vocabulary.is_off[token] and own[begun]:
            own[begun] -= 1
        elif vocabulary.is_off[token]:
            needed[key] += 1
    return needed
