"""Losses: music that a representation leaves out or writes otherwise, counted in each piece."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.representations.base import CHANGED, LOST

LOSSES = "losses.csv"  # beside a token store
KINDS = (*LOST, *CHANGED)
LEFT_OUT = {
    "drums": "of drums",
    "other_tracks": "of other tracks",
    "together": "that begin together with another",
    "repeated": "that repeat a pitch without a gap",
}
WRITTEN_OTHERWISE = {
    "long_notes": "notes are cut to the longest there is",
    "long_rests": "rests are cut to the longest there is",
    "bars": "bars get another metre, or are several",
    "tempos": "tempos become the slowest or fastest there is",
}


@dataclass(frozen=True)
class Losses:
    """Losses of the pieces `names`: `counts` (pieces, `KINDS`), of so many `notes` (pieces,)."""

    names: Sequence[str]
    notes: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def none(cls) -> "Losses":
        """Return those of no pieces."""
        return cls([], np.zeros(0, np.int64), np.zeros((0, len(KINDS)), np.int64))

    def only(self, indices: NDArray[np.int64]) -> "Losses":
        """Return those of some of the pieces."""
        names = [self.names[index] for index in indices]
        return Losses(names, self.notes[indices], self.counts[indices])

    def sentences(self, representation: str) -> list[str]:
        """Return what is left out and what is written otherwise, each if there is any, in words."""
        lost, changed = self.counts[:, : len(LOST)], self.counts[:, len(LOST) :]
        found = []
        if lost.sum():
            parts = zip(lost.sum(axis=0).tolist(), LEFT_OUT.values(), strict=True)
            found.append(
                f"{representation} leaves out {lost.sum():,} of {self.notes.sum():,} notes in "
                f"{self._pieces(lost)}: {_join_counts(parts)}"
            )
        if changed.sum():
            parts = zip(changed.sum(axis=0).tolist(), WRITTEN_OTHERWISE.values(), strict=True)
            found.append(f"as {representation}, in {self._pieces(changed)}, {_join_counts(parts)}")
        return found

    def _pieces(self, counts: NDArray[np.int64]) -> str:
        touched = int(counts.any(axis=1).sum())
        return f"{touched:,} of {len(self.names):,} piece{'s' * (len(self.names) != 1)}"

    def totals(self) -> dict[str, int]:
        """Return how many notes there are, and each kind of loss that there is."""
        totals = zip(KINDS, self.counts.sum(axis=0).tolist(), strict=True)
        return {"notes": int(self.notes.sum())} | {kind: n for kind, n in totals if n}

    def table(self) -> str:
        """Return a CSV with a row for each piece that loses anything."""
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(("piece", "notes", *KINDS))
        for index in np.flatnonzero(self.counts.any(axis=1)).tolist():
            counts = self.counts[index].tolist()
            rows.writerow((self.names[index], int(self.notes[index]), *counts))
        return text.getvalue()


def _join_counts(parts: Any) -> str:
    return ", ".join(f"{count:,} {words}" for count, words in parts if count)
