"""What each token, a chain of base tokens, does in a piece: tables over the whole vocabulary."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ostinato.representations.miditok.order import Order
from ostinato.representations.miditok.vocabulary import DRUM_KEY, Kind, Vocabulary

Ints = NDArray[np.int64]
UNTIL_MOVED = (Kind.BAR, Kind.METRE)
CURRENT = -1  # the program in force before the token, whichever that is


class Effect(NamedTuple):
    """What a chain of base tokens does first.

    `bars`, `position` (-1 without one) and `steps`: how it moves on before its first note.
    `first` and `farthest`: its positions in the bar in which it begins, -1 where it has none.
    `ends`: the notes (program, pitch) that must sound for its note-offs, and how many of each.
    `begins`: how many notes it begins.
    """

    bars: int
    position: int
    steps: int
    first: int
    farthest: int
    ends: Counter[tuple[int, int]]
    begins: int


def effect(kinds: Sequence[int], values: Sequence[int]) -> Effect:
    """What a chain, given as kinds and values, does."""
    bars, position, steps, begins, program = 0, -1, 0, 0, CURRENT
    here: list[int] = []
    moved = False
    own: Counter[tuple[int, int]] = Counter()
    ends: Counter[tuple[int, int]] = Counter()
    for kind, value in zip(kinds, values, strict=True):
        moved |= kind in UNTIL_MOVED
        if kind == Kind.POSITION and not moved:
            here.append(value)
        if not begins:
            bars += kind == Kind.BAR
            steps += value if kind == Kind.SHIFT else 0
            position = {Kind.BAR: 0, Kind.POSITION: value}.get(Kind(kind), position)
        if kind in (Kind.PROGRAM, Kind.DRUMS):
            program = value if kind == Kind.PROGRAM else 0
        key = (DRUM_KEY if kind in (Kind.DRUM, Kind.DRUM_OFF) else program, value)
        if kind in (Kind.PITCH, Kind.DRUM):
            begins += 1
            own[key] += 1
        elif kind in (Kind.PITCH_OFF, Kind.DRUM_OFF):
            # a note under the program before the token may be of the program that ends it
            begun = next((k for k in (key, (CURRENT, value)) if own[k]), None)
            if begun is not None:
                own[begun] -= 1
            else:
                ends[key] += 1
    first, farthest = (here[0], max(here)) if here else (-1, -1)
    return Effect(bars, position, steps, first, farthest, ends, begins)


@dataclass(frozen=True)
class Tables:
    """Every token without the end token, (tokens,) each.

    Token t stands for `base[starts[t]:starts[t] + lengths[t]]`. `legal` (states, tokens) is by the
    order of the base tokens alone. `moving` are the tokens that move on. `ending` are those that
    need notes to sound, each from its `ending_starts` in `ending_needs`, which are rows of `needs`:
    (program, pitch, count).
    """

    base: Ints
    starts: Ints
    lengths: Ints
    legal: NDArray[np.bool_]
    bars: Ints
    position: Ints
    steps: Ints
    first: Ints
    farthest: Ints
    begins: Ints
    moving: Ints
    ending: Ints
    ending_starts: Ints
    ending_needs: Ints
    needs: Ints

    @classmethod
    def of(
        cls, vocabulary: Vocabulary, order: Order, chains: Sequence[tuple[int, ...]]
    ) -> "Tables":
        """The tables of tokens that stand for these chains of base tokens."""
        lengths = np.array([len(chain) for chain in chains])
        base = np.array([token for chain in chains for token in chain])
        starts = np.cumsum(lengths) - lengths
        kinds, values = vocabulary.kinds.tolist(), vocabulary.values.tolist()
        effects = [effect([kinds[t] for t in c], [values[t] for t in c]) for c in chains]
        heads = base[starts]
        rotate_to_turn = vocabulary.features[heads] == order.turns[:, None]
        ending = [token for token, e in enumerate(effects) if e.ends]
        rows = [[(*key, n) for key, n in effects[token].ends.items()] for token in ending]
        needs = sorted({need for row in rows for need in row})
        places = {need: place for place, need in enumerate(needs)}
        counts = np.array([len(row) for row in rows], np.int64)
        columns = ("bars", "position", "steps", "first", "farthest", "begins")
        return cls(
            base=base,
            starts=starts,
            lengths=lengths,
            legal=order.allowed[:, vocabulary.kinds[heads]] & rotate_to_turn,
            moving=np.flatnonzero([e.bars or e.position >= 0 or e.steps for e in effects]),
            ending=np.array(ending, np.int64),
            ending_starts=np.cumsum(counts) - counts,
            ending_needs=np.array([places[need] for row in rows for need in row], np.int64),
            needs=np.array(needs, np.int64).reshape(-1, 3),
            **{name: np.array([getattr(e, name) for e in effects]) for name in columns},
        )

    def expanded(self, tokens: NDArray[np.integer]) -> tuple[Ints, Ints]:
        """The base tokens that tokens (time,) stand for, and where each one's last is."""
        lengths = self.lengths[tokens]
        stops = np.cumsum(lengths)
        places = np.arange(lengths.sum()) - np.repeat(stops - lengths, lengths)
        return self.base[np.repeat(self.starts[tokens], lengths) + places], stops - 1
