"""Threshold from which on a piece counts as a copy: what few held-out pieces reach."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from ostinato.evaluation.originality.measure import Originality
from ostinato.evaluation.originality.passages import KINDS, Passage

ALLOWED = 0.05  # of held-out pieces that may be flagged
FEWEST = 19  # held-out pieces: of fewer no one in twenty can be told


@dataclass(frozen=True)
class Threshold:
    """Evidence that held-out music does not reach.

    typical: by kind of passage the evidence that one held-out piece in twenty reaches; ratio: how
    many times that a piece must reach in some kind to be flagged, chosen so that the kinds together
    flag at most `ALLOWED` of held-out pieces; pieces: how many it was calibrated on.
    """

    typical: Mapping[str, float]
    ratio: float
    pieces: int

    @property
    def is_sure(self) -> bool:
        """Return whether there were enough pieces to calibrate on."""
        return self.pieces >= FEWEST

    def score(self, found: Originality) -> float:
        """Return the evidence of a piece as a multiple of the threshold: above 1 it is flagged."""
        return self._ratio(found) / self.ratio

    def flags(self, found: Originality) -> bool:
        """Return whether a piece counts as a copy."""
        return self.score(found) > 1

    def decisive(self, found: Originality) -> Passage | None:
        """Return the passage that speaks most for a copy, None where there is none."""
        passages = found.strongest.values()
        return max(passages, key=lambda p: p.evidence / self.typical[p.kind], default=None)

    def _ratio(self, found: Originality) -> float:
        return max((p.evidence / self.typical[k] for k, p in found.strongest.items()), default=0.0)


def calibrate(held_out: Sequence[Originality], allowed: float = ALLOWED) -> Threshold:
    """Return the threshold that at most `allowed` of pieces like the held-out ones exceed.

    The conformal quantile: of n pieces the ⌈(n + 1)(1 - allowed)⌉-th smallest, so that a further
    piece of the same kind exceeds it with a probability of at most `allowed` (Vovk, Gammerman and
    Shafer, Algorithmic Learning in a Random World, 2005). Of fewer than 19 it is the largest, which
    promises less.
    """
    typical = {}
    for kind in KINDS:
        evidence = [f.strongest[kind].evidence if kind in f.strongest else 0.0 for f in held_out]
        typical[kind] = max(1.0, _conformal(evidence, allowed))
    raw = Threshold(typical, 1.0, len(held_out))
    ratio = max(_conformal([raw.score(found) for found in held_out], allowed), 1e-9)
    return Threshold(typical, ratio, len(held_out))


def _conformal(values: Sequence[float], allowed: float) -> float:
    if not values:
        return float("inf")
    rank = min(len(values), ceil((len(values) + 1) * (1 - allowed)))
    return float(np.sort(values)[rank - 1])
