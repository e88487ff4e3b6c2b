"""The matrix across corpora as text for the terminal, as CSV, as LaTeX and for the page."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ostinato.comparison.figures import MISSING, end_values, escape_latex, format_figure
from ostinato.comparison.matrix import UNITS, Matrix

if TYPE_CHECKING:
    from rich.table import Table as TerminalTable

TITLES = {
    "nats_per_note": "nats per note",
    "nats_per_quarter": "nats per quarter note",
}
CORNER = "trained on \\ tested on"
DIGITS = 3


def matrix_to_terminal(matrix: Matrix, unit: str = "nats_per_note") -> "TerminalTable":
    """Return the matrix for the terminal; `*` marks what a model reaches on its own corpus."""
    from rich.table import Table as TerminalTable

    title = f"{TITLES[unit]}; * on its own corpus"
    shown = TerminalTable(
        box=None, pad_edge=False, header_style="bold", title=title, title_justify="left"
    )
    shown.add_column(CORNER)
    for corpus in matrix.corpora:
        shown.add_column(corpus, justify="right")
    for row, name in enumerate(matrix.names):
        shown.add_row(name, *_texts(matrix, row, unit, "*"))
    return shown


def matrix_columns(corpora: Sequence[str]) -> list[str]:
    """Return the headings of `matrix_values`, for a table with a row a config."""
    return [
        f"cross_corpus/{corpus}/{name}"
        for corpus in corpora
        for unit in UNITS
        for name in (unit, f"{unit}_low", f"{unit}_high")
    ]


def matrix_values(matrix: Matrix, index: int) -> list[str]:
    """Return the mean, low and high of every cell of a row of the table, empty where it has none.

    index: that of the row in the table of figures.
    """
    cells = matrix.cells[matrix.rows.index(index)] if index in matrix.rows else {}
    return [
        end
        for corpus in matrix.corpora
        for unit in UNITS
        for end in end_values(cells[corpus].figures[unit] if corpus in cells else None)
    ]


def matrix_to_latex(matrix: Matrix, unit: str = "nats_per_note") -> str:
    """Return the matrix with booktabs' rules; what a model reaches on its own corpus is bold."""
    lines = [rf"\begin{{tabular}}{{l{'r' * len(matrix.corpora)}}}", r"\toprule"]
    heading = ["trained on / tested on", *matrix.corpora]
    lines += [" & ".join(map(escape_latex, heading)) + r" \\", r"\midrule"]
    for row, name in enumerate(matrix.names):
        cells = [escape_latex(text) for text in (name, *_texts(matrix, row, unit, ""))]
        for column, corpus in enumerate(matrix.corpora, 1):
            if corpus in matrix.cells[row] and matrix.cells[row][corpus].own:
                cells[column] = rf"\textbf{{{cells[column]}}}"
        lines.append(" & ".join(cells) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}", f"% {TITLES[unit]}"]
    return "\n".join(lines) + "\n"


def matrix_for_page(matrix: Matrix) -> list[dict[str, Any]]:
    """Return a heat table for each unit: its title, and rows of cells with their shade."""
    return [
        {
            "title": TITLES[unit],
            "corpora": matrix.corpora,
            "rows": [
                {
                    "name": name,
                    "index": matrix.rows[row],
                    "cells": [_cell(matrix, row, corpus, unit) for corpus in matrix.corpora],
                }
                for row, name in enumerate(matrix.names)
            ],
        }
        for unit in UNITS
    ]


def _cell(matrix: Matrix, row: int, corpus: str, unit: str) -> dict[str, Any]:
    if (cell := matrix.cells[row].get(corpus)) is None:
        return {"text": MISSING, "shade": 0, "own": False, "pieces": 0}
    return {
        "text": format_figure(cell.figures[unit], DIGITS),
        "shade": round(100 * (1 - matrix.shade(row, corpus, unit))),
        "own": cell.own,
        "pieces": cell.pieces,
    }


def _texts(matrix: Matrix, row: int, unit: str, sign: str) -> list[str]:
    cells = matrix.cells[row]
    return [
        format_figure(cells[corpus].figures[unit], DIGITS) + (sign if cells[corpus].own else "")
        if corpus in cells
        else MISSING
        for corpus in matrix.corpora
    ]
