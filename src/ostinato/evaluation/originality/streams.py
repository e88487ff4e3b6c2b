"""Streams of onsets: what is compared of a piece, each track, its upper voice, the whole texture.

An onset is a time in sixteenths and a set of pitch classes, so that neither octaves nor doublings
count. Transposing rotates every set; shifting in time adds to every time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.music.piece import OCTAVE, Piece

STEPS_PER_QUARTER = 4
WHOLE, UPPER = -1, -2  # in place of the number of a track
CLEAR = 0.5  # length of the mean vector of onsets from which on they agree where the grid lies
SETS = 1 << OCTAVE  # sets of pitch classes


@dataclass(frozen=True)
class Streams:
    """The streams of some pieces, one after the other.

    time: onsets in sixteenths (onset,), ascending within a stream. chord: bit p is pitch class p
    (onset,). start: where each stream begins, and the end (stream + 1,). piece and track: whose
    each is (stream,); of no track are `WHOLE` (all notes) and `UPPER` (the highest at each onset).
    """

    time: NDArray[np.int32]
    chord: NDArray[np.uint16]
    start: NDArray[np.int64]
    piece: NDArray[np.int32]
    track: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.piece)

    def at(self, stream: int) -> tuple[NDArray[np.int32], NDArray[np.uint16]]:
        """Return the times and chords of one stream."""
        place = slice(self.start[stream], self.start[stream + 1])
        return self.time[place], self.chord[place]


def grid_phase(onsets: NDArray[np.float64]) -> float:
    """Return how far the onsets (in sixteenths) lie behind a grid, from -0.5 to 0.5.

    A piece that is shifted as a whole keeps its steps. 0 where the onsets do not agree.
    """
    if not len(onsets):
        return 0.0
    mean = np.exp(2j * np.pi * onsets).mean()
    return float(np.angle(mean) / (2 * np.pi)) if abs(mean) >= CLEAR else 0.0


def extract_streams(pieces: Iterable[Piece]) -> Streams:
    """Return the streams of pieces in their order; drums are left out.

    A track that is the whole piece, and an upper voice that is a track, are not there twice.
    """
    found: list[tuple[NDArray[np.int32], NDArray[np.uint16]]] = []
    owners: list[tuple[int, int]] = []
    for number, piece in enumerate(pieces):
        for track, stream in _streams_of(piece):
            found.append(stream)
            owners.append((number, track))
    start = np.zeros(len(found) + 1, np.int64)
    np.cumsum([len(time) for time, _ in found], out=start[1:])
    owner = np.array(owners, np.int64).reshape(-1, 2)
    return Streams(
        np.concatenate([time for time, _ in found] or [np.zeros(0, np.int32)]),
        np.concatenate([chord for _, chord in found] or [np.zeros(0, np.uint16)]),
        start,
        owner[:, 0].astype(np.int32),
        owner[:, 1].astype(np.int16),
    )


def steps_of(piece: Piece) -> tuple[NDArray[Any], NDArray[np.int32], float]:
    """Return the notes that are compared, their onsets in sixteenths (note,) and the grid's phase.

    Step s begins at (s + phase) sixteenths.
    """
    notes = piece.notes[~piece.notes["drum"]]
    onsets = notes["onset"] * (STEPS_PER_QUARTER / piece.resolution)
    phase = grid_phase(onsets)
    return notes, np.rint(onsets - phase).astype(np.int32), phase


def _streams_of(
    piece: Piece,
) -> Sequence[tuple[int, tuple[NDArray[np.int32], NDArray[np.uint16]]]]:
    notes, time, _ = steps_of(piece)
    if not len(notes):
        return []
    pitch, owner = notes["pitch"].astype(np.int64), notes["track"]
    streams = [(WHOLE, _chords(time, pitch))]
    tracks = np.unique(owner)
    if len(tracks) > 1:
        for track in tracks.tolist():
            of_track = owner == track
            streams.append((track, _chords(time[of_track], pitch[of_track])))
    upper = _upper_voice(time, pitch)
    if not any(_equal(upper, stream) for _, stream in streams):
        streams.append((UPPER, upper))
    return streams


def _chords(
    time: NDArray[np.int32], pitch: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.uint16]]:
    """Return the onsets (onset,) and the set of pitch classes of each, as bits (onset,)."""
    order = np.argsort(time, kind="stable")
    time, bits = time[order], np.uint16(1) << (pitch[order] % OCTAVE).astype(np.uint16)
    first = np.flatnonzero(np.append(True, time[1:] != time[:-1]))
    return time[first], np.bitwise_or.reduceat(bits, first)


def _upper_voice(
    time: NDArray[np.int32], pitch: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.uint16]]:
    order = np.lexsort((pitch, time))
    time, pitch = time[order], pitch[order]
    last = np.append(time[1:] != time[:-1], True)
    return _chords(time[last], pitch[last])


def _equal(
    one: tuple[NDArray[np.int32], NDArray[np.uint16]],
    other: tuple[NDArray[np.int32], NDArray[np.uint16]],
) -> bool:
    return np.array_equal(one[0], other[0]) and np.array_equal(one[1], other[1])
