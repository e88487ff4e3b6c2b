"""Pieces as Arrow tables, a row a piece, and back."""

import hashlib
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ostinato.music.piece import KEY_SIGNATURE, NOTE, TEMPO, TIME_SIGNATURE, Piece

ARRAYS = {
    "notes": NOTE,
    "tempos": TEMPO,
    "time_signatures": TIME_SIGNATURE,
    "key_signatures": KEY_SIGNATURE,
}


def _list(dtype: np.dtype[Any]) -> Any:
    """Lists of rows, in which nothing is missing: not to say so of each value saves time."""
    fields = [
        pa.field(name, pa.from_numpy_dtype(dtype[name]), nullable=False)
        for name in dtype.names or ()
    ]
    return pa.list_(pa.field("element", pa.struct(fields), nullable=False))


SCHEMA = pa.schema(
    [
        ("name", pa.string()),
        ("source", pa.string()),
        ("digest", pa.binary(16)),
        ("resolution", pa.int32()),
        ("track_names", pa.list_(pa.string())),
        *(pa.field(name, _list(dtype), nullable=False) for name, dtype in ARRAYS.items()),
    ]
)


def digest(piece: Piece) -> bytes:
    """16 bytes that tell this music from any other, whatever it and its tracks are called."""
    hashed = hashlib.blake2b(str(piece.resolution).encode(), digest_size=16)
    for name in ARRAYS:
        hashed.update(getattr(piece, name).tobytes() + name.encode())
    return hashed.digest()


def to_table(rows: Sequence[tuple[str, Piece]], digests: bool) -> Any:
    """(source, piece) rows as a table of `SCHEMA`; without `digests` that column is null."""
    pieces = [piece for _, piece in rows]
    columns = [
        pa.array([piece.name for piece in pieces], pa.string()),
        pa.array([source for source, _ in rows], pa.string()),
        pa.array([digest(piece) if digests else None for piece in pieces], pa.binary(16)),
        pa.array([piece.resolution for piece in pieces], pa.int32()),
        pa.array([list(piece.track_names) for piece in pieces], pa.list_(pa.string())),
    ]
    for name, dtype in ARRAYS.items():
        columns.append(_lists([getattr(piece, name) for piece in pieces], dtype))
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def to_pieces(table: Any) -> list[Piece]:
    """The pieces of a table that `to_table` made."""
    table = table.combine_chunks()
    if not table.num_rows:
        return []
    plain = {name: table.column(name).to_pylist() for name in ("name", "resolution", "track_names")}
    arrays = {name: _arrays(table.column(name).chunk(0), dtype) for name, dtype in ARRAYS.items()}
    return [
        Piece.in_order(
            name=plain["name"][row],
            resolution=plain["resolution"][row],
            track_names=tuple(plain["track_names"][row]),
            **{name: values[row] for name, values in arrays.items()},
        )
        for row in range(table.num_rows)
    ]


def _lists(arrays: list[NDArray[Any]], dtype: np.dtype[Any]) -> Any:
    # as bytes: joining structured arrays takes several times as long
    rows = np.concatenate([np.zeros(0, np.uint8), *(a.view(np.uint8) for a in arrays)]).view(dtype)
    offsets = np.cumsum([0, *map(len, arrays)], dtype=np.int32)
    fields = [pa.array(np.ascontiguousarray(rows[name])) for name in dtype.names or ()]
    kind = _list(dtype)
    struct = pa.StructArray.from_arrays(fields, fields=list(kind.value_type))
    return pa.ListArray.from_arrays(pa.array(offsets), struct, type=kind)


def _arrays(column: Any, dtype: np.dtype[Any]) -> list[NDArray[Any]]:
    struct = column.flatten()
    rows = np.empty(len(struct), dtype)
    for name, field in zip(dtype.names or (), struct.flatten(), strict=True):
        rows[name] = field.to_numpy(zero_copy_only=False)
    bounds = column.offsets.to_numpy()
    return [rows[start:end] for start, end in pairwise((bounds - bounds[0]).tolist())]
