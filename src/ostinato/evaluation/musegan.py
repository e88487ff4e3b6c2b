"""The measures by which MuseGAN was reported, track by track.

Source: Dong, Hsiao, Yang and Yang, MuseGAN (AAAI 2018), and, for polyphonicity, Dong and Yang,
Convolutional Generative Adversarial Networks with Binary Neurons (ISMIR 2018). Their grids are
finer than sixteenths and their notes qualify from a thirty-second on; here a note does from an
eighth on, as on a grid of sixteenths none is shorter than that.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.evaluation.segments import CLASSES, Excerpts, qualified, tonal_distance

MANY = 3  # pitches at once
TABLE = {
    "empty_bars": "bars in which nothing sounds, by track",
    "pitch_classes": "pitch classes in a bar, by track",
    "qualified_notes": "notes of an eighth note at least, by track",
    "polyphonicity": "steps in which three pitches or more sound",
    "tonal_distance": "tonal distance of quarter notes, by pair of tracks",
}


def musegan_table(excerpts: Excerpts, tracks: Sequence[slice]) -> dict[str, Any]:
    """Its figures by the names of `TABLE`: a list of tracks, a share, and pairs of tracks.

    tracks: the voices of each. Bars in which a track is silent have no pitch class and count as 0.
    A pair of tracks that never sound in one quarter note has no distance: None.
    """
    each = [_of(excerpts, voices) for voices in tracks]
    return {
        "empty_bars": [_empty_bars(one) for one in each],
        "pitch_classes": [_pitch_classes(one) for one in each],
        "qualified_notes": [qualified(one) for one in each],
        "polyphonicity": _polyphonicity(excerpts.pitch),
        "tonal_distance": {
            f"{first + 1}-{last + 1}": _mean(tonal_distance(excerpts, one, other))
            for (first, one), (last, other) in combinations(enumerate(tracks), 2)
        },
    }


def _of(excerpts: Excerpts, voices: slice) -> Excerpts:
    pitch, onset = excerpts.pitch[:, voices], excerpts.onset[:, voices]
    return Excerpts(pitch, onset, excerpts.beat, excerpts.bar)


def _empty_bars(excerpts: Excerpts) -> float:
    """The share of bars in which no voice sounds."""
    return float((_bars(excerpts) < 0).all(axis=(1, 3)).mean())


def _pitch_classes(excerpts: Excerpts) -> float:
    """The mean number of pitch classes that sound in a bar."""
    bars = _bars(excerpts)
    sounds = [(bars % CLASSES == number) & (bars >= 0) for number in range(CLASSES)]
    return float(np.any(sounds, axis=(2, 4)).sum(axis=0).mean())


def _bars(excerpts: Excerpts) -> NDArray[np.int64]:
    """Pitches (segments, voices, bars, steps of a bar)."""
    segments, voices, _ = excerpts.pitch.shape
    return excerpts.pitch.reshape(segments, voices, -1, excerpts.bar)


def _polyphonicity(pitch: NDArray[np.int64]) -> float:
    ordered = np.sort(pitch, axis=1)
    new = (ordered >= 0) & (np.diff(ordered, axis=1, prepend=-1) > 0)
    return float((new.sum(axis=1) >= MANY).mean())


def _mean(values: NDArray[np.float64]) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None
