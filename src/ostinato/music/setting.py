"""What representations drop and a listener still needs: tempo, metre, instruments."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from ostinato.music.piece import DEFAULT_QPM, TEMPO, TIME_SIGNATURE, Piece, array


@dataclass(frozen=True)
class Setting:
    """The commonest tempo (quarter notes per minute), metre and instruments of a set of pieces."""

    qpm: float = DEFAULT_QPM
    numerator: int = 4
    denominator: int = 4
    programs: tuple[int, ...] = ()
    track_names: tuple[str, ...] = ()

    @classmethod
    def of(cls, pieces: Iterable[Piece]) -> "Setting":
        """What most of the pieces have; the tempo is the median, a metre that in force longest."""
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
            denominator=denominator,
            programs=tuple(program for program, _ in band),
            track_names=tuple(name for _, name in band),
        )

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Setting":
        """The inverse of `to_dict`."""
        programs, names = tuple(values["programs"]), tuple(values["track_names"])
        return cls(**{**values, "programs": programs, "track_names": names})

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a JSON file."""
        return asdict(self)

    def dress(self, piece: Piece, keeps: Collection[str] = ()) -> Piece:
        """The piece at this tempo and metre, on these instruments where the tracks correspond.

        Of tempo, metre and programs, those in `keeps` stay as the piece says, where it says any.
        """
        notes, names = piece.notes.copy(), list(piece.track_names)
        if "programs" not in keeps and len(names) == len(self.programs) and len(names):
            names = [own or old for own, old in zip(self.track_names, names, strict=True)]
            notes["program"] = np.array(self.programs)[notes["track"]]
        tempos, metres = piece.tempos, piece.time_signatures
        if "tempo" not in keeps or not len(tempos):
            tempos = array(TEMPO, onset=0, qpm=self.qpm)
        if "metre" not in keeps or not len(metres):
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


def _longest_metre(piece: Piece) -> list[tuple[int, int]]:
    """The metre that is in force longest, unlike that of a pickup; none where none is written."""
    lasting: Counter[tuple[int, int]] = Counter()
    signatures = piece.time_signatures
    spans = np.diff(signatures["onset"], append=max(piece.end, 1))
    for (_, numerator, denominator), ticks in zip(signatures.tolist(), spans.tolist(), strict=True):
        lasting[numerator, denominator] += ticks
    return [metre for metre, _ in lasting.most_common(1)]
