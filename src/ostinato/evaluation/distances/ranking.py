"""Whether a distance ranks controls below real music."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ostinato.evaluation.bootstrap import SEED
from ostinato.evaluation.distances.comparison import draw_rows, measure_real
from ostinato.evaluation.distances.measures import Distance
from ostinato.evaluation.distances.vectors import PieceVectors, standardise

REAL = "held_out"  # the name of the control that is real music


@dataclass(frozen=True)
class Ranking:
    """What a distance says of controls, by how many pieces it is given.

    real: by number of pieces, the mean of draws of real music and the ends of what 95 % of them lie
    between. values: by number of pieces and control, the mean of draws of that control.
    """

    distance: Distance
    real: Mapping[int, tuple[float, float, float]]
    values: Mapping[int, Mapping[str, float]]

    def tells(self, control: str) -> bool:
        """Return whether a control is farther than real music, for every number of pieces.

        Farther than 97.5 % of the draws of real music, and than the control that is real music.
        """
        return all(
            self._is_farther(values[control], end)
            for pieces, values in self.values.items()
            for end in (*self.real[pieces][1:], values[REAL])
        )

    def _is_farther(self, value: float, other: float) -> bool:
        return value < other if self.distance.higher else value > other


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
    return Ranking(distance, {size: measure_real(distance, beside, size) for size in sizes}, values)
