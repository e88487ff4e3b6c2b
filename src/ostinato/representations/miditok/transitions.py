"""Transitions between kinds of base tokens: MidiTok's graph of token types as tables."""

from collections.abc import Mapping
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ostinato.representations.miditok.vocabulary import NOTE_OFFS, NOTES, Kind, Vocabulary


class Transitions(NamedTuple):
    """Transitions between kinds of base tokens; node 0 is the beginning of a piece.

    `allowed` and `following` are (nodes, kinds): which kinds may come, and the node after each,
    allowed or not. `parts` (nodes,) is the part of a compound word that comes next. A piece may
    end at a node where `complete` (nodes,) is true.
    """

    allowed: NDArray[np.bool_]
    following: NDArray[np.int64]
    parts: NDArray[np.int64]
    complete: NDArray[np.bool_]

    @classmethod
    def of(cls, vocabulary: Vocabulary, graph: Mapping[str, set[str]]) -> "Transitions":
        """Build them from MidiTok's `tokens_types_graph`, which knows words as a whole alone."""
        return _in_words(vocabulary) if vocabulary.width > 1 else _by_kind(vocabulary, graph)


def _by_kind(vocabulary: Vocabulary, graph: Mapping[str, set[str]]) -> Transitions:
    """Build the transitions of single tokens: a node is the kind of the last one."""
    allowed = np.zeros((len(Kind), len(Kind)), np.bool_)
    for earlier, types in graph.items():
        is_later = np.isin(vocabulary.types, list(types))
        pair = (vocabulary.kinds[vocabulary.types == earlier], vocabulary.kinds[is_later])
        allowed[np.ix_(*map(np.unique, pair))] = True
    if vocabulary.has(Kind.Program):
        # as MidiTok writes them, each note and note-off has its own program before it
        for sound in (*NOTES, *NOTE_OFFS):
            drum = sound in (Kind.PitchDrum, Kind.DrumOff)
            allowed[np.arange(len(Kind)) != (Kind.Drums if drum else Kind.Program), sound] = False
    last = next(k for k in (Kind.Duration, Kind.Velocity, Kind.Pitch) if vocabulary.has(k))
    first = [k for k in (Kind.Bar, Kind.TimeSig, Kind.Tempo) if vocabulary.has(k)][:1]
    allowed[Kind.Start] = np.isin(np.arange(len(Kind)), first) if first else allowed[last]
    complete = np.isin(np.arange(len(Kind)), [last, *NOTE_OFFS, Kind.Tempo, Kind.TimeSig])
    following = np.tile(np.arange(len(Kind)), (len(Kind), 1))
    return Transitions(allowed, following, np.zeros(len(Kind), np.int64), complete)


WORD_PARTS = {  # by what a compound word is of so far: what may come in its next parts
    Kind.Start: set(),
    Kind.Metric: {Kind.Bar, Kind.Position},
    Kind.Note: {*NOTES},
    Kind.Bar: {Kind.TimeSig},
    Kind.Position: {Kind.Tempo},
    Kind.Pitch: {Kind.Velocity, Kind.Duration, Kind.Program},
    Kind.PitchDrum: {Kind.Velocity, Kind.Duration, Kind.Drums},
}


def _in_words(vocabulary: Vocabulary) -> Transitions:
    """Build the transitions of compound words: a node is a word's context and its next part.

    Every word has all its parts, in turn; those that it does not need are ignored. A position
    follows a bar, a note follows a position or a note.
    """
    width, contexts = vocabulary.width, [*WORD_PARTS]
    nodes = list(product(contexts, range(width)))
    allowed = np.zeros((len(nodes), len(Kind)), np.bool_)
    following = np.zeros((len(nodes), len(Kind)), np.int64)
    for node, (context, part) in enumerate(nodes):
        wanted = WORD_PARTS[context]
        if part == 0:
            wanted = (
                {Kind.Metric, Kind.Note} if context in (Kind.Position, *NOTES) else {Kind.Metric}
            )
        offered = set(vocabulary.kinds[vocabulary.features == part].tolist())
        allowed[node, list(wanted & offered) or [Kind.Ignore]] = True
        for kind in Kind:
            place = contexts.index(kind if kind in contexts else context)
            following[node, kind] = place * width + (part + 1) % width
    parts = np.tile(np.arange(width), len(contexts))
    complete = (parts == 0) & (np.arange(len(nodes)) > 0)
    return Transitions(allowed, following, parts, complete)
