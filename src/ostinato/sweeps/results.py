"""Results of the jobs of a sweep: a row a job, and a table for the terminal."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ostinato.sweeps.jobs import RUNNING, JobRecord
from ostinato.sweeps.manifest import Job, Manifest

NOT_BEGUN, STOPPED = "not begun", "stopped"
LONGEST = 80  # characters of an error in the table

Row = dict[str, Any]


def list_results(folder: Path) -> list[Row]:
    """Return a row for each job of the sweep in a folder, by number.

    score: the figure that chose the weights, less is better; minutes: of the training.
    """
    manifest = Manifest.read(folder)
    return [_row(job, JobRecord.read(folder / job.folder)) for job in _jobs(manifest)]


def name_varied(rows: Sequence[Row]) -> list[str]:
    """Return for each row the overrides in which the jobs differ."""
    words = [row["overrides"] for row in rows]
    common = frozenset.intersection(*map(frozenset, words)) if len(words) > 1 else frozenset()
    return [" ".join(word for word in own if word not in common) for own in words]


def to_terminal(rows: Sequence[Row]) -> Any:
    """Return the rows as a table of rich's."""
    from rich.table import Table

    table = Table("job", "overrides", "state", "score", "minutes", "error")
    for row, varied in zip(rows, name_varied(rows), strict=True):
        score, minutes = (_number(row[name], places) for name, places in FIGURES.items())
        error = row["error"].partition("\n")[0]
        shown = error if len(error) <= LONGEST else f"{error[:LONGEST]}…"
        table.add_row(str(row["number"]), varied, row["state"], score, minutes, shown)
    return table


FIGURES = {"score": 4, "minutes": 2}  # decimal places


def _number(value: float | None, places: int) -> str:
    return "–" if value is None else f"{value:.{places}f}"


def _jobs(manifest: Manifest | None) -> tuple[Job, ...]:
    return manifest.jobs if manifest is not None else ()


def _row(job: Job, record: JobRecord | None) -> Row:
    reached = record.reached if record else None
    return {
        "number": job.number,
        "overrides": list(job.overrides),
        "state": _state(record),
        "score": reached.score if reached else None,
        "minutes": reached.minutes if reached else None,
        "epochs": reached.epochs if reached else None,
        "error": record.error or _pruned(record) if record else "",
    }


def _pruned(record: JobRecord) -> str:
    return record.reached.pruned if record.reached else ""


def _state(record: JobRecord | None) -> str:
    if record is None:
        return NOT_BEGUN
    return STOPPED if record.state == RUNNING else record.state
