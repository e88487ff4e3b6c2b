"""`Piece`: symbolic music as structured NumPy arrays."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

NOTE = np.dtype(
    [
        ("onset", "<i8"),
        ("duration", "<i8"),
        ("pitch", "u1"),
        ("velocity", "u1"),
        ("program", "u1"),
        ("drum", "?"),
        ("track", "<i4"),
    ]
)
TEMPO = np.dtype([("onset", "<i8"), ("qpm", "<f8")])
TIME_SIGNATURE = np.dtype([("onset", "<i8"), ("numerator", "<i4"), ("denominator", "<i4")])
KEY_SIGNATURE = np.dtype([("onset", "<i8"), ("fifths", "i1"), ("minor", "?")])

DEFAULT_QPM = 120.0  # what a MIDI file without a tempo means
OCTAVE = 12  # semitones, or pitch classes
LOUDNESS = 80  # velocity of notes whose source has none
LARGEST = 2**63 - 1  # of a 64-bit integer
TRACK_BITS, PITCH_BITS = 16, 8  # enough for the tracks and pitches of any file


def array(dtype: np.dtype[Any], **columns: Any) -> NDArray[Any]:
    """Build a structured array from its columns; scalars are broadcast, missing columns are 0."""
    sizes = [len(c) for c in columns.values() if np.ndim(c)]
    out = np.zeros(sizes[0] if sizes else 1, dtype)
    for name, values in columns.items():
        out[name] = values
    return out


def changes(rows: Iterable[tuple[Any, ...]], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return rows (onset, ...) by time; of several at once the last, repetitions dropped."""
    kept: list[tuple[Any, ...]] = []
    for row in sorted(rows, key=lambda row: int(row[0])):
        if kept and kept[-1][0] == row[0]:
            kept.pop()
        if not kept or kept[-1][1:] != row[1:]:
            kept.append(row)
    return np.array(kept, dtype) if kept else np.zeros(0, dtype)


