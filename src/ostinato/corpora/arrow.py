"""Pieces as two Arrow tables, a row a piece and a row a note, and back."""

import hashlib
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ostinato.music.piece import KEY_SIGNATURE, NOTE, TEMPO, TIME_SIGNATURE, Piece

CHANGES = {
    "tempos": TEMPO,
    "time_signatures": TIME_SIGNATURE,
    "key_signatures": KEY_SIGNATURE,
}


def _fields(dtype: np.dtype[Any]) -> list[Any]:
    """Return the columns of an array; no value is missing, and not to say so of each saves time."""
    return [
        pa.field(name, pa.from_numpy_dtype(dtype[name]), nullable=False)
        for name in dtype.names or ()
    ]


def _list(dtype: np.dtype[Any]) -> Any:
    return pa.list_(pa.field("element", pa.struct(_fields(dtype)), nullable=False))


PIECES = pa.schema(
    [
        ("name", pa.string()),
        ("source", pa.string()),
        ("digest", pa.binary(16)),
        ("resolution", pa.int32()),
        pa.field("notes", pa.int32(), nullable=False),  # how many
        ("track_names", pa.list_(pa.string())),
        *(pa.field(name, _list(dtype), nullable=False) for name, dtype in CHANGES.items()),
    ]
)
NOTES = pa.schema([pa.field("piece", pa.int32(), nullable=False), *_fields(NOTE)])


def digest(piece: Piece) -> bytes:
    """Return 16 bytes that tell this music from any other; names are ignored."""
    hashed = hashlib.blake2b(str(piece.resolution).encode(), digest_size=16)
    for name in ("notes", *CHANGES):
        hashed.update(getattr(piece, name).tobytes() + name.encode())
    return hashed.digest()


def to_tables(rows: Sequence[tuple[str, Piece]], digests: bool) -> tuple[Any, Any]:
    """Return (source, piece) rows as a table of `PIECES`, and all their notes as one of `NOTES`.

    `piece` is the row that a note belongs to. Without `digests` that column is null.
    """
    pieces = [piece for _, piece in rows]
    counts = np.array([len(piece.notes) for piece in pieces], np.int32)
    columns = [
        pa.array([piece.name for piece in pieces], pa.string()),
        pa.array([source for source, _ in rows], pa.string()),
        pa.array([digest(piece) if digests else None for piece in pieces], pa.binary(16)),
        pa.array([piece.resolution for piece in pieces], pa.int32()),
        pa.array(counts),
        pa.array([list(piece.track_names) for piece in pieces], pa.list_(pa.string())),
    ]
    for name, dtype in CHANGES.items():
        columns.append(_lists([getattr(piece, name) for piece in pieces], dtype))
    owners = pa.array(np.repeat(np.arange(len(pieces), dtype=np.int32), counts))
    notes = _columns(_join([piece.notes for piece in pieces], NOTE))
    return (
        pa.Table.from_arrays(columns, schema=PIECES),
        pa.Table.from_arrays([owners, *notes], schema=NOTES),
    )


def to_pieces(pieces: Any, notes: Any) -> list[Piece]:
    """Return the pieces of tables that `to_tables` made."""
    pieces = pieces.combine_chunks()
    if not pieces.num_rows:
        return []
    wanted = ("name", "resolution", "track_names")
    plain = {name: pieces.column(name).to_pylist() for name in wanted}
    bounds = np.concatenate(([0], np.cumsum(pieces.column("notes").to_numpy())))
    rows = _to_structured(notes.combine_chunks().select(NOTE.names).itercolumns(), NOTE)
    arrays = {"notes": _split(rows, bounds)} | {
        name: _arrays(pieces.column(name).chunk(0), dtype) for name, dtype in CHANGES.items()
    }
    return [
        Piece.in_order(
            name=plain["name"][row],
            resolution=plain["resolution"][row],
            track_names=tuple(plain["track_names"][row]),
            **{name: values[row] for name, values in arrays.items()},
        )
        for row in range(pieces.num_rows)
    ]


def _join(arrays: list[NDArray[Any]], dtype: np.dtype[Any]) -> NDArray[Any]:
    # as bytes: joining structured arrays takes several times as long
    rows = np.concatenate([np.zeros(0, np.uint8), *(a.view(np.uint8) for a in arrays)])
    return rows.view(dtype)


def _columns(rows: NDArray[Any]) -> list[Any]:
    return [pa.array(np.ascontiguousarray(rows[name])) for name in rows.dtype.names or ()]


def _lists(arrays: list[NDArray[Any]], dtype: np.dtype[Any]) -> Any:
    offsets = np.cumsum([0, *map(len, arrays)], dtype=np.int32)
    columns = _columns(_join(arrays, dtype))
    struct = pa.StructArray.from_arrays(columns, fields=_fields(dtype))
    return pa.ListArray.from_arrays(pa.array(offsets), struct, type=_list(dtype))


def _to_structured(columns: Iterable[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    columns = [column.to_numpy(zero_copy_only=False) for column in columns]
    rows = np.empty(len(columns[0]), dtype)
    for name, column in zip(dtype.names or (), columns, strict=True):
        rows[name] = column
    return rows


def _arrays(column: Any, dtype: np.dtype[Any]) -> list[NDArray[Any]]:
    bounds = column.offsets.to_numpy()
    return _split(_to_structured(column.flatten().flatten(), dtype), bounds - bounds[0])


def _split(rows: NDArray[Any], bounds: NDArray[np.integer[Any]]) -> list[NDArray[Any]]:
    return [rows[start:end] for start, end in pairwise(bounds.tolist())]
