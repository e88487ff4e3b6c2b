"""A comparison as text for the terminal, as CSV and as LaTeX."""

import csv
import io
from typing import TYPE_CHECKING

from ostinato.comparison.figures import end_values, escape_latex, format_figure
from ostinato.comparison.matrix_export import (
    matrix_columns,
    matrix_to_latex,
    matrix_values,
)
from ostinato.comparison.table import Table

if TYPE_CHECKING:
    from rich.table import Table as TerminalTable


def mark(table: Table, index: int) -> str:
    """Return what is said of a row's rank: the best one, or one that may be."""
    if index == table.best:
        return "best"
    return "may be the best" if index in table.tied else ""


def to_terminal(table: Table) -> "TerminalTable":
    """Return a table for the terminal; `*` marks the best row, `=` those that may be."""
    from rich.table import Table as TerminalTable

    shown = TerminalTable(box=None, pad_edge=False, header_style="bold")
    shown.add_column("")
    for key in _labels(table):
        shown.add_column(key, overflow="fold")
    shown.add_column("seeds", justify="right")
    for column in table.columns:
        shown.add_column(column.heading, justify="right")
    for index, row in enumerate(table.rows):
        sign = "*" if index == table.best else "=" if index in table.tied else ""
        label = row.label.values() if row.label else [row.name]
        shown.add_row(sign, *label, str(len(row.runs)), *_cells(table, index))
    return shown


def to_csv(table: Table) -> str:
    """Return a row a config: label, seeds, and the mean, low and high of every figure.

    Likelihoods across corpora are further columns: cross_corpus/essen/nats_per_note.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = [*table.columns, *table.metrics]
    bounds = [f"{c.key}{end}" for c in columns for end in ("", "_low", "_high")]
    if table.matrix:
        bounds += matrix_columns(table.matrix.corpora)
    writer.writerow([*_labels(table), "seeds", "runs", "rank", *bounds])
    for index, row in enumerate(table.rows):
        found = [table.figures[index].get(column.key) for column in columns]
        ends = [end for figure in found for end in end_values(figure)]
        ends += matrix_values(table.matrix, index) if table.matrix else []
        runs = " ".join(run.id for run in row.runs)
        label = list(row.label.values()) if row.label else [row.name]
        writer.writerow([*label, len(row.runs), runs, mark(table, index), *ends])
    return text.getvalue()


def to_latex(table: Table) -> str:
    r"""Return a table with booktabs' rules; the best row is bold, with `\usepackage{booktabs}`.

    A second one has the likelihoods across corpora, where there are some.
    """
    headings = [*_labels(table), "seeds", *(column.heading for column in table.columns)]
    sides = "l" * len(_labels(table)) + "r" * (len(headings) - len(_labels(table)))
    lines = [rf"\begin{{tabular}}{{{sides}}}", r"\toprule"]
    lines += [" & ".join(map(escape_latex, headings)) + r" \\", r"\midrule"]
    for index, row in enumerate(table.rows):
        label = list(row.label.values()) if row.label else [row.name]
        cells = [escape_latex(cell) for cell in (*label, str(len(row.runs)), *_cells(table, index))]
        if index == table.best:
            cells = [rf"\textbf{{{cell}}}" for cell in cells]
        lines.append(" & ".join(cells) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}"]
    lines += [f"% {note}" for note in table.notes]
    text = "\n".join(lines) + "\n"
    return f"{text}\n{matrix_to_latex(table.matrix)}" if table.matrix else text


def _labels(table: Table) -> list[str]:
    """Return the headings of labels; rows that differ in nothing are named by their run."""
    return list(table.rows[0].label) or ["run"]


def _cells(table: Table, index: int) -> list[str]:
    figures = table.figures[index]
    return [format_figure(figures.get(c.key), table.digits(c)) for c in table.columns]
