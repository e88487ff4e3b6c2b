"""The measures by which MuseGAN was reported, voice by voice.

Source: Dong, Hsiao, Yang and Yang, MuseGAN (AAAI 2018), and, for polyphonicity, Dong and Yang,
Convolutional Generative Adversarial Networks with Binary Neurons (ISMIR 2018). Their grids are
finer than sixteenths and their notes qualify from a thirty-second on; here a note does from an
eighth on, as on a grid of sixteenths none is shorter than that.
"""

from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.evaluation.segments import CLASSES, Excerpts, empty_bars, qualified, tonal_distance

MANY = 3  # pitches at once
TABLE = {
    "empty_bars": "bars in which nothing sounds, by voice",
    "pitch_classes": "pitch classes in a bar, by voice",
    "qualified_notes": "notes of an eighth note at least, by voice",
    "polyphonicity": "steps in which three pitches or more sound",
    "tonal_distance": "tonal distance of quarter notes, by pair of voices",
}


def musegan_table(excerpts: Excerpts) -> dict[str, Any]:
    """Its figures by the names of `TABLE`: a list of voices, a share, and pairs of voices.

    Bars in which a voice is silent have no pitch class and count as 0. A pair of voices that never
    sound in one quarter note has no distance: None.
    """
    voices = excerpts.pitch.shape[1]
    each = [_of(excerpts, voice) for voice in range(voices)]
    return {
        "empty_bars": [empty_bars(one) for one in each],
        "pitch_classes": [_pitch_classes(one) for one in each],
        "qualified_notes": [qualified(one) for one in each],
        "polyphonicity": _polyphonicity(excerpts.pitch),
        "tonal_distance": {
            f"{first + 1}-{last + 1}": _mean(tonal_distance(excerpts, first, last))
            for first, last in combinations(range(voices), 2)
        },
    }


def _of(excerpts: Excerpts, voice: int) -> Excerpts:
    one = slice(voice, voice + 1)
    return Excerpts(excerpts.pitch[:, one], excerpts.onset[:, one], excerpts.beat, excerpts.bar)


def _pitch_classes(excerpts: Excerpts) -> float:
    """The mean number of pitch classes that sound in a bar."""
    bars = excerpts.pitch.reshape(-1, excerpts.bar)
    sounds = [(bars % CLASSES == number) & (bars >= 0) for number in range(CLASSES)]
    return float(np.any(sounds, axis=2).sum(axis=0).mean())


def _polyphonicity(pitch: NDArray[np.int64]) -> float:
    ordered = np.sort(pitch, axis=1)
    new = (ordered >= 0) & (np.diff(ordered, axis=1, prepend=-1) > 0)
    return float((new.sum(axis=1) >= MANY).mean())


def _mean(values: NDArray[np.float64]) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None
