"""Memorisation: how far generated segments are from those of the training pieces."""

import numpy as np
from numpy.typing import NDArray

from ostinato.representations.monophonic import REST
from ostinato.representations.voice_roll import VoiceRoll

EVERY_KEY = range(-6, 7)  # semitones
OUT_OF_RANGE = -128  # no pitch, in any key


def nearest_distances(ours: VoiceRoll, training: VoiceRoll) -> NDArray[np.float64]:
    """Return how much each segment differs from the training segment most like it: (segments,).

    The share of places that `count_differences` gives, in the key that is nearest.
    """
    if ours.one_voice_per_pitch:
        return _pianoroll_distances(ours, training)
    theirs = training.pitch.reshape(len(training), -1).astype(np.uint8)
    places = theirs.shape[1]
    best = np.full(len(ours), places)
    for semitones in EVERY_KEY:
        moved = np.where(ours.sounding, ours.pitch + semitones, REST)
        # what leaves MIDI's pitches upwards is like no pitch, and not like silence either
        moved = np.where(ours.sounding & (moved >= REST), OUT_OF_RANGE, moved)
        columns = moved.reshape(len(ours), places).astype(np.int16).T
        # place by place, so that memory is of pairs of segments alone: (ours, training)
        differ = np.zeros((len(ours), len(training)), np.int32)
        for here, there in zip(columns, theirs.T, strict=True):
            differ += here[:, None] != there
        best = np.minimum(best, differ.min(axis=1))
    shares: NDArray[np.float64] = best / places
    return shares


def _pianoroll_distances(ours: VoiceRoll, training: VoiceRoll) -> NDArray[np.float64]:
    """Return the share of places that sound in one alone, of those in one or both: (segments,)."""
    theirs = training.sounding.reshape(len(training), -1).astype(np.float32)
    sounds, nearest = ours.sounding, np.ones(len(ours))
    # places of both segments of a pair, counted twice where both sound: (ours, training)
    together = sounds.sum(axis=(1, 2))[:, None] + theirs.sum(axis=1)
    for semitones in EVERY_KEY:
        here = _transpose(sounds, semitones).reshape(len(ours), -1).astype(np.float32)
        both = here @ theirs.T
        either = together - both
        nearest = np.minimum(nearest, (1 - both / np.maximum(either, 1)).min(axis=1))
    return nearest


def _transpose(sounds: NDArray[np.bool_], semitones: int) -> NDArray[np.bool_]:
    """Return a roll (segments, pitches, steps) moved up; what leaves the pitches is gone."""
    moved = np.zeros_like(sounds)
    pitches = sounds.shape[1]
    low, high = max(0, semitones), min(pitches, pitches + semitones)
    moved[:, low:high] = sounds[:, low - semitones : high - semitones]
    return moved
