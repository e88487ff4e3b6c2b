"""Pieces on disk: Parquet files of up to 64 pieces and of their notes, an index, the rejects."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from ostinato.console import where
from ostinato.corpora.arrow import to_pieces, to_tables
from ostinato.errors import UserError
from ostinato.files import atomic_file
from ostinato.music.piece import Piece

INDEX, REJECTS, REMARKS = "index.parquet", "rejects.csv", "remarks.csv"
ROWS = 64  # files or tunes to a part: what is in memory at once
PARQUET: dict[str, Any] = {
    "compression": "lz4",
    "use_dictionary": False,
    "write_statistics": False,
    "data_page_size": 1 << 24,  # bytes: a column of a part is read at once
}
INDEXED = pa.schema(
    [("name", pa.string()), ("source", pa.string()), ("part", pa.int32()), ("row", pa.int32())]
)


class Reject(NamedTuple):
    """A file that gave no piece, and why."""

    file: str
    reason: str


class Remark(NamedTuple):
    """A remark on what was guessed while a file was read that gave a piece."""

    file: str
    remark: str


Row = tuple[str, Piece] | Reject | Remark


@dataclass(frozen=True)
class Part:
    """Some pieces of a store, at most 64: rows of one Parquet file, read when iterated over."""

    file: Path
    rows: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Piece]:
        pieces = _read_part(self.file)
        return (pieces[row] for row in self.rows)


def part_file(folder: Path, number: int) -> Path:
    """Return where the pieces of a part lie; their notes are beside them, and there before them."""
    return folder / f"pieces-{number:05d}.parquet"


def _notes_file(file: Path) -> Path:
    return file.with_name(file.name.replace("pieces", "notes", 1))


def _read_part(file: Path) -> list[Piece]:
    files = (file, _notes_file(file))
    return to_pieces(*(pq.ParquetFile(path).read(use_threads=False) for path in files))


def write_part(rows: Iterable[Row], file: Path, digests: bool) -> None:
    """Write (source, piece) rows, rejects and remarks as one part, in one step.

    The same rows give the same bytes. `digests` are what `finish` tells duplicates by.
    """
    rows = list(rows)
    rejects = [row for row in rows if isinstance(row, Reject)]
    remarks = [row for row in rows if isinstance(row, Remark)]
    pieces = [row for row in rows if not isinstance(row, Reject | Remark)]
    table, notes = to_tables(pieces, digests)
    packed = dict.fromkeys((n for n in notes.column_names if n != "drum"), "DELTA_BINARY_PACKED")
    with atomic_file(_notes_file(file), within=file.parent) as beside:
        pq.write_table(notes, beside, **PARQUET, column_encoding=packed)
    about = {"rejects": json.dumps(rejects), "remarks": json.dumps(remarks)}
    table = table.replace_schema_metadata(about)
    with atomic_file(file, within=file.parent) as beside:
        pq.write_table(table, beside, **PARQUET)


def finish(folder: Path, parts: int, drop_duplicates: bool) -> tuple[int, int]:
    """Write the index, the rejects and any remarks of a folder with so many parts.

    With `drop_duplicates` a piece that is the same music as an earlier one, names aside, becomes a
    reject. Returns how many pieces were kept and how many rejected.
    """
    seen: dict[bytes, str] | None = {} if drop_duplicates else None
    kept: list[tuple[str, str, int, int]] = []
    rejected = 0
    remarks: list[tuple[str, str]] = []
    with _table(folder / REJECTS, ("file", "reason")) as rejects:
        for number in range(parts):
            part = pq.ParquetFile(part_file(folder, number))
            remarks += _read_notes(part, "remarks")
            rows, refused = _rows(part, seen)
            rejects.writerows(refused)
            rejected += len(refused)
            kept += [(name, source, number, row) for name, source, row in rows]
    if remarks:
        with _table(folder / REMARKS, ("file", "remark")) as rows_of_remarks:
            rows_of_remarks.writerows(remarks)
    columns = zip(*kept, strict=True) if kept else [()] * len(INDEXED)
    with atomic_file(folder / INDEX, folder) as beside:
        pq.write_table(pa.table(list(map(list, columns)), schema=INDEXED), beside)
    return len(kept), rejected


@contextmanager
def _table(path: Path, head: tuple[str, str]) -> Iterator[Any]:
    with (
        atomic_file(path, path.parent) as beside,
        beside.open("w", encoding="utf-8") as file,
    ):
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(head)
        yield rows


def _read_notes(part: pq.ParquetFile, what: str) -> list[tuple[str, str]]:
    return [tuple(row) for row in json.loads(part.schema_arrow.metadata[what.encode()])]


def _rows(
    part: pq.ParquetFile, seen: dict[bytes, str] | None
) -> tuple[list[tuple[str, str, int]], list[tuple[str, str]]]:
    """Return the (name, source, row) kept of a part, and its (file, reason) that are not."""
    rejects = _read_notes(part, "rejects")
    table = part.read(["name", "source", "digest"], use_threads=False).to_pydict()
    kept = []
    for row, (name, source, digest) in enumerate(zip(*table.values(), strict=True)):
        if seen is not None and digest in seen:
            rejects.append((source, f"it is the same music as {seen[digest]}"))
            continue
        if seen is not None:
            seen[digest] = source
        kept.append((name, source, row))
    return kept, rejects


class PieceStore:
    """The pieces of a folder that `finish` finished, read by name or in order.

    Raises `UserError` when they are not there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not (folder / INDEX).is_file():
            raise UserError(f"{where(folder)} is not there: run `ostinato preprocess` first.")
        self._open: tuple[int, list[Piece]] = (-1, [])

    @cached_property
    def _columns(self) -> dict[str, list[Any]]:
        columns: dict[str, list[Any]] = pq.read_table(self.folder / INDEX).to_pydict()
        return columns

    @property
    def names(self) -> list[str]:
        """Return the names of all pieces, in order."""
        return self._columns["name"]

    @property
    def sources(self) -> list[str]:
        """Return the file of each piece, relative to the corpus's folder."""
        return self._columns["source"]

    @cached_property
    def parts(self) -> Sequence[Part]:
        """Return the pieces in order, in parts that other processes can read one by one."""
        places = zip(self._columns["part"], self._columns["row"], strict=True)
        return [
            Part(part_file(self.folder, number), tuple(row for _, row in rows))
            for number, rows in groupby(places, key=lambda place: place[0])
        ]

    @cached_property
    def _places(self) -> dict[str, tuple[int, int]]:
        columns = self._columns
        places = zip(columns["part"], columns["row"], strict=True)
        return dict(zip(self.names, places, strict=True))

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[Piece]:
        for part in self.parts:
            yield from part

    def __getstate__(self) -> dict[str, Any]:
        return {"folder": self.folder, "_open": (-1, [])}

    def only(self, names: Iterable[str]) -> "Selection":
        """Return the pieces of these names, in order; each is read when iterated over."""
        return Selection(self, frozenset(names))

    def read(self, name: str) -> Piece:
        """Return one piece; its part stays in memory until another is read.

        Raises `KeyError` for an unknown name.
        """
        number, row = self._places[name]
        if self._open[0] != number:
            self._open = (number, _read_part(part_file(self.folder, number)))
        return self._open[1][row]


@dataclass(frozen=True)
class Selection:
    """Some pieces of a store, which are not held in memory."""

    store: PieceStore
    names: frozenset[str]

    def __len__(self) -> int:
        return sum(name in self.names for name in self.store.names)

    def __iter__(self) -> Iterator[Piece]:
        return (piece for piece in self.store if piece.name in self.names)


def read_rejects(folder: Path) -> list[Reject]:
    """Return the rejects of a folder of pieces."""
    return [Reject(*row) for row in _read_table(folder / REJECTS)]


def read_remarks(folder: Path) -> list[Remark]:
    """Return the remarks on the files of a folder of pieces."""
    file = folder / REMARKS
    return [Remark(*row) for row in _read_table(file)] if file.is_file() else []


def _read_table(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]
