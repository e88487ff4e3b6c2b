"""Measurements of samples and of real pieces, each made once."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ostinato import console
from ostinato.evaluation.distances.comparison import SetDistances, compare_vectors
from ostinato.evaluation.distances.intervals import FEATURES, count_intervals
from ostinato.evaluation.distances.vectors import PieceVectors
from ostinato.evaluation.measures import measure
from ostinato.evaluation.registry import metrics
from ostinato.evaluation.sets import Comparison, compare
from ostinato.evaluation.small_multiples import HELD_OUT, SAMPLES, TRAINING, SetValues
from ostinato.music.piece import Piece

if TYPE_CHECKING:
    from ostinato.corpora.store import Selection

CONTROL_PIECES = 100  # training pieces that the control is drawn from, at most
TEST_PIECES = 500  # that distances are computed from, at most


@dataclass(frozen=True)
class SetAssessment:
    """Measurements of samples beside real pieces.

    measures: by piece metric; distances: between the sets, None where one has too few pieces.
    values: by piece metric and set, the values of the pieces for which it is defined.
    """

    measures: Mapping[str, Comparison] = field(default_factory=dict)
    distances: SetDistances | None = None
    values: SetValues = field(default_factory=dict)

    def figures(self) -> dict[str, float]:
        """Return the figures for the MLflow run."""
        figures = {f"generated/{name}": c.generated.mean for name, c in self.measures.items()}
        figures |= {f"overlap/{name}": c.overlap for name, c in self.measures.items()}
        return figures | (self.distances.figures() if self.distances else {})

    def metrics(self) -> dict[str, object]:
        """Return the figures for metrics.json."""
        overlaps = self.distances.overlaps if self.distances else {}
        compared = {
            name: {
                "generated": round(c.generated.mean, 4),
                "test": round(c.test.mean, 4),
                "overlap": round(c.overlap, 4),
                **({"control": round(overlaps[name], 4)} if name in overlaps else {}),
            }
            for name, c in self.measures.items()
        }
        return {"measures": compared, **(self.distances.metrics() if self.distances else {})}


def assess_sets(
    generated: Sequence[Piece],
    originals: "Selection | Sequence[Piece]",
    training: "Selection | Sequence[Piece]" = (),
) -> SetAssessment:
    """Measure samples and real pieces and compare them; nothing where one of the sets is empty.

    training: other real pieces, which are the control. Without them there is none.
    """
    if not len(originals) or not generated:
        return SetAssessment()
    sets = (generated, originals, training)
    total = sum(map(len, sets))
    measured = measure_pieces(console.track(itertools.chain(*sets), "measuring", total, "pieces"))
    ends = np.cumsum([0, *map(len, sets)])
    ours, real, others = (
        take_rows(measured, range(first, last)) for first, last in itertools.pairwise(ends)
    )
    return SetAssessment(
        compare(ours.measured, real.measured),
        compare_vectors(ours, take(real, TEST_PIECES), others if len(others) else None),
        collect_values({SAMPLES: ours, HELD_OUT: real, TRAINING: others}),
    )


def collect_values(sets: Mapping[str, PieceVectors]) -> SetValues:
    """Return the values of sets by metric; a set without values of a metric is left out of it."""
    found: dict[str, dict[str, list[float]]] = {}
    for name, vectors in sets.items():
        for measured in vectors.measured:
            for metric, value in measured.items():
                found.setdefault(metric, {}).setdefault(name, []).append(value)
    order = [metric.name for metric in metrics("piece")]
    return {metric: found[metric] for metric in order if metric in found}


def measure_pieces(pieces: Iterable[Piece]) -> PieceVectors:
    """Return what pieces are compared by."""
    found = [(measure(piece), count_intervals(piece)) for piece in pieces]
    intervals = np.array([features for _, features in found], float).reshape(-1, FEATURES)
    return PieceVectors([measured for measured, _ in found], intervals)


def take(vectors: PieceVectors, most: int) -> PieceVectors:
    """Return at most so many pieces, evenly spread."""
    count = len(vectors)
    kept = min(count, most)
    return take_rows(vectors, [number * count // kept for number in range(kept)])


def take_rows(vectors: PieceVectors, rows: Sequence[int]) -> PieceVectors:
    """Return the pieces of some rows."""
    return PieceVectors([vectors.measured[row] for row in rows], vectors.intervals[list(rows)])
