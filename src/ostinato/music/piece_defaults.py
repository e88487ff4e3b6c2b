"""Defaults for what representations drop and a listener needs: tempo, metre, instruments."""

import json
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError

from ostinato.config.instantiate import shown
from ostinato.errors import UserError
from ostinato.music import arrays, limits
from ostinato.music.piece import DEFAULT_QPM, TEMPO, TIME_SIGNATURE, Piece, array
from ostinato.untrusted import KIB, printable, read_regular

DEFAULTS_FILE = "setting.json"
LARGEST = 256 * KIB
SLOWEST = 3.5  # quarter notes per minute; MIDI's slowest, rounded down
Name = Annotated[str, Field(max_length=10_000), AfterValidator(printable)]


@dataclass(frozen=True)
class PieceDefaults:
    """The commonest tempo (quarter notes per minute), metre and instruments of a set of pieces."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(
        strict=True, extra="forbid", allow_inf_nan=False
    )

    qpm: Annotated[float, Field(ge=SLOWEST, le=arrays.FASTEST)] = DEFAULT_QPM
    numerator: Annotated[int, Field(ge=1, le=arrays.MOST_BEATS)] = 4
    denominator: Literal[1, 2, 4, 8, 16, 32, 64] = 4  # as in arrays.DENOMINATORS
    programs: Annotated[
        tuple[Annotated[int, Field(ge=0, le=127)], ...], Field(max_length=limits.MOST_TRACKS)
    ] = ()
    track_names: Annotated[tuple[Name, ...], Field(max_length=limits.MOST_TRACKS)] = ()

    @classmethod
    def of(cls, pieces: Iterable[Piece]) -> "PieceDefaults":
        """Return the commonest values; the tempo is the median, a metre the longest in force."""
        tempos: list[float] = []
        metres: Counter[tuple[int, int]] = Counter()
        bands: Counter[tuple[tuple[int, str], ...]] = Counter()
        for piece in pieces:
            tempos += [float(piece.tempos["qpm"][0])] if len(piece.tempos) else []
            metres.update(_longest_metre(piece))
            first = [piece.track(i)[:1] for i in range(len(piece.track_names))]
            programs = [int(n["program"][0]) if len(n) else 0 for n in first]
            bands[tuple(zip(programs, piece.track_names, strict=True))] += 1
        numerator, denominator = metres.most_common(1)[0][0] if metres else (4, 4)
        band = bands.most_common(1)[0][0] if bands else ()
        return cls(
            qpm=round(float(np.median(tempos)), 3) if tempos else DEFAULT_QPM,
            numerator=numerator,
            denominator=denominator,  # type: ignore[arg-type]  # of `arrays`
            programs=tuple(program for program, _ in band),
            track_names=tuple(printable(name) for _, name in band),
        )

    @classmethod
    def from_json(cls, text: bytes) -> "PieceDefaults":
        """Return the defaults of a JSON file; raises `ValueError` for what music does not have."""
        defaults = TypeAdapter(cls).validate_json(text)
        if missing := {field.name for field in fields(cls)} - json.loads(text).keys():
            raise ValueError(f"it has no {sorted(missing)[0]}")
        if len(defaults.programs) != len(defaults.track_names):
            raise ValueError(
                f"it has {len(defaults.programs)} programs and "
                f"{len(defaults.track_names)} names of tracks"
            )
        return defaults

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for a JSON file."""
        return asdict(self)

    def apply_to(self, piece: Piece, preserves: Collection[str] = ()) -> Piece:
        """Return the piece at this tempo and metre, on these instruments where tracks correspond.

        Of tempo, metre and programs, those in `preserves` stay, where the piece has any.
        """
        notes, names = piece.notes.copy(), list(piece.track_names)
        if "programs" not in preserves and len(names) == len(self.programs) and len(names):
            names = [own or old for own, old in zip(self.track_names, names, strict=True)]
            notes["program"] = np.array(self.programs)[notes["track"]]
        tempos, metres = piece.tempos, piece.time_signatures
        if "tempo" not in preserves or not len(tempos):
            tempos = array(TEMPO, onset=0, qpm=self.qpm)
        if "metre" not in preserves or not len(metres):
            metres = array(
                TIME_SIGNATURE, onset=0, numerator=self.numerator, denominator=self.denominator
            )
        return replace(
            piece,
            notes=notes,
            track_names=tuple(names),
            tempos=tempos,
            time_signatures=metres,
        )


def read_defaults(path: Path) -> PieceDefaults:
    """Return the defaults in a JSON file; raises `UserError` for one that is damaged."""
    try:
        return PieceDefaults.from_json(read_regular(path, LARGEST))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "it"
        reason = first["msg"].replace("Input should", "it should")
        value = f"={shown(first['input'])}" if isinstance(first["input"], int | float | str) else ""
        raise _damage_error(path, f"{where}{value} does not fit, {reason}") from error
    except ValueError as error:
        raise _damage_error(path, str(error)) from error


def _damage_error(path: Path, reason: str) -> UserError:
    return UserError(f"{path} is damaged: {reason}; train the model again.")


def _longest_metre(piece: Piece) -> list[tuple[int, int]]:
    """Return the metre in force longest, unlike that of a pickup; none where none is written."""
    lasting: Counter[tuple[int, int]] = Counter()
    signatures = piece.time_signatures
    spans = np.diff(signatures["onset"], append=max(piece.end, 1))
    for (_, numerator, denominator), ticks in zip(signatures.tolist(), spans.tolist(), strict=True):
        lasting[numerator, denominator] += ticks
    return [metre for metre, _ in lasting.most_common(1)]
