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

from ostinato.evaluation.segments import CLASSES, Pitches, qualified, tonal_distance
from ostinato.representations.monophonic import REST
from ostinato.representations.voice_roll import VoiceRoll

MANY = 3  # pitches at once
TABLE = {
    "empty_bars": "bars in which nothing sounds, by track",
    "pitch_classes": "pitch classes in a bar, by track",
    "qualified_notes": "notes of an eighth note at least, by track",
    "polyphonicity": "steps in which three pitches or more sound",
    "tonal_distance": "tonal distance of quarter notes, by pair of tracks",
}


def musegan_table(roll: VoiceRoll, tracks: Sequence[slice]) -> dict[str, Any]:
    """Return the figures by the names of `TABLE`: a list of tracks, a share, and pairs of tracks.

    tracks: the voices of each. Bars in which a track is silent have no pitch class and count as 0.
    A pair of tracks that never sound in one quarter note has no distance: None.
    """
    each = [roll.select_voices(voices) for voices in tracks]
    return {
        "empty_bars": [_empty_bars(one) for one in each],
        "pitch_classes": [_pitch_classes(one) for one in each],
        "qualified_notes": [qualified(one) for one in each],
        "polyphonicity": _polyphonicity(roll.pitch),
        "tonal_distance": {
            f"{first + 1}-{last + 1}": _mean(tonal_distance(roll, one, other))
            for (first, one), (last, other) in combinations(enumerate(tracks), 2)
        },
    }


def _empty_bars(roll: VoiceRoll) -> float:
    """Return the share of bars in which no voice sounds."""
    return float((_split_bars(roll) == REST).all(axis=(1, 3)).mean())


def _pitch_classes(roll: VoiceRoll) -> float:
    """Return the mean number of pitch classes that sound in a bar."""
    bars = _split_bars(roll)
    # by pitch class, which places sound it: (12, segments, voices, bars, steps of a bar)
    sounds = [(bars % CLASSES == number) & (bars != REST) for number in range(CLASSES)]
    return float(np.any(sounds, axis=(2, 4)).sum(axis=0).mean())


def _split_bars(roll: VoiceRoll) -> Pitches:
    """Return pitches (segments, voices, bars, steps of a bar)."""
    segments, voices, _ = roll.pitch.shape
    return roll.pitch.reshape(segments, voices, -1, roll.bar_steps)


def _polyphonicity(pitch: Pitches) -> float:
    # in order, what is higher than the one before is another pitch: (segments, voices, steps)
    ordered = np.sort(pitch, axis=1)
    new = (ordered < REST) & (np.diff(ordered, axis=1, prepend=-1) > 0)
    return float((new.sum(axis=1) >= MANY).mean())


def _mean(values: NDArray[np.float64]) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None
