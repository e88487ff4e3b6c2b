"""Ranking of controls by a distance: below real music, or not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ostinato.evaluation.bootstrap import SEED
from ostinato.evaluation.distances.comparison import draw_rows, measure_real
from ostinato.evaluation.distances.measures import Distance
from ostinato.evaluation.distances.vectors import ComparedSets, PieceVectors, standardise

REAL = "held_out"  # the name of the control that is real music
REPEATED = 200  # pieces, each of which is repeated by itself
MISSED = 0.05  # share of them that may be missed


@dataclass(frozen=True)
class Ranking:
    """The figures of a distance for controls, by how many pieces it is given.

    real: by number of pieces, the mean of draws of real music and the ends of what 95 % of them lie
    between. values: by number of pieces and control, the mean of draws of that control. missed: by
    number of pieces, the share of real pieces of which copies alone are as near as real music.
    """

    distance: Distance
    real: Mapping[int, tuple[float, float, float]]
    values: Mapping[int, Mapping[str, float]]
    missed: Mapping[int, float]

    def tells(self, control: str) -> bool:
        """Return whether a control is farther than real music, for every number of pieces.

        Farther than 97.5 % of the draws of real music, and than the control that is real music. Of
        one piece repeated that must be so for 95 % of the pieces.
        """
        if control == "one_repeated" and max(self.missed.values()) > MISSED:
            return False
        return all(
            is_farther(self.distance, values[control], end)
            for pieces, values in self.values.items()
            for end in (*self.real[pieces][1:], values[REAL])
        )


def is_farther(distance: Distance, value: float, other: float) -> bool:
    """Return whether a value is farther from real music than another."""
    return value < other if distance.higher else value > other


def rank_controls(
    distance: Distance,
    controls: Mapping[str, PieceVectors],
    real: PieceVectors,
    others: PieceVectors,
    sizes: Sequence[int],
) -> Ranking:
    """Return what a distance from `real` says of controls, one of which is called `REAL`.

    others: further real pieces, of which as many are drawn; sizes: numbers of pieces, none larger
    than a set.
    """
    beside = standardise(others, real)
    values: dict[int, dict[str, float]] = {size: {} for size in sizes}
    for name, vectors in controls.items():
        sets = standardise(vectors, real)
        for size in sizes:
            random = np.random.default_rng(SEED)
            draws = draw_rows(sets.count, size)
            values[size][name] = float(
                np.mean([distance.compute(sets, rows, random) for rows in draws])
            )
    ranges = {size: measure_real(distance, beside, size) for size in sizes}
    missed = {size: _count_missed(distance, beside, size, ranges[size]) for size in sizes}
    return Ranking(distance, ranges, values, missed)


def _count_missed(
    distance: Distance, sets: ComparedSets, size: int, real: tuple[float, float, float]
) -> float:
    """Return the share of pieces that, repeated `size` times, are as near as real music."""
    random, end = np.random.default_rng(SEED), real[1] if distance.higher else real[2]
    rows = random.permutation(sets.count)[:REPEATED]
    missed = 0
    for row in rows:
        copies = replace(
            sets,
            ours=np.repeat(sets.ours[[row]], size, axis=0),
            our_intervals=np.repeat(sets.our_intervals[[row]], size, axis=0),
        )
        value = distance.compute(copies, np.arange(size), random)
        missed += not is_farther(distance, value, end)
    return missed / len(rows)
