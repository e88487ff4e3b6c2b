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
WORDS: dict[int, set[int]] = {  # MidiTok's graph knows compound words as a whole alone
    Kind.Start: {Kind.Metric},
    Kind.Metric: {Kind.Start, Kind.Metric, Kind.Bar, Kind.Position},
    Kind.Note: {Kind.Start, Kind.Metric, *NOTES},
    Kind.Bar: {Kind.Start, Kind.Metric, Kind.TimeSig},
    Kind.Position: {Kind.Start, Kind.Metric, Kind.Note, Kind.Tempo},
    Kind.Pitch: {Kind.Start, Kind.Metric, Kind.Note, Kind.Velocity, Kind.Duration, Kind.Program},
    Kind.PitchDrum: {Kind.Start, Kind.Metric, Kind.Note, Kind.Velocity, Kind.Duration, Kind.Drums},
}
"""By what a compound word is of so far: what may come in its next parts, or after it."""
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
        following = WORDS if vocabulary.width > 1 else _read_graph(vocabulary, graph)
        self.is_context = np.isin([*Kind], [*following])
        nodes = np.zeros((len(Kind), vocabulary.width, len(vocabulary.kinds)), np.bool_)
        for (context, wanted), part in product(following.items(), range(vocabulary.width)):
            in_part = vocabulary.features == part
            may_come = in_part & np.isin(vocabulary.kinds, [*wanted])
            # a word has all its parts: one that it does not need is ignored
            ignored = in_part & (vocabulary.kinds == Kind.Ignore)
            nodes[context, part] = may_come if may_come.any() else ignored
        # a token may come where its first base token may: (nodes, tokens)
        heads = chains.tokens[chains.starts]
        self.allowed = nodes.reshape(-1, nodes.shape[-1])[:, heads]
        self.metric = np.flatnonzero(vocabulary.kinds[heads] == Kind.Metric)
        self.end = len(heads) - (heads[-1] == vocabulary.size)  # there may be none
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


def _read_graph(vocabulary: Vocabulary, graph: Graph) -> dict[int, set[int]]:
    """Return what may come after each kind of single tokens, by MidiTok's graph of their types."""
    following: dict[int, set[int]] = {}
    for kind, type_ in {*zip(vocabulary.kinds.tolist(), vocabulary.types.tolist(), strict=True)}:
        later = np.isin(vocabulary.types, [*graph.get(type_, ())])
        following[kind] = {*vocabulary.kinds[later].tolist()}
    if Kind.Program in vocabulary:
        # as MidiTok writes them, each note and note-off has its own program before it
        following = {kind: later - {*NOTES, *NOTE_OFFS} for kind, later in following.items()}
        following[Kind.Program] |= {Kind.Pitch, Kind.NoteOff}
        following[Kind.Drums] |= {Kind.PitchDrum, Kind.DrumOff}
    last = next(k for k in (Kind.Duration, Kind.Velocity, Kind.Pitch) if k in vocabulary)
    first = [k for k in (Kind.Bar, Kind.TimeSig, Kind.Tempo) if k in vocabulary][:1]
    following[Kind.Start] = {*first} or {*following[last]}
    for kind in following.keys() & {last, *NOTE_OFFS, Kind.Tempo, Kind.TimeSig}:
        following[kind].add(Kind.Start)
    return following


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
