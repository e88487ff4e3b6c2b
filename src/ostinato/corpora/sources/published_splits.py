"""Unpacked music -> train/, validation/ and test/, or where it was in the archive."""

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from ostinato.errors import UserError

Parts = Literal["folders", "table"]

NAMES = {"train": "train", "valid": "validation", "validation": "validation", "test": "test"}
TABLE = ".csv"
COLUMNS = ("midi_filename", "split")


def arrange(heap: Path, folder: Path, parts: Parts | None) -> int:
    """Move the music below `heap` into `folder`; returns how many files.

    Without parts, the folders that all music lies in are left out of the names. `folders`: a folder
    called train, valid, validation or test says the part. `table`: the columns midi_filename and
    split of a .csv file do; it is kept beside the music. Raises `UserError` where a file has no
    part.
    """
    music = sorted(p for p in heap.rglob("*") if p.is_file() and p.suffix != TABLE)
    if parts == "folders":
        places = _by_folders(music, heap)
    elif parts == "table":
        table = _table(heap)
        places = list(_by_table(music, table))
        table.replace(folder / table.name)
    else:
        above = Path(os.path.commonpath([file.parent for file in music]))
        places = [file.relative_to(above) for file in music]
    for file, place in zip(music, places, strict=True):
        _move(file, folder / place)
    return len(music)


def _by_folders(music: list[Path], heap: Path) -> list[Path]:
    return [_below_part(file.relative_to(heap)) for file in music]


def _below_part(file: Path) -> Path:
    for depth, name in enumerate(file.parts[:-1]):
        if name in NAMES:
            return Path(NAMES[name], *file.parts[depth + 1 :])
    raise UserError(
        f"{str(file)!a} lies in no folder called {', '.join(NAMES)}: corpus.source.parts="
        "folders does not fit this corpus; set it to null."
    )


def _table(heap: Path) -> Path:
    tables = sorted(heap.rglob(f"*{TABLE}"))
    if len(tables) != 1:
        raise UserError(
            f"corpus.source.parts=table needs one {TABLE} file, and there are {len(tables)}: set "
            "it to null."
        )
    return tables[0]


def _by_table(music: list[Path], table: Path) -> Iterator[Path]:
    rows = _rows(table)
    for file in music:
        inside = file.is_relative_to(table.parent)
        name = file.relative_to(table.parent).as_posix() if inside else file.name
        if name not in rows:
            raise UserError(f"{table.name} does not say to which part {name!a} belongs.")
        if rows[name] not in NAMES:
            raise UserError(
                f"{table.name} says that {name!a} belongs to {rows[name]!a}, which is "
                f"none of {', '.join(NAMES)}."
            )
        yield Path(NAMES[rows[name]], name)


def _rows(table: Path) -> dict[str, str]:
    try:
        with table.open(encoding="utf-8", newline="") as file:
            return {row[COLUMNS[0]]: row[COLUMNS[1]] for row in csv.DictReader(file)}
    except (KeyError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(
            f"{table.name} is not a table with the columns {' and '.join(COLUMNS)}."
        ) from error


def _move(file: Path, target: Path) -> None:
    if target.exists():
        raise UserError(f"Two files would be called {target.name!a} in {target.parent.name}.")
    target.parent.mkdir(parents=True, exist_ok=True)
    file.replace(target)
