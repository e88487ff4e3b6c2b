"""The matrix of a sweep across corpora, as benchmarks/cross_corpus.json.

    ostinato run -m experiment=cross_corpus corpus=bach,essen,ryans_mammoth
    python benchmarks/cross_corpus.py outputs/sweeps/DATE/TIME [tracking.experiment=NAME]

Figures are those that `ostinato compare --sweep` shows, with their intervals, what was left out,
and the minutes that each training took. Each corpus must be fetched before the sweep. The measured
matrix stands in docs/cross-corpus.md.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ostinato.comparison.matrix import Matrix
from ostinato.comparison.rows import group_runs
from ostinato.comparison.runs import load_runs
from ostinato.comparison.selection import Asked, select_runs
from ostinato.comparison.table import Table, compare_rows
from ostinato.errors import UserError
from ostinato.stages.compose import compose_tracking
from ostinato.tracking import client_of

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "cross_corpus.json"


def read_matrix(table: Table, matrix: Matrix) -> dict[str, Any]:
    """Return the cells by model and test corpus, beside the minutes and pieces of each training."""
    rows = {}
    for row, (index, name) in enumerate(zip(matrix.rows, matrix.names, strict=True)):
        own = table.rows[index]
        rows[name] = {
            "seeds": [run.seed for run in own.runs],
            "minutes": round(table.figures[index]["minutes"].mean, 2),
            "parameters": int(table.figures[index]["parameters"].mean),
            "tested_on": {
                corpus: {
                    "pieces": cell.pieces,
                    **{unit: _round(figure) for unit, figure in cell.figures.items()},
                    "left_out": own.first.left_out[corpus],
                }
                for corpus, cell in matrix.cells[row].items()
            },
        }
    return rows


def _round(figure: Any) -> dict[str, float | None]:
    ends = {"mean": figure.mean, "low": figure.low, "high": figure.high}
    return {name: None if end is None else round(end, 4) for name, end in ends.items()}


def main(arguments: Sequence[str]) -> int:
    """Write the matrix of the sweep that is named; returns the exit code."""
    if not arguments:
        print("cross_corpus: name the folder of a sweep.", file=sys.stderr)
        return 2
    try:
        _write(*arguments)
    except UserError as error:
        print(f"cross_corpus: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _write(sweep: str, *overrides: str) -> None:
    client, experiment = client_of(compose_tracking(overrides, ROOT), ROOT)
    runs = load_runs(client, select_runs(client, Asked(sweep=sweep), experiment))
    table = compare_rows(group_runs(runs))
    if table.matrix is None:
        raise UserError(f"no run of {sweep} was scored on other corpora.")
    text = json.dumps(read_matrix(table, table.matrix), indent=2)
    RESULT.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
