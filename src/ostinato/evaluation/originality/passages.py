"""Passages that a piece shares with a training piece, as a reader finds them in both scores."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ostinato.evaluation.originality.streams import STEPS_PER_QUARTER, UPPER, WHOLE, steps_of
from ostinato.music.picture import has_pickup
from ostinato.music.piece import OCTAVE, Piece

TEXTURE, VOICE, TRACK = "texture", "upper voice", "track"  # what a passage is of
KINDS = (TEXTURE, VOICE, TRACK)


def kind_of(track: int) -> str:
    """Return what a stream is: its track's number, `WHOLE` or `UPPER`, as one of `KINDS`."""
    return {WHOLE: TEXTURE, UPPER: VOICE}.get(track, TRACK)


@dataclass(frozen=True)
class Calendar:
    """Bars of a piece. barlines: where they begin, quarter notes (bar,); first: the number of the
    first, 0 for a pickup. phase: sixteenths by which the notes lie behind the grid."""

    barlines: NDArray[np.float32]
    first: int
    phase: float

    @classmethod
    def of(cls, piece: Piece) -> "Calendar":
        """Return the bars of a piece."""
        barlines = (piece.barlines() / piece.resolution).astype(np.float32)
        return cls(barlines, 0 if has_pickup(piece) else 1, steps_of(piece)[2])

    def bar(self, quarter: float) -> int:
        """Return the number of the bar at a time in quarter notes."""
        place = np.searchsorted(self.barlines, np.float32(quarter + 1e-3), side="right") - 1
        return int(place) + self.first

    def quarter(self, step: int) -> float:
        """Return when a step of the grid is, in quarter notes."""
        return (step + self.phase) / STEPS_PER_QUARTER


@dataclass(frozen=True)
class Place:
    """Start and end of a passage in quarter notes, and its first and last bar, from 1."""

    start: float
    end: float
    bars: tuple[int, int]

    @classmethod
    def between(cls, start: float, end: float, calendar: Calendar) -> "Place":
        """Return the place from `start` to `end`, quarter notes."""
        last = calendar.bar(max(start, end - 1 / STEPS_PER_QUARTER / 2))
        return cls(start, end, (calendar.bar(start), last))

    @property
    def quarters(self) -> float:
        """Return the length in quarter notes."""
        return self.end - self.start


@dataclass(frozen=True)
class Passage:
    """A passage that stands in a piece and in a training piece.

    kind: one of `KINDS`; track: ours, `WHOLE` or `UPPER`; training: the piece's name; its track.
    semitones: from here to there, -5 to 6, octaves aside. notes: pitch classes at onsets that are
    in both; other: those in one alone. evidence: bits that speak for a copy.
    """

    kind: str
    track: int
    training: str
    training_track: int
    semitones: int
    here: Place
    there: Place
    notes: int
    other: int
    evidence: float

    @property
    def changed(self) -> float:
        """Return the share of notes that are in one alone, of the mean of both."""
        return self.other / (2 * self.notes + self.other)


def signed_semitones(semitones: int) -> int:
    """Return a transposition of 0 to 11 semitones as one of -5 to 6."""
    return semitones - OCTAVE if semitones > OCTAVE // 2 else semitones


def label_part(piece: Piece, track: int) -> str:
    """Return what a stream of a piece is called: texture, upper voice, or its track."""
    if track < 0:
        return kind_of(track)
    name = piece.track_names[track].strip() if track < len(piece.track_names) else ""
    return name or f"track {track + 1}"
