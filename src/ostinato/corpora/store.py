"""Pieces in a Parquet file: one row a piece, 64 pieces a row group."""

import csv
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ostinato.corpora.ingest import Reject
from ostinato.errors import UserError
from ostinato.files import replacing_file
from ostinato.music.piece import KEY_SIGNATURE, NOTE, TEMPO, TIME_SIGNATURE, Piece

PIECES, REJECTS = "pieces.parquet", "rejects.csv"
ROWS = 64  # pieces in a row group: what is in memory at once

ARRAYS = {
    "notes": NOTE,
    "tempos": TEMPO,
    "time_signatures": TIME_SIGNATURE,
    "key_signatures": KEY_SIGNATURE,
}


def _struct(dtype: np.dtype[Any]) -> Any:
    return pa.struct([(name, pa.from_numpy_dtype(dtype[name])) for name in dtype.names or ()])


SCHEMA = pa.schema(
    [
        ("name", pa.string()),
        ("source", pa.string()),
        ("resolution", pa.int32()),
        ("track_names", pa.list_(pa.string())),
        *((name, pa.list_(_struct(dtype))) for name, dtype in ARRAYS.items()),
    ]
)


def write(results: Iterable[tuple[str, Piece] | Reject], folder: Path) -> tuple[int, int]:
    """Write (source, piece) rows and rejects into `folder` as they come.

    The same results give the same bytes. Returns how many were kept and how many rejected.
    """
    kept = rejected = 0
    with (
        replacing_file(folder / PIECES) as pieces_part,
        replacing_file(folder / REJECTS) as rejects_part,
        pq.ParquetWriter(pieces_part, SCHEMA, compression="zstd") as writer,
        rejects_part.open("w", encoding="utf-8", newline="") as rejects_file,
    ):
        rejects = csv.writer(rejects_file, lineterminator="\n")
        rejects.writerow(("file", "reason"))
        rows: list[tuple[str, Piece]] = []
        for result in results:
            if isinstance(result, Reject):
                rejects.writerow((result.file, result.reason))
                rejected += 1
                continue
            rows.append(result)
            kept += 1
            if len(rows) == ROWS:
                writer.write_batch(_batch(rows))
                rows = []
        if rows:
            writer.write_batch(_batch(rows))
    return kept, rejected


class PieceStore:
    """The pieces that `write` wrote into a folder, read by name or in order.

    Raises `UserError` when they are not there.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / PIECES
        if not self.path.is_file():
            raise UserError(f"{self.path} is not there: run `ostinato preprocess` first.")
        self._group: tuple[int, list[Piece]] = (-1, [])

    @cached_property
    def _file(self) -> Any:
        return pq.ParquetFile(self.path)

    @cached_property
    def names(self) -> list[str]:
        """The names of all pieces, in order; reads no notes."""
        return self.column("name")

    @cached_property
    def _index(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.names)}

    def __len__(self) -> int:
        return int(self._file.metadata.num_rows)

    def __contains__(self, name: object) -> bool:
        return name in self._index

    def __iter__(self) -> Iterator[Piece]:
        for group in range(self._file.num_row_groups):
            yield from self._pieces(group)

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "_group": (-1, [])}

    def column(self, name: str) -> list[Any]:
        """One column of all pieces: name, source, resolution or track_names."""
        values: list[Any] = self._file.read([name]).column(name).to_pylist()
        return values

    def read(self, name: str) -> Piece:
        """One piece; its row group stays in memory until another is read.

        Raises `KeyError` for an unknown name.
        """
        row = self._index[name]
        return self._pieces(row // ROWS)[row % ROWS]

    def read_all(self, names: Iterable[str]) -> Iterator[Piece]:
        """Pieces by name, in the order of the names; sorted names read each row group once."""
        return map(self.read, names)

    def _pieces(self, group: int) -> list[Piece]:
        if self._group[0] != group:
            self._group = (group, _from_table(self._file.read_row_group(group)))
        return self._group[1]


def _batch(rows: list[tuple[str, Piece]]) -> Any:
    pieces = [piece for _, piece in rows]
    columns = [
        pa.array([piece.name for piece in pieces], pa.string()),
        pa.array([source for source, _ in rows], pa.string()),
        pa.array([piece.resolution for piece in pieces], pa.int32()),
        pa.array([list(piece.track_names) for piece in pieces], pa.list_(pa.string())),
    ]
    for name in ARRAYS:
        columns.append(_lists([getattr(piece, name) for piece in pieces]))
    return pa.record_batch(columns, schema=SCHEMA)


def _lists(arrays: list[NDArray[Any]]) -> Any:
    rows = np.concatenate(arrays)
    offsets = np.cumsum([0, *map(len, arrays)], dtype=np.int32)
    fields = [pa.array(np.ascontiguousarray(rows[name])) for name in rows.dtype.names or ()]
    struct = pa.StructArray.from_arrays(fields, fields=list(_struct(rows.dtype)))
    return pa.ListArray.from_arrays(pa.array(offsets), struct)


def _from_table(table: Any) -> list[Piece]:
    table = table.combine_chunks()
    plain = {name: table.column(name).to_pylist() for name in ("name", "resolution", "track_names")}
    arrays = {name: _arrays(table.column(name).chunk(0), dtype) for name, dtype in ARRAYS.items()}
    return [
        Piece(
            name=plain["name"][row],
            resolution=plain["resolution"][row],
            track_names=tuple(plain["track_names"][row]),
            **{name: values[row] for name, values in arrays.items()},
        )
        for row in range(table.num_rows)
    ]


def _arrays(column: Any, dtype: np.dtype[Any]) -> list[NDArray[Any]]:
    struct = column.flatten()
    rows = np.zeros(len(struct), dtype)
    for name, field in zip(dtype.names or (), struct.flatten(), strict=True):
        rows[name] = field.to_numpy(zero_copy_only=False)
    offsets = column.offsets.to_numpy()
    return np.split(rows, offsets[1:-1] - offsets[0])


def read_rejects(folder: Path) -> list[Reject]:
    """The rejects that `write` wrote into a folder."""
    with (folder / REJECTS).open(encoding="utf-8", newline="") as file:
        return [Reject(row["file"], row["reason"]) for row in csv.DictReader(file)]
