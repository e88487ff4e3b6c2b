"""All tracks but drums as one instrument, for the representations that know no tracks."""

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import UnencodableError
from ostinato.music.piece import PITCH_BITS, Piece


def pitched_notes(piece: Piece, steps_per_quarter: int | Fraction) -> NDArray[Any]:
    """The notes besides drums, in steps. Raises `UnencodableError` where there are none."""
    notes, drums = piece.notes_at(steps_per_quarter), piece.notes["drum"]
    if drums.any():
        notes = notes.compress(~drums)
    if not len(notes):
        raise UnencodableError("has no notes besides drums")
    return notes


def separate_unisons(notes: NDArray[Any]) -> NDArray[Any]:
    """Notes of one pitch that overlap made to follow one another, as one instrument plays them.

    A pitch sounds whenever one of the notes (in steps) does and begins whenever one of them does;
    of notes that begin together the loudest stays. The order is by onset, then pitch.
    """
    notes = _by_onset_and_pitch(notes)
    if not len(notes):
        return notes
    by_pitch = np.argsort(notes["pitch"], kind="stable")
    onset, pitch = notes["onset"].take(by_pitch), notes["pitch"].take(by_pitch)
    ends = onset + notes["duration"].take(by_pitch)
    above = pitch * (ends.max() + 1)  # keeps the running maximum within a pitch
    ends += above
    place = above + onset  # rises with pitch, then onset
    if (ends[:-1] <= place[1:]).all():
        return notes
    ends = np.maximum.accumulate(ends)
    last = np.flatnonzero(place[1:] > place[:-1])  # but for the very last
    last = np.concatenate((last, [len(notes) - 1]))
    ends, place, kept = ends.take(last), place.take(last), by_pitch.take(last)
    np.minimum(ends[:-1], place[1:], out=ends[:-1])
    notes["duration"][kept] = ends - place
    if len(kept) == len(notes):
        return notes
    is_kept = np.zeros(len(notes), np.bool_)
    is_kept[kept] = True
    return notes.take(np.flatnonzero(is_kept))


def _by_onset_and_pitch(notes: NDArray[Any]) -> NDArray[Any]:
    """Notes by onset, then pitch, then velocity, which are packed into one number."""
    place = notes["onset"] << PITCH_BITS
    for key in ("pitch", "velocity"):
        place += notes[key]
        place <<= PITCH_BITS
    ordered: NDArray[Any] = notes.take(np.argsort(place, kind="stable"))
    return ordered
