"""Threshold from which on a piece counts as a copy: what few held-out pieces reach."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from ostinato.evaluation.originality.measure import Originality

ALLOWED = 0.05  # of held-out pieces that may be flagged
FEWEST = 19  # held-out pieces: of fewer no one in twenty can be told


@dataclass(frozen=True)
class Threshold:
    """The evidence, in bits, above which a piece is flagged; pieces: how many it rests on."""

    bits: float
    pieces: int

    @property
    def is_sure(self) -> bool:
        """Return whether there were enough pieces to calibrate on."""
        return self.pieces >= FEWEST

    def flags(self, found: Originality) -> bool:
        """Return whether a piece counts as a copy."""
        return found.evidence > self.bits


def calibrate(held_out: Sequence[Originality], allowed: float = ALLOWED) -> Threshold:
    """Return the threshold that at most `allowed` of pieces like the held-out ones exceed.

    The conformal quantile: of n pieces the ⌈(n + 1)(1 - allowed)⌉-th smallest, so that a further
    piece of the same kind exceeds it with a probability of at most `allowed` (Vovk, Gammerman and
    Shafer, Algorithmic Learning in a Random World, 2005). Of fewer than 19 it is the largest, which
    promises less. Raises `ValueError` for no piece.
    """
    if not held_out:
        raise ValueError("there is no held-out piece to calibrate on")
    evidence = np.sort([found.evidence for found in held_out])
    rank = min(len(evidence), ceil((len(evidence) + 1) * (1 - allowed)))
    return Threshold(float(evidence[rank - 1]), len(evidence))
