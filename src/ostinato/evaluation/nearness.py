"""How near segments are to those that were trained on."""

import numpy as np
from numpy.typing import NDArray

from ostinato.evaluation.segments import SILENT, Excerpts

EVERY_KEY = range(-6, 7)  # semitones


def distances(ours: Excerpts, known: Excerpts) -> NDArray[np.float64]:
    """How much of each segment differs from the known one that is most like it: (segments,).

    The share of steps, voice by voice, in which another pitch sounds, in the key that is nearest.
    """
    theirs = known.pitch.reshape(len(known), -1).astype(np.int8)
    places = theirs.shape[1]
    best = np.full(len(ours), places)
    for semitones in EVERY_KEY:
        moved = np.where(ours.pitch == SILENT, SILENT, ours.pitch + semitones)
        columns = moved.reshape(len(ours), places).astype(np.int16).T
        differ = np.zeros((len(ours), len(known)), np.int32)
        for here, there in zip(columns, theirs.T, strict=True):
            differ += here[:, None] != there
        best = np.minimum(best, differ.min(axis=1))
    shares: NDArray[np.float64] = best / places
    return shares
