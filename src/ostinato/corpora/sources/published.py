"""Corpora published as arrays in one file, with the parts that published figures speak of.

`ostinato fetch` writes them as MIDI into train/, validation/ and test/; `split=published` keeps
those parts.
"""

import pickle
import zipfile
from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ostinato.console import say, track
from ostinato.corpora.parts import PARTS
from ostinato.corpora.sources.checksum import sha256_or_none
from ostinato.corpora.sources.download import download, forget, local
from ostinato.corpora.sources.packaged import RESOLUTION, as_midi_holds_it
from ostinato.corpora.sources.source import Source, Terms
from ostinato.errors import UserError
from ostinato.music.piece import LOUDNESS, NOTE, Piece, array
from ostinato.music.writing import write_midi
from ostinato.wording import quantity

LOWEST = 21  # the MIDI pitch of the first of the 88 keys
VOICES = ("Soprano", "Alto", "Tenor", "Bass")
HARMLESS = {  # what arrays in a pickle are made of
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
}


@dataclass(frozen=True)
class Published(Source):
    """One file, from the network or at hand, that holds all pieces and their parts."""

    address: Annotated[str, Field(min_length=1, description="where it is published")]
    steps_per_quarter: Annotated[
        int, Field(ge=1, le=24, description="how many steps of the arrays last a quarter note")
    ]
    sha256: Annotated[
        str | None, Field(pattern="^[0-9a-f]{64}$", description="of the file; null: not checked")
    ]
    path: Annotated[
        str | None, Field(min_length=1, description="the file, if you have it; null: download it")
    ]
    licence: Annotated[str, Field(description="on what terms it is published")]
    citation: Annotated[str, Field(description="whom to cite")]

    def terms(self) -> Terms:
        """Return the terms as the config says."""
        return Terms(self.licence, self.citation)

    def write(self, folder: Path, processes: int, mirror: str | None = None) -> None:  # noqa: ARG002
        """Write each piece as a MIDI file into the folder of its part."""
        pieces = self.pieces(mirror)
        for piece in track(pieces, "writing", len(pieces)):
            write_midi(piece, folder / f"{piece.name}.mid")
        say(f"{quantity(len(pieces), 'piece')} written as MIDI")

    def pieces(self, mirror: str | None = None) -> list[Piece]:
        """Return all pieces, named by their part and their place in it, as in train/000."""
        ticks, rest = divmod(RESOLUTION, self.steps_per_quarter)
        if rest:
            raise UserError(
                f"corpus.source.steps_per_quarter={self.steps_per_quarter} does not divide the "
                f"{RESOLUTION} ticks of a quarter note."
            )
        return [
            self.piece(steps, ticks, f"{part}/{number:03d}")
            for part, arrays in self.arrays(mirror).items()
            for number, steps in enumerate(arrays)
        ]

    def arrays(self, mirror: str | None = None) -> dict[str, list[NDArray[Any]]]:
        """Return the arrays of train, validation and test, in the order of the file.

        Raises `UserError` where the file cannot be had or is of another kind.
        """
        file = self._file(mirror)
        try:
            return {part: list(arrays) for part, arrays in self.read(file)}
        except Exception as error:  # scipy and NumPy let through whatever a broken file gives
            forget(file)
            raise UserError(
                f"{file} cannot be read as {self.address.rsplit('/', 1)[-1]}: "
                f"{' '.join(str(error).split())[:200] or type(error).__name__}."
            ) from error

    def _file(self, mirror: str | None) -> Path:
        checksum = sha256_or_none(self.sha256)
        if self.path is not None:
            return local(self.path, checksum)
        return download(self.address, checksum, mirror)

    @abstractmethod
    def read(self, file: Path) -> Iterable[tuple[str, Iterable[NDArray[Any]]]]:
        """Return the parts and their arrays."""

    @abstractmethod
    def piece(self, steps: NDArray[Any], ticks: int, name: str) -> Piece:
        """Return one array as a piece, at `ticks` ticks a step."""


