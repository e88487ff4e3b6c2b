"""The figures of a comparison: a row a config, intervals over seeds and pieces, paired tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ostinato.comparison.rows import Row, Rows
from ostinato.comparison.runs import PieceScores, RecordedRun
from ostinato.comparison.statistics import (
    LEVEL,
    Figure,
    Scored,
    holm,
    interval_of_scores,
    interval_of_values,
    paired_p_value,
)

LN2 = float(np.log(2))
AREA = "test_overlapping_area"


@dataclass(frozen=True)
class Column:
    """A column: its key, heading, and whether more is better (None: neither)."""

    key: str
    heading: str
    higher: bool | None = None
    digits: int = 3


LIKELIHOODS = (
    Column("nats_per_note", "nats per note", higher=False),
    Column("nats_per_quarter", "nats per quarter note", higher=False),
    Column("bits_per_second", "bits per second", higher=False),
)
COSTS = (
    Column("minutes", "minutes", digits=1),
    Column("parameters", "parameters", digits=0),
    Column("memory_megabytes", "memory, MB", digits=0),
)


@dataclass(frozen=True)
class Pair:
    """Two rows, by their index, tested against each other on `pieces` common test pieces.

    gap: nats per note of the first less those of the second; p: corrected by Holm's method.
    """

    first: int
    second: int
    gap: float
    p: float
    pieces: int


@dataclass(frozen=True)
class Table:
    """Figures by row and column. best: the row that is better than each other one, if any.

    tied: rows that cannot be told from the one with the best mean. metrics: columns of figures
    about samples, with `controls` of real music where the runs have them.
    """

    rows: list[Row]
    columns: list[Column]
    figures: list[dict[str, Figure]]
    metrics: list[Column]
    controls: Mapping[str, float]
    pairs: list[Pair]
    best: int | None
    tied: frozenset[int]
    notes: list[str] = field(default_factory=list)

    @property
    def judged(self) -> Column | None:
        """Return the column by which rows are ranked: the first of a likelihood or an area."""
        return next((column for column in self.columns if column.higher is not None), None)


def compare_rows(grouped: Rows) -> Table:
    """Return the figures of rows, the best mean first."""
    rows = grouped.rows
    figures = [_figures(row) for row in rows]
    columns = [
        column
        for column in (*LIKELIHOODS, *_areas(figures), *COSTS)
        if any(column.key in row for row in figures)
    ]
    judged = next((column for column in columns if column.higher is not None), None)
    order = sorted(range(len(rows)), key=lambda index: _rank(figures[index], judged))
    rows, figures = [rows[i] for i in order], [figures[i] for i in order]
    pairs = _test(rows)
    best, tied = _mark(rows, figures, judged, pairs)
    return Table(
        rows,
        columns,
        figures,
        _metrics(rows),
        _controls(rows),
        pairs,
        best,
        tied,
        [*grouped.notes, *_explain(rows, pairs, judged, best)],
    )


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
    scores = [run.scores for run in row.runs]
    present = [found for found in scores if found is not None]
    if not present or len(present) < len(scores):
        return None
    if any(found.names != present[0].names for found in present):
        return None
    units = getattr(present[0], unit)
    if units is None:
        return None
    return Scored(np.stack([found.nats for found in present]), units)


def _figures(row: Row) -> dict[str, Figure]:
    figures: dict[str, Figure] = {}
    for key, unit, scale in (
        ("nats_per_note", "notes", 1.0),
        ("nats_per_quarter", "quarters", 1.0),
        ("bits_per_second", "seconds", 1 / LN2),
    ):
        if (found := scored(row, unit)) is not None:
            figures[key] = interval_of_scores(Scored(found.nats * scale, found.units))
        elif (values := _values(row, f"test_{key}")) is not None:
            figures[key] = interval_of_values(values)
    for key in sorted({name for run in row.runs for name in run.metrics}):
        wanted = _is_metric(key) or key in (AREA, "minutes", "memory_megabytes")
        if wanted and (values := _values(row, key)) is not None:
            figures[key] = interval_of_values(values)
    size = row.first.parameters.get("parameters", "")
    if size.isdigit():
        figures["parameters"] = Figure(float(size), seeds=len(row.runs))
    return figures


def _values(row: Row, key: str) -> list[float] | None:
    """Return the metric of every run; None where one has none, or no number."""
    values = [run.metrics.get(key) for run in row.runs]
    found = [value for value in values if value is not None and np.isfinite(value)]
    return found if len(found) == len(values) else None


def _areas(figures: Sequence[Mapping[str, Figure]]) -> list[Column]:
    """Return the column of what whole segments are judged by, where a row has no likelihood."""
    if any(AREA in row for row in figures):
        return [Column(AREA, "overlapping area of segments", higher=True)]
    return []


def _is_metric(key: str) -> bool:
    return key.startswith(("overlap/", "originality/", "distance/"))


def _metrics(rows: Sequence[Row]) -> list[Column]:
    keys = dict.fromkeys(
        key for row in rows for key in sorted(row.first.metrics) if _is_metric(key)
    )
    return [Column(key, key.replace("_", " ").replace("/", ": ")) for key in keys]


def _controls(rows: Sequence[Row]) -> dict[str, float]:
    """Return what real music reaches by the same metrics, where a run recorded it."""
    runs: list[RecordedRun] = [run for row in rows for run in row.runs]
    return {
        f"overlap/{key.removeprefix('control/')}": value
        for run in reversed(runs)
        for key, value in run.metrics.items()
        if key.startswith("control/") and np.isfinite(value)
    }


def _rank(figures: Mapping[str, Figure], judged: Column | None) -> tuple[bool, float]:
    """Return what rows are sorted by: rows without the judged figure come last."""
    if judged is None or judged.key not in figures:
        return True, 0.0
    mean = figures[judged.key].mean
    return False, -mean if judged.higher else mean


def _test(rows: Sequence[Row]) -> list[Pair]:
    """Return every pair of rows of one corpus that share test pieces, corrected together."""
    found: list[tuple[int, int, float, float, int]] = []
    for first, second in combinations(range(len(rows)), 2):
        ours, theirs = scored(rows[first], "notes"), scored(rows[second], "notes")
        one, other = rows[first].first, rows[second].first
        if ours is None or theirs is None or one.corpus != other.corpus:
            continue
        assert one.scores is not None
        assert other.scores is not None
        here, there = common_pieces(one.scores, other.scores)
        ours, theirs = ours.only(here), theirs.only(there)
        if (p := paired_p_value(ours, theirs)) is not None:
            found.append((first, second, ours.per_unit - theirs.per_unit, p, len(here)))
    corrected = holm([p for _, _, _, p, _ in found])
    return [
        Pair(first, second, gap, p, pieces)
        for (first, second, gap, _, pieces), p in zip(found, corrected, strict=True)
    ]


def _mark(
    rows: Sequence[Row],
    figures: Sequence[Mapping[str, Figure]],
    judged: Column | None,
    pairs: Sequence[Pair],
) -> tuple[int | None, frozenset[int]]:
    """Return the row that is better than each other, or else those that may be the best."""
    ranked = [i for i in range(len(rows)) if judged is not None and judged.key in figures[i]]
    if len(ranked) < 2:
        return None, frozenset()
    told = {pair.second for pair in pairs if pair.first == ranked[0] and pair.p < LEVEL}
    tied = [index for index in ranked[1:] if index not in told]
    return (None, frozenset([ranked[0], *tied])) if tied else (ranked[0], frozenset())


def _explain(
    rows: Sequence[Row], pairs: Sequence[Pair], judged: Column | None, best: int | None
) -> list[str]:
    notes = []
    if len(rows) > 1 and judged is not None and best is None and not pairs:
        notes.append("no two rows can be tested against each other: no row is marked as the best.")
    lone = sum(len(row.runs) == 1 for row in rows)
    if lone:
        one = "1 row has" if lone == 1 else f"{lone} rows have"
        notes.append(f"{one} a single seed: its interval does not hold how much seeds differ.")
    pieces = {pair.pieces for pair in pairs}
    if pieces:
        notes.append(
            f"tests are on {_range(pieces)} test pieces, corrected by Holm's method for "
            f"{len(pairs)} pairs."
        )
    return notes


def _range(values: "set[int]") -> str:
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low} to {high}"
