"""The page of a comparison: table, tests, curves and samples in one file without a network."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ostinato import console
from ostinato.comparison.export import mark
from ostinato.comparison.figures import format_figure
from ostinato.comparison.matrix_export import matrix_for_page
from ostinato.comparison.rows import Row
from ostinato.comparison.runs import MIDI, RecordedRun
from ostinato.comparison.statistics import LEVEL
from ostinato.comparison.table import Table
from ostinato.errors import UnreadableError
from ostinato.music.page import Sample, render_template, show_sample
from ostinato.tracking import COMMAND_TAG
from ostinato.wording import quantity

MOST_BYTES = 9_000_000  # of sound and pictures; the rest of a page is small
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#b8860b")


def comparison_page(table: Table, title: str) -> str:
    """Return the page as HTML, of 10 MB at most; what is left out for that is said on it."""
    samples, left_out = _show_samples(table.rows)
    notes = list(table.notes)
    if left_out:
        notes.append(
            f"{quantity(left_out, 'sample')} left out, to keep this page small: MLflow has them."
        )
    silent = [run.name for row in table.rows for run in row.runs if MIDI not in run.files]
    if silent:
        some = ", ".join(silent[:4]) + (" …" if silent[4:] else "")
        notes.append(f"{quantity(len(silent), 'run')} without samples: {some}.")
    return render_template(
        "comparison/compare.html.jinja",
        title=title,
        notes=notes,
        labels=list(table.rows[0].label),
        columns=table.columns,
        rows=[_show_row(table, index) for index in range(len(table.rows))],
        matrices=matrix_for_page(table.matrix) if table.matrix else [],
        metrics=[_show_metric(table, column) for column in table.metrics],
        pairs=[_show_pair(table, pair) for pair in table.pairs],
        curves=json.dumps(_curves(table.rows)).replace("</", "<\\/"),
        measured=_measured(table),
        samples=samples,
    )


def colour(index: int) -> str:
    """Return the colour of a row, in its table, curves and samples."""
    return COLOURS[index % len(COLOURS)]


def _show_row(table: Table, index: int) -> dict[str, Any]:
    row, figures = table.rows[index], table.figures[index]
    return {
        "name": row.name,
        "label": list(row.label.values()),
        "colour": colour(index),
        "mark": mark(table, index),
        "seeds": ", ".join(run.seed or "?" for run in row.runs),
        "command": row.first.tags.get(COMMAND_TAG, ""),
        "runs": [{"name": run.name, "id": run.id} for run in row.runs],
        "cells": [
            format_figure(figures.get(column.key), table.digits(column)) for column in table.columns
        ],
    }


def _show_metric(table: Table, column: Any) -> dict[str, Any]:
    control = table.controls.get(column.key)
    return {
        "name": column.heading,
        "cells": [format_figure(figures.get(column.key), 3) for figures in table.figures],
        "control": "" if control is None else f"{control:.3f}",
    }


def _show_pair(table: Table, pair: Any) -> dict[str, Any]:
    return {
        "first": table.rows[pair.first].name,
        "second": table.rows[pair.second].name,
        "gap": f"{pair.gap:+.3f}",
        "p": "< 0.001" if pair.p < 0.001 else f"{pair.p:.3f}",
        "told": pair.p < LEVEL,
    }


def _curves(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the curves of every run that has some: validation, or else training, by epoch."""
    found = []
    for index, row in enumerate(rows):
        for run in row.runs:
            for kind in ("validation", "train"):
                points = [(p["epoch"], p[kind]) for p in run.curves if kind in p and "epoch" in p]
                if points:
                    name = f"{row.name}, seed {run.seed}"
                    found.append(
                        {"name": name, "kind": kind, "colour": colour(index), "points": points}
                    )
    return found


def _measured(table: Table) -> str:
    """Return what the curves measure, as the runs call it."""
    names = {
        name.removeprefix("best_validation_")
        for row in table.rows
        for run in row.runs
        for name in run.metrics
        if name.startswith("best_validation_")
    }
    return " or ".join(sorted(names)).replace("_", " ") or "loss"


def _show_samples(rows: Sequence[Row]) -> tuple[list[dict[str, Any]], int]:
    """Return the first sample of every run that fits, and how many did not.

    Every row's first run comes first, so that each row is heard.
    """
    most = max((len(row.runs) for row in rows), default=0)
    ordered = [
        (index, row.runs[turn])
        for turn in range(most)
        for index, row in enumerate(rows)
        if turn < len(row.runs)
    ]
    shown: list[tuple[int, dict[str, Any]]] = []
    size = left_out = 0
    for index, run in ordered:
        if MIDI not in run.files:
            continue
        if (sample := _show_sample(run, rows[index])) is None:
            continue
        size += sum(len(str(value)) for value in sample.values())
        if size > MOST_BYTES:
            left_out += 1
            continue
        shown.append(
            (
                index,
                sample
                | {"row": index, "row_colour": colour(index), "leads": run is rows[index].first},
            )
        )
    return [sample for _, sample in sorted(shown, key=lambda pair: pair[0])], left_out


def _show_sample(run: RecordedRun, row: Row) -> dict[str, Any] | None:
    """Return what the player needs of a run's first sample; None for one without notes."""
    from ostinato.music.reading import read_midi

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sample-01.mid"
        file.write_bytes(run.files[MIDI])
        try:
            piece = read_midi(file)
        except UnreadableError:
            console.warn(f"the first sample of {run.name} has no notes: it is left out.")
            return None
    title = f"{row.name}, seed {run.seed}" if run.seed else row.name
    prompt = run.sampling.get("prompt")
    facts = [f"continues {prompt}"] if prompt else []
    return show_sample(Sample(f"{run.name}-sample-01", piece, {None: run.sound}, title, facts))