class PianoRolls(Published):
    """Binary piano-rolls of 88 keys in a .mat file (Boulanger-Lewandowski et al. 2012).

    Where a key is down in steps that follow each other, they are one note: the rolls do not tell
    repeated notes from held ones. Silence after the last note is not kept.
    """

    def read(self, file: Path) -> Iterable[tuple[str, Iterable[NDArray[Any]]]]:
        """Yield (time, 88) arrays of 0 and 1."""
        from scipy.io import loadmat

        parts = loadmat(file)
        for part in PARTS:
            key = {"validation": "valid"}.get(part, part) + "data"
            yield part, (_of_width(roll, 88) for roll in parts[key].ravel())

    def piece(self, steps: NDArray[Any], ticks: int, name: str) -> Piece:
        """Return one track, a note for each stretch in which a key is down."""
        onset, end, key = _stretches(steps.astype(bool))
        return _piece(onset * ticks, (end - onset) * ticks, key + LOWEST, 0, ("",), name)


class SeparatedVoices(Published):
    """Four voices as (time, 4) arrays of MIDI pitches, NaN for rests, in an .npz file.

    The same pitch in steps that follow each other is one note: the arrays do not tell repeated
    notes from held ones. A voice without notes is no track.
    """

    def read(self, file: Path) -> Iterable[tuple[str, Iterable[NDArray[Any]]]]:
        """Yield (time, 4) arrays of pitches."""
        for part in PARTS:
            key = {"validation": "valid"}.get(part, part)
            yield part, (_of_width(steps, 4) for steps in object_arrays(file, key))

    def piece(self, steps: NDArray[Any], ticks: int, name: str) -> Piece:
        """Return four tracks, from soprano to bass."""
        pitches = np.nan_to_num(steps.astype(float), nan=-1).astype(int)
        down = pitches[:, :, None] == np.arange(128)
        onset, end, cell = _stretches(down.reshape(len(steps), -1))
        voice, pitch = np.divmod(cell, 128)
        return _piece(onset * ticks, (end - onset) * ticks, pitch, voice, VOICES, name)


def _stretches(
    down: NDArray[np.bool_],
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return first step, step after the last, and column of every run in (time, column)."""
    edge = np.zeros((1, down.shape[1]), np.int8)
    change = np.diff(down.astype(np.int8), axis=0, prepend=edge, append=edge)
    column, onset = np.nonzero(change.T == 1)
    _, end = np.nonzero(change.T == -1)
    return onset, end, column


def _piece(
    onset: NDArray[np.intp],
    duration: NDArray[np.intp],
    pitch: NDArray[np.intp],
    voice: NDArray[np.intp] | int,
    names: tuple[str, ...],
    name: str,
) -> Piece:
    notes = array(NOTE, onset=onset, duration=duration, pitch=pitch, track=voice, velocity=LOUDNESS)
    return as_midi_holds_it(Piece(name, RESOLUTION, notes, track_names=names))


def _of_width(steps: NDArray[Any], width: int) -> NDArray[Any]:
    if steps.ndim != 2 or steps.shape[1] != width:
        raise ValueError(f"an array of shape {steps.shape}, where (time, {width}) is expected")
    return steps


class _Arrays(pickle.Unpickler):
    """A reader of pickles that knows arrays and runs no other code that a file carries."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in HARMLESS:
            raise pickle.UnpicklingError(f"it holds {module}.{name}, where arrays are expected")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def object_arrays(file: Path, key: str) -> NDArray[Any]:
    """Return an array of dtype object under `key` of an .npz file that Python 2 or 3 wrote.

    Raises `KeyError`, `ValueError` or `pickle.UnpicklingError` where it is not one.
    """
    with zipfile.ZipFile(file) as archive, archive.open(f"{key}.npy") as member:
        if np.lib.format.read_magic(member) != (1, 0):
            raise ValueError(f"{key} is in a form of NumPy's that is not known")
        _, _, dtype = np.lib.format.read_array_header_1_0(member)
        if dtype != np.dtype(object):
            raise ValueError(f"{key} holds {dtype}, where arrays are expected")
        arrays: NDArray[Any] = _Arrays(member, encoding="latin1").load()
    return arrays