def order_by(*columns: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Return indices that sort rows by their first column, then the next; equal rows stay in order.

    What `np.lexsort` gives, several times faster where the columns fit into one number together.
    """
    if not len(columns[0]):
        return np.zeros(0, np.int64)
    key, values = np.zeros(len(columns[0]), np.int64), 1
    for column in columns:
        low, high = (0, 255) if column.dtype == np.uint8 else (int(column.min()), int(column.max()))
        values *= high - low + 1
        if values > LARGEST:
            return np.lexsort(columns[::-1])
        key *= high - low + 1
        key += column
        if low:
            key -= low
    return np.argsort(key, kind="stable")


def sorted_notes(notes: NDArray[Any]) -> NDArray[Any]:
    """Return notes in the order of a `Piece`; the same array where they are in order.

    Onset, track and pitch are packed into one number: most notes differ in it, and a few together
    are found sooner than all are sorted by four columns.
    """
    place = notes["onset"] << TRACK_BITS
    place += notes["track"]
    place <<= PITCH_BITS
    place += notes["pitch"]
    steps = place[1:] - place[:-1]
    if (lowest := steps.min(initial=1)) < 0:
        order = np.argsort(place, kind="stable")
        notes, place = notes.take(order), place.take(order)  # indexing is slower by far
        steps = place[1:] - place[:-1]
        lowest = steps.min(initial=1)
    if lowest > 0:
        return notes
    together, durations = np.flatnonzero(steps == 0), notes["duration"]
    if (durations[together] <= durations[together + 1]).all():
        return notes
    return notes.take(order_by(*(notes[key] for key in ("onset", "track", "pitch", "duration"))))


@dataclass(frozen=True, eq=False)
class Piece:
    """A piece of music.

    Times (`onset`, `duration`) are in ticks, `resolution` ticks to the quarter note. `notes` has
    dtype `NOTE`, sorted by onset, track, pitch and duration; `track` counts from 0 and indexes
    `track_names`. `tempos` is in quarter notes per minute. A key signature counts sharps (flats
    are negative) and says whether the mode is minor.
    """

    name: str
    resolution: int
    notes: NDArray[Any]
    tempos: NDArray[Any] = field(default_factory=lambda: np.zeros(0, TEMPO))
    time_signatures: NDArray[Any] = field(default_factory=lambda: np.zeros(0, TIME_SIGNATURE))
    key_signatures: NDArray[Any] = field(default_factory=lambda: np.zeros(0, KEY_SIGNATURE))
    track_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        notes = sorted_notes(self.notes)
        object.__setattr__(self, "notes", notes)
        tracks = int(notes["track"].max()) + 1 if len(notes) else 0
        missing = max(0, tracks - len(self.track_names))
        object.__setattr__(self, "track_names", tuple(self.track_names) + ("",) * missing)

    @classmethod
    def in_order(cls, **fields: Any) -> "Piece":
        """Return a piece of fields that were another's, unchecked: notes in order, tracks named."""
        piece = object.__new__(cls)
        piece.__dict__.update(fields)
        return piece

    def __eq__(self, other: object) -> bool:
        """Compare music: everything but the name."""
        if not isinstance(other, Piece):
            return NotImplemented
        arrays = ("notes", "tempos", "time_signatures", "key_signatures")
        return (
            self.resolution == other.resolution
            and self.track_names == other.track_names
            and all(np.array_equal(getattr(self, a), getattr(other, a)) for a in arrays)
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def end(self) -> int:
        """Return the tick at which the last note ends."""
        return int((self.notes["onset"] + self.notes["duration"]).max(initial=0))

    @property
    def quarters(self) -> float:
        """Return length in quarter notes."""
        return self.end / self.resolution

    @property
    def seconds(self) -> float:
        """Return length in seconds, by the tempo changes."""
        tempos = self.tempos if len(self.tempos) else array(TEMPO, onset=0, qpm=DEFAULT_QPM)
        starts = np.minimum(np.append(np.maximum(tempos["onset"], 0), self.end), self.end)
        first = starts[0] / self.resolution * 60 / DEFAULT_QPM
        return float(first + (np.diff(starts) / self.resolution * 60 / tempos["qpm"]).sum())

    def track(self, index: int) -> NDArray[Any]:
        """Return the notes of one track."""
        notes: NDArray[Any] = self.notes[self.notes["track"] == index]
        return notes

    @property
    def pitched_tracks(self) -> NDArray[np.int64]:
        """Return the numbers of the tracks that have no drums: (tracks,)."""
        drums = np.unique(self.notes["track"][self.notes["drum"]])
        return np.setdiff1d(np.arange(len(self.track_names)), drums)

    def barlines(self) -> NDArray[np.int64]:
        """Return ticks at which bars begin, from 0 to the end; every time signature begins one."""
        signatures = self.time_signatures
        if not len(signatures) or signatures["onset"][0] > 0:
            common = array(TIME_SIGNATURE, onset=0, numerator=4, denominator=4)
            signatures = np.concatenate([common, signatures])
        stop = max(self.end, 1)
        ends = np.minimum(np.append(signatures["onset"][1:], stop), stop)
        lines = []
        for signature, end in zip(signatures, ends, strict=True):
            bar = Fraction(4 * int(signature["numerator"]), int(signature["denominator"]))
            ticks = max(1, round(bar * self.resolution))
            lines.append(np.arange(signature["onset"], end, ticks, dtype=np.int64))
        return np.concatenate(lines)

    def at_resolution(self, resolution: int) -> "Piece":
        """Return the music at another resolution: rounded half up, no duration below one tick."""
        if resolution == self.resolution:
            return self

        fields = {**self.__dict__, "resolution": resolution}
        for name in ("tempos", "time_signatures", "key_signatures"):
            if len(changes := fields[name]):
                fields[name] = changes.copy()
                fields[name]["onset"] = self._scale(changes["onset"], resolution)
        fields["notes"] = sorted_notes(self.notes_at(resolution))
        return Piece.in_order(**fields)

    def notes_at(self, resolution: int | Fraction) -> NDArray[Any]:
        """Return a copy of the notes at another resolution, each in its place in `notes`.

        A fraction is a step of more ticks than one: 1/2 is a step of two quarter notes.
        """
        notes = self.notes.take(np.arange(len(self.notes)))  # copy() is slower
        if resolution != self.resolution:
            onsets, ends = self.times_at(resolution)
            notes["onset"], notes["duration"] = onsets, ends - onsets
        return notes

    def times_at(self, resolution: int | Fraction) -> NDArray[np.int64]:
        """Return when notes begin and end at another resolution: (2, notes); none are empty."""
        times = np.empty((2, len(self.notes)), np.int64)
        times[0] = self.notes["onset"]
        np.add(times[0], self.notes["duration"], out=times[1])
        if resolution != self.resolution:
            times = self._scale(times, resolution)
            np.maximum(times[1], times[0] + 1, out=times[1])
        return times

    def _scale(self, ticks: NDArray[np.int64], resolution: int | Fraction) -> NDArray[np.int64]:
        whole = self.resolution * resolution.denominator
        scaled = ticks * (2 * resolution.numerator)
        scaled += whole
        scaled //= 2 * whole
        return scaled

    def without_changes_from(self, tick: int) -> "Piece":
        """Return the same notes without the tempos and signatures from a tick on."""
        fields = {}
        for name in ("tempos", "time_signatures", "key_signatures"):
            changes = getattr(self, name)
            if len(changes) and changes["onset"][-1] >= tick:
                fields[name] = changes[changes["onset"] < tick]
        return Piece.in_order(**self.__dict__ | fields) if fields else self

    def quantised(self, steps_per_quarter: int) -> "Piece":
        """Return the same music with onsets and ends on a grid, at the same resolution."""
        return self.at_resolution(steps_per_quarter).at_resolution(self.resolution)

    def transposed(self, semitones: int) -> "Piece":
        """Return the same music higher or lower; drums stay. Pitches must stay within 0 to 127."""
        notes = self.notes.copy()
        pitches = notes["pitch"].astype(int) + semitones * ~notes["drum"]
        if len(pitches) and not (pitches.min() >= 0 and pitches.max() <= 127):
            raise ValueError(f"transposing {self.name} by {semitones} leaves the MIDI range 0..127")
        notes["pitch"] = pitches
        return replace(self, notes=notes)

    def cropped(self, start: int, end: int) -> "Piece":
        """Return the music that begins from tick `start` up to tick `end`, moved to begin at 0.

        Notes that begin earlier are left out; notes that sound past `end` are cut there. The tempo
        and signatures in force at `start` are kept.
        """
        inside = (self.notes["onset"] >= start) & (self.notes["onset"] < end)
        notes = self.notes[inside].copy()
        notes["duration"] = np.minimum(notes["duration"], end - notes["onset"])
        notes["onset"] -= start
        changed = {}
        for name in ("tempos", "time_signatures", "key_signatures"):
            changes = getattr(self, name)
            changes = changes[changes["onset"] < end]
            before = int((changes["onset"] <= start).sum())
            kept = changes[max(0, before - 1) :].copy()
            kept["onset"] = np.maximum(kept["onset"] - start, 0)
            changed[name] = kept
        return replace(self, notes=notes, **changed)
