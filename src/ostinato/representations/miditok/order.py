"""Which kinds of base tokens may follow each other: MidiTok's graph as tables over states."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ostinato.representations.miditok.vocabulary import DRUM_PROGRAM, KINDS, Kind, Vocabulary

SOUNDS = {Kind.PITCH, Kind.DRUM, Kind.PITCH_OFF, Kind.DRUM_OFF}
OF_DRUMS = {Kind.DRUM, Kind.DRUM_OFF}


@dataclass(frozen=True)
class Order:
    """States, the first being the beginning of a piece, and how tokens lead from one to another.

    `allowed` and `following` are (states, kinds): which kinds may come, and the state after each,
    allowed or not. `turns` (states,) is the part of a compound word that comes next. A piece may
    end in a state where `complete` (states,) is true.
    """

    allowed: NDArray[np.bool_]
    following: NDArray[np.int64]
    turns: NDArray[np.int64]
    complete: NDArray[np.bool_]


def order_of(vocabulary: Vocabulary, graph: Mapping[str, set[str]]) -> Order:
    """The order of a vocabulary, by MidiTok's `tokens_types_graph`."""
    return _in_words(vocabulary) if vocabulary.width > 1 else _by_last_kind(vocabulary, graph)


def _by_last_kind(vocabulary: Vocabulary, graph: Mapping[str, set[str]]) -> Order:
    """The state is the kind of the last token.

    Narrower than the graph where MidiTok itself never writes what the graph allows: where there
    are programs each note and note-off has its own, drums after the drums' alone.
    """
    allowed = np.zeros((len(Kind), len(Kind)), np.bool_)
    for earlier, later in _pairs(vocabulary, graph):
        allowed[earlier, later] = True
    if vocabulary.has(Kind.PROGRAM):
        programs = (Kind.PROGRAM, Kind.DRUMS)
        for kind, sound in product(Kind, SOUNDS):
            own = kind == programs[sound in OF_DRUMS]
            allowed[kind, sound] &= own
    last = next(k for k in (Kind.DURATION, Kind.VELOCITY, Kind.PITCH) if vocabulary.has(k))
    if vocabulary.has(Kind.BAR):
        allowed[Kind.START, Kind.BAR] = True
    else:
        named = [kind for kind in (Kind.METRE, Kind.TEMPO) if vocabulary.has(kind)]
        allowed[Kind.START] = allowed[last]
        if named:
            allowed[Kind.START] = np.arange(len(Kind)) == named[0]
    complete = np.zeros(len(Kind), np.bool_)
    complete[[last, Kind.PITCH_OFF, Kind.DRUM_OFF, Kind.TEMPO, Kind.METRE]] = True
    following = np.tile(np.arange(len(Kind)), (len(Kind), 1))
    return Order(allowed, following, np.zeros(len(Kind), np.int64), complete)


def _pairs(vocabulary: Vocabulary, graph: Mapping[str, set[str]]) -> Iterator[tuple[Kind, Kind]]:
    def kinds(type_: str) -> list[Kind]:
        if type_ not in KINDS:
            return []
        found = [KINDS[type_]] + [Kind.DRUMS] * (type_ == DRUM_PROGRAM.partition("_")[0])
        return [kind for kind in found if vocabulary.has(kind)]

    for earlier, types in graph.items():
        for later in types:
            yield from product(kinds(earlier), kinds(later))


CONTEXTS = (
    Kind.START,
    Kind.FAMILY_METRIC,
    Kind.FAMILY_NOTE,
    Kind.BAR,
    Kind.POSITION,
    Kind.PITCH,
    Kind.DRUM,
)
PARTS = {
    Kind.BAR: {Kind.METRE},
    Kind.POSITION: {Kind.TEMPO},
    Kind.PITCH: {Kind.VELOCITY, Kind.DURATION, Kind.PROGRAM},
    Kind.DRUM: {Kind.VELOCITY, Kind.DURATION, Kind.DRUMS},
}


def _in_words(vocabulary: Vocabulary) -> Order:
    """The state is what the compound word is of, and which of its parts comes next.

    Every word has all its parts, in turn; those that it does not need are ignored. A position
    follows a bar, a note follows a position or a note.
    """
    width = vocabulary.width
    offered = [set(vocabulary.kinds[vocabulary.features == turn].tolist()) for turn in range(width)]
    states = list(product(range(len(CONTEXTS)), range(width)))
    allowed = np.zeros((len(states), len(Kind)), np.bool_)
    following = np.zeros((len(states), len(Kind)), np.int64)
    for state, (place, turn) in enumerate(states):
        for kind in Kind:
            allowed[state, kind] = _may_come(CONTEXTS[place], turn, kind, offered[turn])
            context = CONTEXTS.index(kind) if kind in CONTEXTS else place
            following[state, kind] = context * width + (turn + 1) % width
    turns = np.array([turn for _, turn in states])
    contexts = np.array([place for place, _ in states])
    return Order(allowed, following, turns, (turns == 0) & (contexts > 0))


def _may_come(context: Kind, turn: int, kind: Kind, offered: set[int]) -> bool:
    if kind not in offered:
        return False
    if turn == 0:
        after_position = context in (Kind.POSITION, Kind.PITCH, Kind.DRUM)
        return kind == Kind.FAMILY_METRIC or (kind == Kind.FAMILY_NOTE and after_position)
    if context == Kind.FAMILY_METRIC and Kind.BAR in offered:
        return kind in (Kind.BAR, Kind.POSITION)
    if context == Kind.FAMILY_NOTE and Kind.PITCH in offered:
        return kind in (Kind.PITCH, Kind.DRUM)
    needed = PARTS.get(context, set()) & offered
    return kind in needed if needed else kind == Kind.IGNORE
