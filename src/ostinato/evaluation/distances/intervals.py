"""Intervals of a piece: how melodies move, and what sounds together.

Metrics of a whole piece, such as its entropy of pitches, do not change when its pitches are
shuffled among its notes; these do.
"""

import numpy as np
from numpy.typing import NDArray

from ostinato.evaluation.measures import STEPS_PER_QUARTER
from ostinato.music.piece import OCTAVE, Piece

LARGEST_STEP = OCTAVE + 1  # semitones: melodic steps of more than an octave are one class
FEATURES = (LARGEST_STEP + 1) + OCTAVE + OCTAVE


def count_intervals(piece: Piece) -> NDArray[np.float64]:
    """Return the square roots of the shares of intervals in a piece: (`FEATURES`,).

    - steps between successive notes of a track, 0 to 12 semitones and more. Of notes that begin
      together the highest counts.
    - at each quarter note, intervals between all pairs of sounding pitches, by octaves folded to 0
      to 11 semitones
    - at each quarter note, intervals above the lowest sounding pitch, folded likewise

    Each of the three sums to 1 before the roots are taken, or to 0 where there is none. Roots make
    the Euclidean distance of two pieces that of Hellinger, for which rare intervals count too.
    Transposing a piece changes nothing. Drums are left out.
    """
    grid = piece.at_resolution(STEPS_PER_QUARTER)
    notes = grid.notes[~grid.notes["drum"]]
    steps = np.bincount(_melodic_steps(notes), minlength=LARGEST_STEP + 1)
    sounding = _sounding_pitches(notes, grid.end)
    pairs, above_bass = np.zeros(OCTAVE, np.int64), np.zeros(OCTAVE, np.int64)
    for pitches in sounding:
        distances = pitches[:, None] - pitches[None, :]
        pairs += np.bincount(distances[np.tril_indices(len(pitches), -1)] % OCTAVE, minlength=12)
        above_bass += np.bincount((pitches[1:] - pitches[:1]) % OCTAVE, minlength=12)
    shares = [counts / max(1, counts.sum()) for counts in (steps, pairs, above_bass)]
    roots: NDArray[np.float64] = np.sqrt(np.concatenate(shares))
    return roots


def _melodic_steps(notes: NDArray[np.void]) -> NDArray[np.int64]:
    """Return the sizes of the steps between successive notes of each track, in semitones."""
    steps: list[NDArray[np.int64]] = []
    for track in np.unique(notes["track"]):
        of_track = notes[notes["track"] == track]
        # by time, and of notes that begin together the highest last
        line = of_track[np.lexsort((of_track["pitch"], of_track["onset"]))]
        last = np.append(np.diff(line["onset"]) > 0, True)
        steps.append(np.abs(np.diff(line["pitch"][last].astype(np.int64))))
    sizes = np.concatenate(steps) if steps else np.zeros(0, np.int64)
    return np.minimum(sizes, LARGEST_STEP)


def _sounding_pitches(notes: NDArray[np.void], end: int) -> list[NDArray[np.int64]]:
    """Return the pitches that sound at each quarter note, the lowest first."""
    onset, pitch = notes["onset"], notes["pitch"].astype(np.int64)
    after = onset + notes["duration"]
    times = np.arange(0, end, STEPS_PER_QUARTER)
    return [np.sort(pitch[(onset <= time) & (time < after)]) for time in times]
