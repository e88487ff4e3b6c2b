"""Encoded pieces on disk, memory-mapped: opening one is instant, however large."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import UnencodableError
from ostinato.files import replacing_folder, write_json
from ostinato.music.piece import Piece
from ostinato.representations.base import Representation


@dataclass(frozen=True)
class TokenStore:
    """The encoded pieces, one after the other.

    Piece i is `tokens[offsets[i]:offsets[i + 1]]`, with the end token before and after it where
    the representation has one, and `positions` has a row for each. `lowest` and `highest` are its
    pitches, `quarters` its length in quarter notes. `skipped` maps the names of pieces that the
    representation cannot hold to the reason.
    """

    tokens: NDArray[np.uint16]
    positions: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    lowest: NDArray[np.int64]
    highest: NDArray[np.int64]
    quarters: NDArray[np.float64]
    names: list[str]
    skipped: dict[str, str]

    def piece(self, index: int) -> NDArray[np.uint16]:
        """The tokens of one piece: (time,)."""
        return self.tokens[self.offsets[index] : self.offsets[index + 1]]

    def indices(self, names: Iterable[str]) -> NDArray[np.int64]:
        """Where the named pieces stand; those that were skipped are left out."""
        at = {name: i for i, name in enumerate(self.names)}
        return np.array([at[name] for name in names if name in at], dtype=np.int64)

    @classmethod
    def open(cls, folder: Path) -> "TokenStore":
        """Map a store into memory."""
        about = json.loads((folder / "pieces.json").read_text(encoding="utf-8"))
        table = np.load(folder / "pieces.npy")
        tokens = _mapped(folder / "tokens.bin", "<u2")
        positions = _mapped(folder / "positions.bin", "u1").reshape(len(tokens), about["features"])
        lengths, lowest, highest = (table[:, i].astype(np.int64) for i in range(3))
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        return cls(
            tokens,
            positions,
            offsets,
            lowest,
            highest,
            table[:, 3],
            about["names"],
            about["skipped"],
        )


def write_store(pieces: Iterable[Piece], representation: Representation, folder: Path) -> None:
    """Encode the pieces into a new store, streaming; it appears whole or not at all."""
    names: list[str] = []
    rows: list[tuple[float, ...]] = []
    skipped: dict[str, str] = {}
    with (
        replacing_folder(folder) as part,
        (part / "tokens.bin").open("wb") as tokens_file,
        (part / "positions.bin").open("wb") as positions_file,
    ):
        for piece in pieces:
            try:
                tokens = representation.encode(piece)
            except UnencodableError as error:
                skipped[piece.name] = str(error)
                continue
            tokens = _with_ends(tokens, representation.end)
            tokens_file.write(tokens.astype("<u2").tobytes())
            positions_file.write(representation.positions(tokens).astype(np.uint8).tobytes())
            names.append(piece.name)
            pitches = piece.notes["pitch"][~piece.notes["drum"]]
            low, high = (int(pitches.min()), int(pitches.max())) if len(pitches) else (0, 127)
            rows.append((len(tokens), low, high, piece.quarters))
        np.save(part / "pieces.npy", np.array(rows, np.float64).reshape(-1, 4))
        features = len(representation.position_sizes)
        write_json(part / "pieces.json", {"features": features, "names": names, "skipped": skipped})


def _mapped(path: Path, dtype: str) -> NDArray[Any]:
    # an empty file, for example of a representation that fits no piece, cannot be mapped
    return np.memmap(path, dtype, "r") if path.stat().st_size else np.zeros(0, dtype)


def _with_ends(tokens: NDArray[Any], end: int | None) -> NDArray[Any]:
    return tokens if end is None else np.concatenate([[end], tokens, [end]])
