"""A piece as its metrics read it: on a grid, as arrays of times and pitches, as voices."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ostinato.evaluation.piece_metrics.bars import BarNotes, find_bar_notes
from ostinato.music import conversion
from ostinato.music.piece import OCTAVE, Piece

if TYPE_CHECKING:
    import muspy

STEPS_PER_QUARTER = 4
PITCHES = 128
SILENT = -1
FEWEST_VOICES, MOST_VOICES = 2, 8


class PitchedNotes(NamedTuple):
    """Notes that are not of drums, in steps of a grid: each array is (notes,), by onset."""

    onset: NDArray[np.int64]
    end: NDArray[np.int64]
    pitch: NDArray[np.int64]


class Voices(NamedTuple):
    """Monophonic tracks side by side, from the highest on average to the lowest.

    pitch: (voices, steps), MIDI pitches, `SILENT` in rests; onset: the same shape, true where a
    note begins.
    """

    pitch: NDArray[np.int64]
    onset: NDArray[np.bool_]

    @property
    def together(self) -> NDArray[np.bool_]:
        """Return at which steps two voices or more sound: (steps,)."""
        several: NDArray[np.bool_] = (self.pitch >= 0).sum(axis=0) > 1
        return several


@dataclass(frozen=True)
class PieceViews:
    """A piece as metrics read it; what several of them need is made once.

    written: the piece as it is, in ticks of its own resolution.
    """

    written: Piece

    @cached_property
    def grid(self) -> Piece:
        """Return the piece in sixteenth notes, `STEPS_PER_QUARTER` ticks a quarter note."""
        return self.written.at_resolution(STEPS_PER_QUARTER)

    @cached_property
    def music(self) -> "muspy.Music":
        """Return the piece in sixteenth notes as a `muspy.Music`."""
        return conversion.to_muspy(self.grid)

    @cached_property
    def pitched(self) -> bool:
        """Return whether any note is not of drums."""
        return bool(len(self.notes.pitch))

    @cached_property
    def notes(self) -> PitchedNotes:
        """Return the notes that are not of drums, in sixteenth notes."""
        return pitched_notes(self.grid)

    @cached_property
    def bars(self) -> NDArray[np.int64]:
        """Return the steps at which bars begin, the last one before the end: (bars,)."""
        lines = self.grid.barlines()
        return lines[lines < self.grid.end]

    @cached_property
    def bar_notes(self) -> BarNotes:
        """Return the notes of each bar on the grid."""
        return find_bar_notes(self.grid, self.bars)

    @cached_property
    def pianoroll(self) -> NDArray[np.bool_]:
        """Return which pitches sound at which steps, drums left out: (steps, 128)."""
        # a note adds 1 from its onset on and takes it away from its end on
        changes = np.zeros((self.grid.end + 1, PITCHES), np.int32)
        np.add.at(changes, (self.notes.onset, self.notes.pitch), 1)
        np.add.at(changes, (self.notes.end, self.notes.pitch), -1)
        np.cumsum(changes, axis=0, dtype=np.int32, out=changes)  # in place: it may be large
        sounding: NDArray[np.bool_] = changes[:-1] > 0
        return sounding

    @cached_property
    def bass(self) -> NDArray[np.int64]:
        """Return the lowest pitch that sounds at each step, `SILENT` where none does: (steps,)."""
        lowest = self.pianoroll.argmax(axis=1)
        return np.where(self.pianoroll.any(axis=1), lowest, SILENT)

    @cached_property
    def chords(self) -> NDArray[np.bool_]:
        """Return which pitch classes above the bass sound at each step: (steps, 12).

        The first is the bass itself. Nothing sounds where the row has no true value.
        """
        steps, pitch = np.nonzero(self.pianoroll)
        found = np.zeros((len(self.pianoroll), OCTAVE), bool)
        found[steps, (pitch - self.bass[steps]) % OCTAVE] = True
        return found

    @cached_property
    def tracks(self) -> Voices | None:
        """Return the tracks as voices, drums left out.

        None where there are not 2 to 8 tracks with notes, and where two notes of one track overlap
        in the piece as it is written. On the grid, a note ends where the next of its track begins.
        """
        written = self.written.notes[~self.written.notes["drum"]]
        numbers = np.unique(written["track"])
        if not FEWEST_VOICES <= len(numbers) <= MOST_VOICES or _overlap(written):
            return None
        pitch = np.full((len(numbers), self.grid.end), SILENT)
        onset = np.zeros(pitch.shape, bool)
        notes = self.grid.notes[~self.grid.notes["drum"]]
        voice = np.searchsorted(numbers, notes["track"])
        for row in range(len(numbers)):
            _write_voice(pitch[row], onset[row], notes[voice == row])
        # the tracks of a file may stand in any order
        heights = [float(line[line >= 0].mean()) for line in pitch]
        order = np.argsort(heights, kind="stable")[::-1]
        return Voices(pitch[order], onset[order])

    @cached_property
    def voices(self) -> Voices | None:
        """Return the `tracks` without those that double a higher one; None below two of them."""
        if self.tracks is None:
            return None
        parts: list[int] = []
        for row, line in enumerate(self.tracks.pitch):
            if not any(_doubles(line, self.tracks.pitch[part]) for part in parts):
                parts.append(row)
        if len(parts) < FEWEST_VOICES:
            return None
        return Voices(self.tracks.pitch[parts], self.tracks.onset[parts])


def pitched_notes(piece: Piece) -> PitchedNotes:
    """Return the notes of a piece that are not of drums, in its own ticks."""
    notes = piece.notes
    if notes["drum"].any():
        notes = notes[~notes["drum"]]
    onset = notes["onset"]
    return PitchedNotes(onset, onset + notes["duration"], notes["pitch"].astype(np.int64))


def _overlap(notes: NDArray[np.void]) -> bool:
    """Return whether a note begins before the last of its track has ended."""
    order = np.argsort(notes["track"], kind="stable")  # by onset within a track
    onset, track = notes["onset"][order], notes["track"][order]
    end = onset + notes["duration"][order]
    return bool(((onset[1:] < end[:-1]) & (track[1:] == track[:-1])).any())


def _doubles(a: NDArray[np.int64], b: NDArray[np.int64]) -> bool:
    """Return whether two voices, (steps,) each, are one part that two play.

    They sound together half of the time that the shorter does, or more, and are in unison or
    octaves in half of that, or more. In the four-part chorales of Bach no two are in 0.4 of it.
    """
    together = (a >= 0) & (b >= 0)
    steps = np.count_nonzero(together)
    alike = np.count_nonzero((np.abs(a - b) % OCTAVE == 0) & together)
    shorter = min(np.count_nonzero(a >= 0), np.count_nonzero(b >= 0))
    return bool(2 * steps >= shorter and 2 * alike >= steps)


def _write_voice(
    pitch: NDArray[np.int64], onset: NDArray[np.bool_], notes: NDArray[np.void]
) -> None:
    """Write the notes of a voice into its rows, (steps,) each; of two at once the last stays."""
    begin = notes["onset"]
    onset[begin] = True
    following = np.append(begin[1:], len(pitch))
    lengths = np.minimum(begin + notes["duration"], following) - begin
    # the steps of all notes in a row: each onset, repeated, and how far on from it
    places = np.repeat(begin, lengths)
    places += np.arange(len(places)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    pitch[places] = np.repeat(notes["pitch"], lengths)
