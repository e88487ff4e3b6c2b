"""Effect of each token, a chain of base tokens, in a piece: tables over the whole vocabulary."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ostinato.representations.miditok.bytepairs import Chain
from ostinato.representations.miditok.vocabulary import (
    DRUM_KEY,
    NOTE_OFFS,
    NOTES,
    Kind,
    Vocabulary,
)

Ints = NDArray[np.int64]
CURRENT = -1  # the program in force before a token, whichever that is


class Chains:
    """The effect of each token of the whole vocabulary, a chain of base tokens, in a piece.

    `base` holds the chains one after the other, that of a token from its `starts` on, of its
    `lengths`. `begins` is how many notes a token begins. `effects` (tokens, 5) are the bars, the
    position (-1 without one) and the steps by which it moves on before its first note, and the
    first and the farthest of its positions in the bar in which it begins (-1 without any).
    `ending` are the tokens with note-offs for notes that began before them; each needs the rows of
    `needs` (program, pitch, how many sound) from its `ending_starts` on.
    """

    def __init__(self, vocabulary: Vocabulary, chains: Sequence[Chain]) -> None:
        self.lengths = np.array([len(chain) for chain in chains])
        self.starts = np.cumsum(self.lengths) - self.lengths
        self.base = np.array([token for chain in chains for token in chain])
        kinds, values = vocabulary.kinds.tolist(), vocabulary.values.tolist()
        rows = [([kinds[t] for t in chain], [values[t] for t in chain]) for chain in chains]
        self.begins = np.add.reduceat(np.isin(vocabulary.kinds[self.base], NOTES), self.starts)
        self.effects = np.array([_move_effect(*row) for row in rows])
        needs = [sorted(_needed_notes(*row).items()) for row in rows]
        self.ending = np.array([token for token, need in enumerate(needs) if need], np.int64)
        counts = np.array([len(needs[token]) for token in self.ending], np.int64)
        self.ending_starts = np.cumsum(counts) - counts
        flat = [(*key, count) for need in needs for key, count in need]
        self.needs = np.array(flat, np.int64).reshape(-1, 3)

    def expand(self, tokens: NDArray[np.integer]) -> tuple[Ints, Ints]:
        """Return the base tokens of tokens (time,), and where the last one of each is."""
        lengths = self.lengths[tokens]
        stops = np.cumsum(lengths)
        places = np.arange(lengths.sum()) - np.repeat(stops - lengths, lengths)
        return self.base[np.repeat(self.starts[tokens], lengths) + places], stops - 1


def _move_effect(kinds: Sequence[int], values: Sequence[int]) -> tuple[int, int, int, int, int]:
    """Return a row of `Chains.effects`."""
    rows = list(zip(kinds, values, strict=True))
    moved = next((i for i, kind in enumerate(kinds) if kind in (Kind.Bar, Kind.TimeSig)), None)
    here = [value for kind, value in rows[:moved] if kind == Kind.Position] or [-1]
    noted = next((i for i, kind in enumerate(kinds) if kind in NOTES), None)
    before = rows[:noted]
    bars = sum(kind == Kind.Bar for kind, _ in before)
    steps = sum(value for kind, value in before if kind == Kind.TimeShift)
    position = [-1, *(v for kind, v in before if kind in (Kind.Bar, Kind.Position))][-1]
    return bars, position, steps, here[0], max(here)


def _needed_notes(kinds: Sequence[int], values: Sequence[int]) -> Counter[tuple[int, int]]:
    """Return which notes (program, pitch) a chain ends that it does not begin, and how many."""
    program = CURRENT
    own: Counter[tuple[int, int]] = Counter()
    needed: Counter[tuple[int, int]] = Counter()
    for kind, value in zip(kinds, values, strict=True):
        if kind in (Kind.Program, Kind.Drums):
            program = value if kind == Kind.Program else 0
        key = (DRUM_KEY if kind in (Kind.PitchDrum, Kind.DrumOff) else program, value)
        if kind in NOTES:
            own[key] += 1
        elif kind in NOTE_OFFS:
            # a note under the program before the token may be of the program that ends it
            begun = next((k for k in (key, (CURRENT, value)) if own[k]), None)
            if begun is None:
                needed[key] += 1
            else:
                own[begun] -= 1
    return needed
