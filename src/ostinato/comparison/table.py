"""The figures of a comparison: a row a config, intervals over seeds and pieces, paired tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ostinato.comparison.matrix import Matrix, cross_rows
from ostinato.comparison.pairs import Pair, scored, test_rows
from ostinato.comparison.rows import Row, Rows
from ostinato.comparison.runs import RecordedRun
from ostinato.comparison.statistics import (
    LEVEL,
    Figure,
    Scored,
    interval_of_scores,
    interval_of_values,
)
from ostinato.wording import quantity

LARGE = 10  # a mean from which one decimal is enough
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
    Column("minutes", "minutes", digits=2),
    Column("parameters", "parameters", digits=0),
    Column("memory_megabytes", "memory, MB", digits=0),
)


@dataclass(frozen=True)
class Table:
    """Figures by row and column. best: the row that is better than each other one, if any.

    tied: rows that cannot be told from the one with the best mean. metrics: columns of figures
    about samples, with `controls` of real music where the runs have them. matrix: likelihoods by
    test corpus, of rows that were scored on several.
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
    matrix: Matrix | None = None

    @property
    def judged(self) -> Column | None:
        """Return the column by which rows are ranked: the first of a likelihood or an area."""
        return next((column for column in self.columns if column.higher is not None), None)

    def digits(self, column: Column) -> int:
        """Return how many decimals a column is shown with: fewer where all its means are large."""
        means = [row[column.key].mean for row in self.figures if column.key in row]
        return min(column.digits, 1) if min(map(abs, means), default=0) >= LARGE else column.digits


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
    pairs = test_rows(rows)
    best, tied = _mark(rows, figures, judged, pairs)
    matrix = cross_rows(rows)
    return Table(
        rows,
        columns,
        figures,
        _metrics(rows),
        _controls(rows),
        pairs,
        best,
        tied,
        [*grouped.notes, *_explain(rows, pairs, judged, best), *(matrix.notes if matrix else ())],
        matrix,
    )


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
    """Return what real music reaches by the same metrics, where a run recorded it.

    The control of a metric of pieces is of its overlap, that of a distance is of the distance.
    """
    runs: list[RecordedRun] = [run for row in rows for run in row.runs]
    distances = {key for run in runs for key in run.metrics if key.startswith("distance/")}
    found = {}
    for run in reversed(runs):
        for key, value in run.metrics.items():
            if key.startswith("control/") and np.isfinite(value):
                name = key.removeprefix("control/")
                distance = f"distance/{name}"
                found[distance if distance in distances else f"overlap/{name}"] = value
    return found


def _rank(figures: Mapping[str, Figure], judged: Column | None) -> tuple[bool, float]:
    """Return what rows are sorted by: rows without the judged figure come last."""
    if judged is None or judged.key not in figures:
        return True, 0.0
    mean = figures[judged.key].mean
    return False, -mean if judged.higher else mean


def _mark(
    rows: Sequence[Row],
    figures: Sequence[Mapping[str, Figure]],
    judged: Column | None,
    pairs: Sequence[Pair],
) -> tuple[int | None, frozenset[int]]:
    """Return the row that is better than each other, or else those that may be the best.

    None of rows on several corpora, whose figures are not of the same music.
    """
    ranked = [i for i in range(len(rows)) if judged is not None and judged.key in figures[i]]
    if len(ranked) < 2 or len({rows[i].first.corpus for i in ranked}) > 1:
        return None, frozenset()
    first = ranked[0]
    told = {p.second for p in pairs if p.first == first and p.p < LEVEL and p.seeds_known}
    tied = [index for index in ranked[1:] if index not in told]
    return (None, frozenset([first, *tied])) if tied else (first, frozenset())


def _explain(
    rows: Sequence[Row], pairs: Sequence[Pair], judged: Column | None, best: int | None
) -> list[str]:
    """Return what a reader must know of the tests."""
    notes = []
    if len(rows) > 1 and judged is not None and best is None and not pairs:
        notes.append("no two rows can be tested against each other: no row is marked as the best.")
    lone = sum(len(row.runs) == 1 for row in rows)
    if lone:
        one = "1 row has" if lone == 1 else f"{lone} rows have"
        notes.append(f"{one} a single seed: its interval does not hold how much seeds differ.")
    if pairs and not all(pair.seeds_known for pair in pairs):
        notes.append(
            "no row has several seeds, so that tests are of these trained models and not of their "
            "configs, and no row is marked as the best: train each with two seeds or more, as "
            "with `ostinato run -m seed=1,2,3`."
        )
    elif pairs and lone:
        notes.append("rows with a single seed are tested as if their seeds differed as others' do.")
    pieces = {pair.pieces for pair in pairs}
    if pieces:
        notes.append(
            f"tests are on {_range(pieces)} test pieces, corrected by Holm's method for "
            f"{quantity(len(pairs), 'pair')}."
        )
    return notes


def _range(values: "set[int]") -> str:
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low} to {high}"
