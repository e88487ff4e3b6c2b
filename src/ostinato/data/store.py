"""Encoded pieces on disk, memory-mapped: opening one is instant, however large."""

import json
import shutil
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato import scratch
from ostinato.data.losses import KINDS, Losses
from ostinato.errors import UnencodableError, UserError
from ostinato.files import atomic_file, write_json, write_text
from ostinato.music.piece import Piece
from ostinato.parallel import Workers
from ostinato.representations.base import Representation

STEPS, POSITIONS, TABLE, ABOUT = "steps.bin", "positions.bin", "pieces.npy", "pieces.json"
COLUMNS = 5  # of the table: steps, lowest and highest pitch, quarter notes, notes; then losses
COPIED = 1 << 20  # bytes at once


@dataclass(frozen=True)
class Bits:
    """Frames (time, width) of 0 and 1, eight to a byte, that unpack what is taken of them."""

    packed: NDArray[np.uint8]
    width: int

    @property
    def shape(self) -> tuple[int, int]:
        """Return time and width."""
        return len(self.packed), self.width

    @property
    def ndim(self) -> int:
        """Return 2: time and width."""
        return len(self.shape)

    def __len__(self) -> int:
        return len(self.packed)

    def __getitem__(self, at: Any) -> NDArray[np.uint8]:
        return np.unpackbits(self.packed[at], axis=-1, count=self.width)


@dataclass(frozen=True)
class TokenStore:
    """The encoded pieces, one after the other.

    Piece i is `steps[offsets[i]:offsets[i + 1]]`: tokens (time,), with the end token before and
    after them where the representation has one, or frames (time, width) with an empty one before
    them. `positions` has a row for each. `lowest` and `highest` are its pitches, `quarters` its
    length in quarter notes. `skipped` maps the names of pieces that the representation cannot hold
    to the reason; `losses` are what the others lose.
    """

    steps: NDArray[Any] | Bits
    positions: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    lowest: NDArray[np.int64]
    highest: NDArray[np.int64]
    quarters: NDArray[np.float64]
    names: list[str]
    skipped: dict[str, str]
    losses: Losses = field(default_factory=Losses.none)
    folder: Path | None = field(default=None, init=False, compare=False)

    def __reduce__(self) -> Any:
        """Have another process open the files again, rather than copy what is in them."""
        return super().__reduce__() if self.folder is None else (type(self).open, (self.folder,))

    def piece(self, index: int) -> NDArray[Any]:
        """Return the steps of one piece: (time,) or (time, width)."""
        return self.steps[self.offsets[index] : self.offsets[index + 1]]

    def indices(self, names: Iterable[str]) -> NDArray[np.int64]:
        """Return where the named pieces stand; those that were skipped are left out."""
        at = {name: i for i, name in enumerate(self.names)}
        return np.array([at[name] for name in names if name in at], dtype=np.int64)

    @classmethod
    def open(cls, folder: Path) -> "TokenStore":
        """Map a store into memory."""
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        table = np.load(folder / TABLE)
        lengths, lowest, highest = (table[:, i].astype(np.int64) for i in range(3))
        count = int(lengths.sum())
        store = cls(
            _map_steps(folder / STEPS, about, count),
            _map_file(folder / POSITIONS, "u1", (count, about["features"])),
            np.concatenate([[0], np.cumsum(lengths)]),
            lowest,
            highest,
            table[:, 3],
            about["names"],
            about["skipped"],
            _read_losses(about["names"], table),
        )
        object.__setattr__(store, "folder", folder)  # of a frozen class
        return store


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
    whole = beside / "whole"
    whole.mkdir(parents=True, exist_ok=True)
    made = [beside / f"{number:05d}" for number in range(len(parts))]
    waiting = [pair for pair in zip(made, parts, strict=True) if not _about_path(pair[0]).exists()]
    encode = partial(_encode_part, representation)
    workers = workers or Workers.of_this_machine(1)
    encoded = workers.map(encode, waiting, _raise_crashed)
    missing = {part for part, _ in waiting}
    _join(_encode_missing(made, missing, encoded, advance), representation, whole)
    with scratch.temporary(folder) as gone:  # the parts go with it, however this ends
        beside.replace(gone / beside.name)
        scratch.put(gone / beside.name / whole.name, folder)


def _encode_missing(
    made: Sequence[Path],
    missing: Container[Path],
    encoded: Iterator[None],
    advance: Callable[[float], None] | None,
) -> Iterator[Path]:
    """Yield each part as soon as it is there, so that parts are joined while others are encoded."""
    done = sum(part not in missing for part in made)
    for part in made:
        if part in missing:
            next(encoded)
            done += 1
            if advance:
                advance(done)
        yield part
    next(encoded, None)  # there is none: it lets go of its processes


def _about_path(part: Path) -> Path:
    """Return what a part holds; there once all is. A folder for each would be slow to remove."""
    return part.with_suffix(".json")


