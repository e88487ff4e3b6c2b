"""Likelihood across corpora: a row each trained model, a column each test corpus."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ostinato.comparison.pairs import stack_scores
from ostinato.comparison.rows import Row
from ostinato.comparison.statistics import Figure, interval_of_scores
from ostinato.representations.base import LOST
from ostinato.wording import quantity

UNITS = {"nats_per_note": "notes", "nats_per_quarter": "quarters"}


@dataclass(frozen=True)
class Cell:
    """Nats of one row on one test corpus, by unit. own: whether it is trained on that corpus.

    pieces: how many are scored.
    """

    figures: Mapping[str, Figure]
    own: bool
    pieces: int


@dataclass(frozen=True)
class Matrix:
    """Cells by test corpus, in a mapping for each of `rows`: indices into those of the table.

    Rows stand in the order of the corpora, so that cells of a model's own corpus are the diagonal.
    """

    corpora: list[str]
    rows: list[int]
    names: list[str]
    cells: Sequence[Mapping[str, Cell]]
    notes: list[str] = field(default_factory=list)

    def shade(self, row: int, corpus: str, unit: str) -> float:
        """Return where a cell stands among those of its column: 0 the lowest nats, 1 the highest.

        Only the cells of a column are of the same music.
        """
        column = [cells[corpus].figures[unit].mean for cells in self.cells if corpus in cells]
        low, high = min(column), max(column)
        mean = self.cells[row][corpus].figures[unit].mean
        return (mean - low) / (high - low) if high > low else 0.0


def cross_rows(rows: Sequence[Row]) -> Matrix | None:
    """Return the matrix of those rows that were scored on other corpora; None without any."""
    crossed = [index for index, row in enumerate(rows) if row.first.left_out]
    if not crossed:
        return None
    corpora = list(dict.fromkeys(name for index in crossed for name in rows[index].first.left_out))
    crossed.sort(key=lambda index: corpora.index(rows[index].first.corpus))
    chosen = [rows[index] for index in crossed]
    cells = [_cells(row) for row in chosen]
    names = [_name(row) for row in chosen]
    notes = [*_explain_left_out(chosen, names, corpora), *_explain_missing(names, corpora, cells)]
    return Matrix(corpora, crossed, names, cells, notes)


def _name(row: Row) -> str:
    """Return what a row is trained on, and in what else it differs from others."""
    others = [value for key, value in row.label.items() if key not in ("corpus", "corpus.name")]
    return ", ".join([row.first.corpus, *others])


def _cells(row: Row) -> dict[str, Cell]:
    found = {}
    for corpus in row.first.left_out:
        scores = [run.cross_corpus.get(corpus) for run in row.runs]
        figures = {
            name: interval_of_scores(scored)
            for name, unit in UNITS.items()
            if (scored := stack_scores(scores, unit)) is not None
        }
        if len(figures) == len(UNITS):  # every seed has it, and of the same pieces
            pieces = len(row.first.cross_corpus[corpus].names)
            found[corpus] = Cell(figures, corpus == row.first.corpus, pieces)
    return found


def _explain_left_out(
    rows: Sequence[Row], names: Sequence[str], corpora: Sequence[str]
) -> list[str]:
    """Return a sentence for each test split of which a model leaves anything out."""
    notes = []
    for corpus in corpora:
        by_model = {
            name: _count(row.first.left_out.get(corpus, {}))
            for name, row in zip(names, rows, strict=True)
        }
        said = [f"by {name} {counts}" for name, counts in by_model.items() if counts]
        if said:
            notes.append(f"left out of the test split of {corpus}: {'; '.join(said)}.")
    return notes


def _explain_missing(
    names: Sequence[str], corpora: Sequence[str], cells: Sequence[Mapping[str, Cell]]
) -> list[str]:
    missing = [
        f"{name} on {corpus}"
        for name, row in zip(names, cells, strict=True)
        for corpus in corpora
        if corpus not in row
    ]
    reason = "no likelihood, or not of the same pieces by every seed"
    return [f"{reason}: {', '.join(missing)}."] if missing else []


def _count(left_out: Mapping[str, Any]) -> str:
    """Return in words what is left out of a test split; nothing where all is scored."""
    refused, alike = left_out.get("refused", 0), left_out.get("alike_to_training", 0)
    losses = left_out.get("losses", {})
    notes, lost = losses.get("notes", 0), sum(losses.get(kind, 0) for kind in LOST)
    counts = {
        f"{quantity(refused, 'piece')} that the representation cannot hold": refused,
        f"{quantity(alike, 'piece')} like a training piece": alike,
        f"{lost:,} of {notes:,} notes that the representation does not write": lost,
    }
    return ", ".join(words for words, count in counts.items() if count)
