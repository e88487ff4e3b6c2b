"""The figures as tables for people."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

HEAD = """# How fast

`make bench` writes this page and [results.json](results.json): medians of rounds in which the
rivals took turns. `over …` is a ratio of rates, ours to theirs: above 1 ours is faster.
"""
TITLES = {
    "composing": "Composing: tokens per second",
    "training": "Training: steps per second",
    "busy": "Training beside other work",
    "commands": "Commands: seconds",
    "reading": "Reading: files into training data",
    "growing": "Growing: seconds and memory of one process",
    "studio": "The studio: seconds, beside the command that draws the same bytes",
}


def write_table(every: Mapping[str, Any], file: Path) -> None:
    """Write a page with a table for each of what was measured."""
    parts = [HEAD]
    for name, title in TITLES.items():
        if name in every:
            parts += [f"## {title}", _conditions(every[name]), _table(every[name]["rows"]), ""]
    file.write_text("\n".join(parts), encoding="utf-8")


def _conditions(found: Mapping[str, Any]) -> str:
    machine = dict(found["machine"])
    cores, processor = machine.pop("cores"), machine.pop("processor")
    versions = ", ".join(f"{name} {version}" for name, version in machine.items())
    return f"\n{found['rounds']} rounds on {cores} cores of {processor}; {versions}.\n"


def _table(rows: list[Mapping[str, Any]]) -> str:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    lines = [_line([column.replace("_", " ") for column in columns]), _line(["---"] * len(columns))]
    lines += [_line([_cell(row.get(column)) for column in columns]) for row in rows]
    return "\n".join(lines)


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return f"{value:,}" if isinstance(value, int | float) else str(value)