def _encode_part(representation: Representation, task: tuple[Path, Iterable[Piece]]) -> None:
    """Write some pieces as files that are called alike."""
    part, pieces = task
    rows: list[tuple[float, ...]] = []
    names: list[str] = []
    skipped: dict[str, str] = {}
    with (  # a worker that outlived its master may be writing the same part, the same bytes
        atomic_file(part.with_suffix(f".{STEPS}"), part.parent) as steps_path,
        atomic_file(part.with_suffix(f".{POSITIONS}"), part.parent) as positions_path,
        steps_path.open("wb") as steps_file,
        positions_path.open("wb") as positions_file,
    ):
        for piece in pieces:
            try:
                steps = representation.encode(piece)
            except UnencodableError as error:
                skipped[piece.name] = str(error)
                continue
            lost = representation.count_losses(piece, steps)
            losses = [lost.get(kind, 0) for kind in KINDS]
            steps = _add_ends(steps, representation)
            length = len(steps)
            positions_file.write(
                np.ascontiguousarray(representation.positions(steps), np.uint8).data
            )
            if representation.binary:
                steps = np.packbits(steps, axis=-1)
            steps_file.write(
                np.ascontiguousarray(steps, _step_dtype(representation)).data.cast("B")
            )
            names.append(piece.name)
            rows.append((length, *_find_range(piece), piece.quarters, len(piece.notes), *losses))
    about = json.dumps({"rows": rows, "names": names, "skipped": skipped})
    write_text(_about_path(part), about, within=part.parent)


def _join(parts: Iterable[Path], representation: Representation, folder: Path) -> None:
    """Write one store of all the pieces of several parts."""
    rows: list[tuple[float, ...]] = []
    names: list[str] = []
    skipped: dict[str, str] = {}
    with (folder / STEPS).open("wb") as steps, (folder / POSITIONS).open("wb") as positions:
        for part in parts:
            for name, whole in ((STEPS, steps), (POSITIONS, positions)):
                with part.with_suffix(f".{name}").open("rb") as file:
                    shutil.copyfileobj(file, whole, COPIED)
            about = json.loads(_about_path(part).read_text(encoding="utf-8"))
            rows += about["rows"]
            names += about["names"]
            skipped |= about["skipped"]
    _describe(folder, representation, np.array(rows, np.float64), names, skipped)


def _describe(
    folder: Path,
    representation: Representation,
    table: NDArray[np.float64],
    names: list[str],
    skipped: dict[str, str],
) -> None:
    table = table.reshape(-1, COLUMNS + len(KINDS))
    np.save(folder / TABLE, table)
    about = {
        "dtype": _step_dtype(representation).str,
        "width": None if representation.kind == "tokens" else representation.size,
        "packed": representation.binary,
        "features": len(representation.position_features),
        "names": names,
        "skipped": skipped,
    }
    write_json(folder / ABOUT, about)


def _read_losses(names: list[str], table: NDArray[np.float64]) -> Losses:
    columns = table[:, COLUMNS - 1 :].astype(np.int64)
    return Losses(names, columns[:, 0], columns[:, 1:])


def _step_dtype(representation: Representation) -> np.dtype[Any]:
    """Return the type of a step on disk: tokens up to 65,535, frames of bytes; little-endian."""
    return np.dtype("<u2" if representation.kind == "tokens" else "u1")


def _find_range(piece: Piece) -> tuple[int, int]:
    """Return the lowest and the highest pitch, drums left out."""
    pitches = piece.notes["pitch"][~piece.notes["drum"]]
    return (int(pitches.min()), int(pitches.max())) if len(pitches) else (0, 127)


def _map_steps(path: Path, about: dict[str, Any], count: int) -> NDArray[Any] | Bits:
    width = about["width"]
    if width is None:
        return _map_file(path, about["dtype"], (count,))
    if about["packed"]:
        return Bits(_map_file(path, "u1", (count, -(-width // 8))), width)
    return _map_file(path, about["dtype"], (count, width))


def _map_file(path: Path, dtype: str, shape: tuple[int, ...]) -> NDArray[Any]:
    # an empty file, for example of a representation that fits no piece, cannot be mapped
    if not path.stat().st_size:
        return np.zeros(shape, dtype)
    return np.memmap(path, dtype, "r", shape=shape)


def _add_ends(steps: NDArray[Any], representation: Representation) -> NDArray[Any]:
    """Return the steps with the step before the first and, where there is one, the end token."""
    if representation.kind == "frames":
        return np.concatenate([np.zeros_like(steps, shape=(1, steps.shape[1])), steps])
    if representation.end is None:
        return steps
    both = np.empty(len(steps) + 2, steps.dtype)
    both[0] = both[-1] = representation.end
    both[1:-1] = steps
    return both


def _raise_crashed(task: tuple[Path, Iterable[Piece]]) -> None:
    part, pieces = task
    raise UserError(
        f"encoding crashed or ran out of memory in part {part.name}, which begins with "
        f"{next(iter(pieces)).name}."
    )
