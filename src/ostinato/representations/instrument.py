"""All tracks but drums as one instrument, for the representations that know no tracks."""

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import UnencodableError
from ostinato.music.piece import Piece, order_by


def pitched_notes(piece: Piece, steps_per_quarter: int | Fraction) -> NDArray[Any]:
    """The notes besides drums, in steps. Raises `UnencodableError` where there are none."""
    notes: NDArray[Any] = piece.notes_at(steps_per_quarter).compress(~piece.notes["drum"])
    if not len(notes):
        raise UnencodableError("has no notes besides drums")
    return notes


def separate_unisons(notes: NDArray[Any]) -> NDArray[Any]:
    """Notes of one pitch that overlap made to follow one another, as one instrument plays them.

    A pitch sounds whenever one of the notes (in steps) does and begins whenever one of them does;
    of notes that begin together the loudest stays. The order is by pitch, then onset.
    """
    notes = notes.take(order_by(notes["pitch"], notes["onset"], notes["velocity"]))
    pitch, onset = notes["pitch"].astype(np.int64), notes["onset"]
    ends = onset + notes["duration"]
    above = pitch * (ends.max(initial=0) + 1)  # keeps the running maximum within a pitch
    ends = np.maximum.accumulate(ends + above) - above
    place = above + onset  # increases with pitch, then onset
    last = np.append(np.diff(place) > 0, True)[: len(notes)]
    kept: NDArray[Any] = notes.compress(last)
    place, ends = place[last], ends[last]
    following = np.append(np.diff(place), np.iinfo(np.int64).max)[: len(kept)]
    kept["duration"] = np.minimum(ends - kept["onset"], following)
    return kept
