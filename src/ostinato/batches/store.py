"""Encoded pieces on disk, memory-mapped: opening one is instant, however large."""

import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import UnencodableError, UserError
from ostinato.files import replacing_file, replacing_folder, write_json
from ostinato.music.piece import Piece
from ostinato.parallel import Workers
from ostinato.representations.base import Representation

STEPS, POSITIONS, TABLE, ABOUT = "steps.bin", "positions.bin", "pieces.npy", "pieces.json"


@dataclass(frozen=True)
class TokenStore:
    """The encoded pieces, one after the other.

    Piece i is `steps[offsets[i]:offsets[i + 1]]`: tokens (time,), with the end token before and
    after them where the representation has one, or frames (time, width). `positions` has a row for
    each. `lowest` and `highest` are its pitches, `quarters` its length in quarter notes. `skipped`
    maps the names of pieces that the representation cannot hold to the reason.
    """

    steps: NDArray[Any]
    positions: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    lowest: NDArray[np.int64]
    highest: NDArray[np.int64]
    quarters: NDArray[np.float64]
    names: list[str]
    skipped: dict[str, str]

    def piece(self, index: int) -> NDArray[Any]:
        """The steps of one piece: (time,) or (time, width)."""
        return self.steps[self.offsets[index] : self.offsets[index + 1]]

    def indices(self, names: Iterable[str]) -> NDArray[np.int64]:
        """Where the named pieces stand; those that were skipped are left out."""
        at = {name: i for i, name in enumerate(self.names)}
        return np.array([at[name] for name in names if name in at], dtype=np.int64)

    @classmethod
    def open(cls, folder: Path) -> "TokenStore":
        """Map a store into memory."""
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        table = np.load(folder / TABLE)
        lengths, lowest, highest = (table[:, i].astype(np.int64) for i in range(3))
        count = int(lengths.sum())
        return cls(
            _mapped(folder / STEPS, about["dtype"], (count, *about["width"])),
            _mapped(folder / POSITIONS, "u1", (count, about["features"])),
            np.concatenate([[0], np.cumsum(lengths)]),
            lowest,
            highest,
            table[:, 3],
            about["names"],
            about["skipped"],
        )


def write_store(
    parts: Sequence[Iterable[Piece]],
    representation: Representation,
    folder: Path,
    workers: Workers | None = None,
    advance: Callable[[float], None] | None = None,
) -> None:
    """Encode the pieces into a new store, part by part; it appears whole or not at all.

    What is encoded is kept beside `folder` until all is: an encoding that was stopped goes on. The
    bytes do not depend on `workers`. `advance` is told how many parts are done.
    """
    beside = folder.with_name(f"{folder.name}.parts")
    beside.mkdir(parents=True, exist_ok=True)
    files = [beside / f"{number:05d}.npz" for number in range(len(parts))]
    waiting = [pair for pair in zip(files, parts, strict=True) if not pair[0].exists()]
    encode = partial(_encode_part, representation)
    encoded = (workers or Workers(processes=1)).each(encode, waiting, _crashed)
    for done, _ in enumerate(encoded, len(parts) - len(waiting) + 1):
        if advance:
            advance(done)
    with replacing_folder(folder) as part:
        _join(files, representation, part)
    shutil.rmtree(beside)


def _encode_part(representation: Representation, task: tuple[Path, Iterable[Piece]]) -> None:
    file, pieces = task
    steps, positions, rows, names = [], [], [], []
    skipped: dict[str, str] = {}
    for piece in pieces:
        try:
            encoded = representation.encode(piece)
        except UnencodableError as error:
            skipped[piece.name] = str(error)
            continue
        encoded = _with_ends(encoded, representation.end)
        steps.append(encoded)
        positions.append(representation.positions(encoded).astype(np.uint8))
        names.append(piece.name)
        pitches = piece.notes["pitch"][~piece.notes["drum"]]
        low, high = (int(pitches.min()), int(pitches.max())) if len(pitches) else (0, 127)
        rows.append((len(encoded), low, high, piece.quarters))
    with replacing_file(file) as beside, beside.open("wb") as opened:
        np.savez(
            opened,
            steps=np.concatenate(steps) if steps else _nothing(representation),
            positions=np.concatenate(positions) if positions else np.zeros(0, np.uint8),
            rows=np.array(rows, np.float64).reshape(-1, 4),
            about=np.array(json.dumps([names, skipped])),
        )


def _join(files: Sequence[Path], representation: Representation, folder: Path) -> None:
    names: list[str] = []
    skipped: dict[str, str] = {}
    tables = [np.zeros((0, 4))]
    nothing = _nothing(representation)
    little = nothing.dtype.newbyteorder("<")
    with (folder / STEPS).open("wb") as steps, (folder / POSITIONS).open("wb") as positions:
        for file in files:
            with np.load(file) as part:
                steps.write(np.ascontiguousarray(part["steps"], little).data.cast("B"))
                positions.write(part["positions"].data.cast("B"))
                tables.append(part["rows"])
                more, left_out = json.loads(str(part["about"]))
            names += more
            skipped |= left_out
    np.save(folder / TABLE, np.concatenate(tables))
    about = {
        "dtype": little.str,
        "width": list(nothing.shape[1:]),
        "features": len(representation.position_sizes),
        "names": names,
        "skipped": skipped,
    }
    write_json(folder / ABOUT, about)


def _nothing(representation: Representation) -> NDArray[Any]:
    """No steps, of the kind that the representation makes."""
    if representation.kind == "tokens":
        return np.zeros(0, np.uint16)
    return np.zeros((0, representation.size), np.uint8)


def _mapped(path: Path, dtype: str, shape: tuple[int, ...]) -> NDArray[Any]:
    # an empty file, for example of a representation that fits no piece, cannot be mapped
    if not path.stat().st_size:
        return np.zeros(shape, dtype)
    return np.memmap(path, dtype, "r", shape=shape)


def _with_ends(steps: NDArray[Any], end: int | None) -> NDArray[Any]:
    return steps if end is None else np.concatenate([[end], steps, [end]]).astype(steps.dtype)


def _crashed(task: tuple[Path, Iterable[Piece]]) -> None:
    file, pieces = task
    raise UserError(
        f"encoding crashed or ran out of memory in part {file.stem}, which begins with "
        f"{next(iter(pieces)).name}."
    )
