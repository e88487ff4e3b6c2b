"""compare: runs of the MLflow store side by side, as a page, a table, CSV and LaTeX."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ostinato import console
from ostinato.comparison.selection import Asked
from ostinato.errors import UserError
from ostinato.files import write_text
from ostinato.stages.workspace import Workspace
from ostinato.tracking import Run, Tracking, client_of
from ostinato.wording import quantity

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run as MlflowRun

    from ostinato.comparison.table import Table

PAGE = "compare.html"


@dataclass(frozen=True)
class Written:
    """Files to write: the page, and a table as CSV and as LaTeX where they are asked for."""

    page: Path
    csv: Path | None = None
    latex: Path | None = None


def run(asked: Asked, written: Written, tracking: Tracking, workspace: Workspace) -> "Table":
    """Compare runs: print the table and write the files; a sweep's own run gets them too.

    Raises `UserError` for runs that are not there, and where none has finished.
    """
    if not tracking.enabled:
        raise UserError("tracking=off records no runs to compare: say tracking=local or =server.")
    client, experiment = client_of(tracking, workspace.home)
    return compare(client, _selected(client, asked, experiment), written, asked.sweep)


def compare(
    client: "MlflowClient", runs: "list[MlflowRun]", written: Written, sweep: str | None
) -> "Table":
    """Compare runs of a store, and record the page on the run of the sweep."""
    from ostinato.comparison.export import to_csv, to_latex, to_terminal
    from ostinato.comparison.matrix_export import matrix_to_terminal
    from ostinato.comparison.page import comparison_page
    from ostinato.comparison.rows import group_runs
    from ostinato.comparison.runs import load_runs
    from ostinato.comparison.table import compare_rows

    grouped = group_runs(load_runs(client, runs))
    if not grouped.rows:
        raise UserError(f"there is nothing to compare: {' '.join(grouped.notes)}")
    table = compare_rows(grouped)
    count = sum(len(row.runs) for row in table.rows)
    title = f"{quantity(len(table.rows), 'config')}, {quantity(count, 'run')}"
    write_text(written.page, comparison_page(table, title))
    if written.csv:
        write_text(written.csv, to_csv(table))
    if written.latex:
        write_text(written.latex, to_latex(table))
    console.show(to_terminal(table))
    if table.matrix:
        console.show(matrix_to_terminal(table.matrix))
    for note in table.notes:
        console.say(note)
    console.say(f"the page is {console.where(written.page)}")
    _record(client, written.page, to_csv(table), sweep)
    return table


def _selected(client: "MlflowClient", asked: Asked, experiment: str) -> "list[MlflowRun]":
    from ostinato.comparison.selection import select_runs

    return select_runs(client, asked, experiment)


def _record(client: "MlflowClient", page: Path, table: str, sweep: str | None) -> None:
    """Record the page and the table on the run of the sweep that was compared."""
    if sweep is None:
        return
    from ostinato.comparison.selection import sweep_id

    if (run_id := sweep_id(sweep)) is not None:
        parent = Run(client, run_id)
        parent.artifacts(page, "")
        client.log_text(run_id, table, "compare.csv")
