"""Keys, metres, instruments and lengths of time, in words."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

TONICS = [letter + sign for sign in ("♭", "", "♯") for letter in "FCGDAEB"]  # in fifths
C, A = TONICS.index("C"), TONICS.index("A")
NOT_GIVEN = "not given"


def key_name(fifths: int, minor: bool) -> str:
    """Return a key signature as a key: -3 and minor is C minor."""
    place = fifths + (A if minor else C)
    mode = "minor" if minor else "major"
    return f"{TONICS[place]} {mode}" if abs(fifths) <= 7 else f"{fifths} fifths, {mode}"


def metre_name(numerator: int, denominator: int) -> str:
    """Return a time signature, as 3/4."""
    return f"{numerator}/{denominator}"


def instrument_name(program: int, drum: bool = False) -> str:
    """Return what General MIDI calls a program from 0 to 127."""
    from pretty_midi.constants import INSTRUMENT_MAP

    return "drums" if drum else str(INSTRUMENT_MAP[program])


def program_name(program: int, drum: bool = False) -> str:
    """Return the same with the program's number."""
    return "drums" if drum else f"{instrument_name(program)} ({program})"


def clock(seconds: float) -> str:
    """Return a length of time, as 3 h 05 min, 2 min 09 s or 4.2 s."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours:,} h {minutes:02d} min"


def longest(changes: NDArray[Any], end: int) -> Any | None:
    """Return the row of signatures or tempos whose value is in force longest, up to tick `end`.

    A pickup that is written as a bar of its own does not count for the metre of a piece. None where
    there are no changes.
    """
    if not len(changes):
        return None
    stops = np.append(changes["onset"][1:], max(end, int(changes["onset"][-1])))
    names = [name for name in changes.dtype.names or () if name != "onset"]
    values, group = np.unique(changes[names], return_inverse=True)
    ticks = np.bincount(group.ravel(), stops - changes["onset"], len(values))
    return values[int(ticks.argmax())]
