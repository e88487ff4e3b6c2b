"""All tracks but drums as one instrument, for the representations that know no tracks."""

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import UnencodableError
from ostinato.music.piece import PITCH_BITS, Piece


def select_pitched_notes(piece: Piece, steps_per_quarter: int | Fraction) -> NDArray[Any]:
    """Return the notes besides drums, in steps. Raises `UnencodableError` where there are none."""
    notes, drums = piece.notes_at(steps_per_quarter), piece.notes["drum"]
    if drums.any():
        notes = notes.compress(~drums)
    _check(notes)
    return notes


def merge_tracks(
    piece: Piece, steps_per_quarter: int, loudest: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8], NDArray[np.uint8]]:
    """Return onsets, ends (in steps), pitches and velocities, as `separate_unisons` makes them.

    Columns alone take half the time, and less where it need not be the `loudest` note that stays.
    Raises `UnencodableError` where there are only drums.
    """
    drums = piece.notes["drum"]
    columns = [*piece.times_at(steps_per_quarter), piece.notes["pitch"], piece.notes["velocity"]]
    if drums.any():
        columns = [column.compress(~drums) for column in columns]
    onsets, ends, pitches, velocities = columns
    _check(onsets)
    kept, ends = to_monophonic(onsets, ends, pitches, velocities if loudest else None)
    return onsets.take(kept), ends, pitches.take(kept), velocities.take(kept)


def _check(notes: NDArray[Any]) -> None:
    if not len(notes):
        raise UnencodableError("has no notes besides drums")


def separate_unisons(notes: NDArray[Any]) -> NDArray[Any]:
    """Let notes of one pitch that overlap follow one another, as one instrument plays them.

    A pitch sounds whenever one of the notes (in steps) does and begins whenever one of them does;
    of notes that begin together the loudest stays. The order is by onset, then pitch.
    """
    if not len(notes):
        return notes
    notes = notes.take(sort_times(notes["onset"]))
    ends = notes["onset"] + notes["duration"]
    kept, ends = to_monophonic(notes["onset"], ends, notes["pitch"], notes["velocity"])
    notes = notes.take(kept)
    notes["duration"] = ends - notes["onset"]
    return notes


def to_monophonic(
    onsets: NDArray[np.int64],
    ends: NDArray[np.int64],
    pitches: NDArray[np.uint8],
    velocities: NDArray[np.uint8] | None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return what `separate_unisons` keeps of notes in order of their onsets, as columns (notes,).

    Without `velocities`, any of the notes that begin together stays. Returns which notes are kept,
    by onset, then pitch, and where each of them ends.
    """
    order = np.argsort(pitches, kind="stable")
    ends = ends.take(order)
    place = pitches.take(order) * (ends.max() + 1)  # keeps the running maximum within a pitch
    ends += place
    place += onsets.take(order)  # rises with pitch, then onset
    np.maximum.accumulate(ends, out=ends)
    last = np.ones(len(place), np.bool_)  # of those that begin together
    np.greater(place[1:], place[:-1], out=last[:-1])
    if not last.all():
        if velocities is not None:
            louder = (place << PITCH_BITS) + velocities.take(order)
            order = order.take(np.argsort(louder, kind="stable"))
        stays = np.flatnonzero(last)
        ends, place, order = ends.take(stays), place.take(stays), order.take(stays)
    np.minimum(ends[:-1], place[1:], out=ends[:-1])
    starts = onsets.take(order)
    ends += starts - place
    by_time = sort_times(starts)
    return order.take(by_time), ends.take(by_time)


def sort_times(times: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return indices that sort times from 0 on; those at one time stay in order."""
    # numbers of 16 bits are sorted in half the time
    short = times.astype(np.uint16) if times.max() < 1 << 16 else times
    return np.argsort(short, kind="stable")
