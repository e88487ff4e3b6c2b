"""Paired tests of rows on the test pieces that they share."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ostinato.comparison.rows import Row
from ostinato.comparison.runs import PieceScores
from ostinato.comparison.statistics import (
    Scored,
    Variance,
    holm,
    of_seeds,
    paired_p_value,
    pool,
)


@dataclass(frozen=True)
class Pair:
    """Two rows, by their index, tested against each other on `pieces` common test pieces.

    gap: nats per note of the first less those of the second; p: corrected by Holm's method.
    seeds_known: whether it is known how much seeds differ; otherwise the test is of these trained
    models, and not of their configs.
    """

    first: int
    second: int
    gap: float
    p: float
    pieces: int
    seeds_known: bool = True


def common_pieces(one: PieceScores, other: PieceScores) -> tuple[NDArray[np.int64], ...]:
    """Return the places of the pieces that two tables share, in each of them."""
    places = {name: index for index, name in enumerate(other.names)}
    shared = [(i, places[name]) for i, name in enumerate(one.names) if name in places]
    both = np.array(shared, np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def scored(row: Row, unit: str) -> Scored | None:
    """Return the nats of a row's test pieces and their length in notes, quarters or seconds.

    None where its runs have no likelihoods, or not all of the same pieces.
    """
    return stack_scores([run.scores for run in row.runs], unit)


def stack_scores(scores: Sequence[PieceScores | None], unit: str) -> Scored | None:
    """Return the scores of several runs, one a seed, as those of a row; None as `scored` does."""
    present = [found for found in scores if found is not None]
    if not present or len(present) < len(scores):
        return None
    if any(found.names != present[0].names for found in present):
        return None
    units = getattr(present[0], unit)
    if units is None:
        return None
    return Scored(np.stack([found.nats for found in present]), units)


def test_rows(rows: Sequence[Row]) -> list[Pair]:
    """Return every pair of rows of one corpus that share test pieces, corrected together."""
    spread = _spread_of_seeds(rows)
    tested = [
        pair
        for first, second in combinations(range(len(rows)), 2)
        if (pair := _test_pair(rows, first, second, spread)) is not None
    ]
    corrected = holm([pair.p for pair in tested])
    return [replace(pair, p=p) for pair, p in zip(tested, corrected, strict=True)]


def _spread_of_seeds(rows: Sequence[Row]) -> list[Variance]:
    """Return how much single seeds vary in the rows that have several."""
    found = [scored(row, "notes") for row in rows]
    several = [row for row in found if row is not None and len(row.nats) > 1]
    return [Variance(float(row.by_seed.var(ddof=1)), len(row.nats) - 1) for row in several]


def _test_pair(
    rows: Sequence[Row], first: int, second: int, spread: Sequence[Variance]
) -> Pair | None:
    """Return the test of two rows, not corrected yet; None where they cannot be compared."""
    ours, theirs = scored(rows[first], "notes"), scored(rows[second], "notes")
    one, other = rows[first].first, rows[second].first
    if ours is None or theirs is None or one.corpus != other.corpus:
        return None
    assert one.scores is not None
    assert other.scores is not None
    here, there = common_pieces(one.scores, other.scores)
    ours, theirs = ours.only(here), theirs.only(there)
    shares = [
        of_seeds(row.by_seed) if len(row.nats) > 1 else pool(spread, 1) for row in (ours, theirs)
    ]
    known = [share for share in shares if share is not None]
    p = paired_p_value(ours, theirs, known)
    if p is None:
        return None
    gap = ours.per_unit - theirs.per_unit
    return Pair(first, second, gap, p, len(here), seeds_known=len(known) == len(shares))
