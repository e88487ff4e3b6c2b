"""Statistics of a corpus, counted piece by piece, so that memory does not grow with it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.evaluation.sets import DURATIONS, duration_counts
from ostinato.music.naming import NOT_GIVEN, key_name, longest, metre_name
from ostinato.music.piece import Piece

PITCHES = 128


@dataclass
class CorpusStatistics:
    """Counts over the pieces that were given to `add`.

    `keys` and `metres` count pieces by the signature that is in force longest, `tracks` counts them
    by their number of tracks. `programs` counts notes by (program, drum). `pitches: (128,)` and
    `durations`, as in `sets.DURATIONS`, count notes, drums left out. `seconds` and `qpm` (quarter
    notes per minute, the mean over a piece) have an entry for each piece.
    """

    notes: int = 0
    drums: int = 0
    quarters: float = 0.0
    seconds: list[float] = field(default_factory=list)
    qpm: list[float] = field(default_factory=list)
    tracks: Counter[int] = field(default_factory=Counter)
    keys: Counter[str] = field(default_factory=Counter)
    metres: Counter[str] = field(default_factory=Counter)
    programs: Counter[tuple[int, bool]] = field(default_factory=Counter)
    pitches: NDArray[np.int64] = field(default_factory=lambda: np.zeros(PITCHES, np.int64))
    durations: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(DURATIONS), np.int64))

    @property
    def pieces(self) -> int:
        """Return how many pieces were added."""
        return len(self.seconds)

    def add(self, piece: Piece) -> None:
        """Count a piece in."""
        notes = piece.notes
        self.notes += len(notes)
        self.drums += int(notes["drum"].sum())
        self.quarters += piece.quarters
        self.seconds.append(piece.seconds)
        if piece.seconds > 0:
            self.qpm.append(60 * piece.quarters / piece.seconds)
        self.tracks[len(piece.track_names)] += 1
        self.keys[_key(piece)] += 1
        self.metres[_metre(piece)] += 1
        self.programs.update(count_programs(notes))
        self.pitches += np.bincount(notes["pitch"][~notes["drum"]], minlength=PITCHES)
        self.durations += duration_counts(piece)


def count_programs(notes: NDArray[Any]) -> Counter[tuple[int, bool]]:
    """Return how many notes each program plays; all drum kits are one."""
    codes = np.where(notes["drum"], PITCHES, notes["program"])
    values, counts = np.unique(codes, return_counts=True)
    pairs = zip(values.tolist(), counts.tolist(), strict=True)
    return Counter({(code % PITCHES, code == PITCHES): count for code, count in pairs})


def _key(piece: Piece) -> str:
    row = longest(piece.key_signatures, piece.end)
    return NOT_GIVEN if row is None else key_name(int(row["fifths"]), bool(row["minor"]))


def _metre(piece: Piece) -> str:
    row = longest(piece.time_signatures, piece.end)
    return NOT_GIVEN if row is None else metre_name(int(row["numerator"]), int(row["denominator"]))
