"""Measures of segments of voices or of piano-rolls, and a set of them against another."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.evaluation.distributions import overlapping_area
from ostinato.representations.monophonic import REST
from ostinato.representations.voice_roll import VoiceRoll

CLASSES = 12
SCALE = (0, 2, 4, 5, 7, 9, 11)
RADII = (1.0, 1.0, 0.5)
FEATURES = {
    "pitch_classes": "different pitch classes",
    "notes": "notes",
    "mean_length": "mean length of a note, quarter notes",
    "tonal_distance": "tonal distance of the first and the last voice, by quarter notes",
    "scale_consistency": "share of notes in the best-fitting major scale",
    "pitch_class_entropy": "entropy of the pitch classes of notes, bits",
    "jump": "mean step from note to note within a voice, semitones",
}
# those whose mean chooses the weights of a GAN and is the figure of the benchmarks: a feature that
# is added to look at is not one of them
MONITORED = frozenset(
    {
        "pitch_classes",
        "notes",
        "mean_length",
        "tonal_distance",
        "scale_consistency",
        "pitch_class_entropy",
        "jump",
    }
)
SET_METRICS = {
    "diversity": "share of steps in which two segments differ",
    "qualified_notes": "share of notes that last an eighth note or longer",
    "empty_bars": "share of bars, voice by voice, in which nothing sounds",
    "rests": "share of steps, voice by voice, in which nothing sounds",
    "unisons": "share of steps in which two voices sound one pitch",
}
Pitches = NDArray[np.integer[Any]]
MOST_PAIRS = 200  # segments that are compared with each other
WHOLE_EIGHTH = 0.5  # quarter notes


def features(roll: VoiceRoll) -> dict[str, NDArray[np.float64]]:
    """Return the `FEATURES` of every segment: (segments,) each, NaN where undefined.

    With one voice there is no distance between voices, and a piano-roll has neither such nor steps
    from note to note.
    """
    counts = _class_counts(roll)
    notes = counts.sum(axis=1)
    values = {
        "pitch_classes": (counts > 0).sum(axis=1).astype(float),
        "notes": notes,
        "mean_length": _divided(roll.durations.sum(axis=(1, 2)) / roll.beat_steps, notes),
        "scale_consistency": _divided(_in_scale(counts), notes),
        "pitch_class_entropy": _entropy(counts),
    }
    if not roll.one_voice_per_pitch:
        values["jump"] = _jump(roll)
        if roll.pitch.shape[1] > 1:
            values["tonal_distance"] = tonal_distance(roll, slice(0, 1), slice(-1, None))
    return {name: values[name] for name in FEATURES if name in values}


def attributes(roll: VoiceRoll) -> dict[str, NDArray[np.float64]]:
    """Return the attributes of every segment: (segments,) each, NaN where undefined.

    note_density: notes per quarter note; pitch_height: the mean pitch of notes, as in MIDI;
    syncopation: the share of notes that begin between two quarter notes and last beyond the second.
    """
    begins, steps = roll.onset, np.arange(roll.pitch.shape[-1])
    notes = begins.sum(axis=(1, 2)).astype(float)
    place = steps % roll.beat_steps
    over = begins & (place > 0) & (place + roll.durations > roll.beat_steps)
    heights = np.where(begins, roll.pitch, 0).sum(axis=(1, 2)).astype(float)
    return {
        "note_density": notes * roll.beat_steps / len(steps),
        "pitch_height": _divided(heights, notes),
        "syncopation": _divided(over.sum(axis=(1, 2)).astype(float), notes),
    }


def overlaps(ours: VoiceRoll, theirs: VoiceRoll) -> dict[str, float]:
    """Return the overlapping area of each feature of two sets; 0 where one of them has none."""
    return overlapping_areas(features(ours), features(theirs))


def overlap(areas: Mapping[str, float]) -> float:
    """Return the mean overlapping area of the `MONITORED` features; others change nothing."""
    monitored = [area for name, area in areas.items() if name in MONITORED]
    return sum(monitored) / len(monitored)


def overlapping_areas(
    ours: Mapping[str, NDArray[np.float64]], theirs: Mapping[str, NDArray[np.float64]]
) -> dict[str, float]:
    """Return the overlapping areas of two sets of which `features` gave the values."""
    areas = {}
    for name, values in ours.items():
        a, b = values[~np.isnan(values)], theirs[name][~np.isnan(theirs[name])]
        areas[name] = overlapping_area(a, b) if len(a) and len(b) else 0.0
    return areas


def diversity(roll: VoiceRoll) -> float:
    """Return the diversity of segments: the mean of what `count_differences` gives of all pairs.

    Of the first 200; 0 for fewer than two.
    """
    some = roll.pitch[:MOST_PAIRS]
    if len(some) < 2:
        return 0.0
    each = [
        count_differences(some[i], some[i + 1 :], roll.one_voice_per_pitch).sum()
        for i in range(len(some) - 1)
    ]
    return float(sum(each) / (len(some) * (len(some) - 1) / 2))


def count_differences(here: Pitches, there: Pitches, is_pianoroll: bool) -> NDArray[np.float64]:
    """Return the share of steps, voice by voice, at which another pitch sounds.

    here, there: pitches (…, voices, steps); the shares are (…). Of piano-rolls, which are silent at
    most places, the share of those at which something sounds in one or in both.
    """
    differ = here != there
    # silence is above all pitches, so that the lower of two is silent where both are
    counted = np.minimum(here, there) < REST if is_pianoroll else np.ones_like(differ)
    most = np.maximum(counted.sum(axis=(-2, -1)), 1)
    shares: NDArray[np.float64] = differ.sum(axis=(-2, -1)) / most
    return shares


def qualified(roll: VoiceRoll) -> float:
    """Return the share of notes that last an eighth note at least; 0 where there are no notes."""
    lengths = roll.durations[roll.onset]
    return float(np.mean(lengths >= WHOLE_EIGHTH * roll.beat_steps)) if len(lengths) else 0.0


def empty_bars(roll: VoiceRoll) -> float:
    """Return the share of bars, voice by voice, in which nothing sounds."""
    by_bar = roll.pitch.reshape(*roll.pitch.shape[:2], -1, roll.bar_steps)
    return float((by_bar == REST).all(axis=3).mean())


def rests(roll: VoiceRoll) -> float:
    """Return the share of steps, voice by voice, in which nothing sounds."""
    return float((roll.pitch == REST).mean())


def unisons(roll: VoiceRoll) -> float:
    """Return the share of steps in which two voices or more sound the same pitch."""
    # pitches that two voices share are neighbours in order: (segments, voices, steps)
    ordered = np.sort(roll.pitch, axis=1)
    doubled = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] < REST)
    return float(doubled.any(axis=1).mean())


def set_statistics(roll: VoiceRoll) -> dict[str, float]:
    """Return the `SET_METRICS` of one set of segments, each from 0 to 1.

    Of piano-rolls, whose voices are pitches, those of single voices are left out.
    """
    statistics = {"diversity": diversity(roll), "qualified_notes": qualified(roll)}
    if not roll.one_voice_per_pitch:
        statistics["empty_bars"], statistics["rests"] = empty_bars(roll), rests(roll)
        statistics["unisons"] = unisons(roll)
    return statistics


def _class_counts(roll: VoiceRoll) -> NDArray[np.float64]:
    """Return how many notes of each pitch class begin: (segments, 12)."""
    rows = np.nonzero(roll.onset)[0]
    counts = np.zeros((len(roll), CLASSES))
    np.add.at(counts, (rows, roll.pitch[roll.onset] % CLASSES), 1)
    return counts


def _divided(totals: NDArray[np.float64], by: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(by > 0, totals / np.maximum(by, 1e-9), np.nan)


def _in_scale(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how many notes are in the major scale that holds most of them: (segments,)."""
    scales = np.zeros((CLASSES, CLASSES))
    for tonic in range(CLASSES):
        scales[tonic, [(tonic + degree) % CLASSES for degree in SCALE]] = 1
    most: NDArray[np.float64] = (counts @ scales.T).max(axis=1)
    return most


def _entropy(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    notes = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(notes, 1)
    bits = -(shares * np.log2(np.where(shares > 0, shares, 1))).sum(axis=1)
    return np.where(notes[:, 0] > 0, bits, np.nan)


def _jump(roll: VoiceRoll) -> NDArray[np.float64]:
    # rows and steps of notes are in order, so that neighbours in a row are a step apart
    total, count = np.zeros(len(roll)), np.zeros(len(roll))
    for voice in range(roll.pitch.shape[1]):
        rows, steps = np.nonzero(roll.onset[:, voice])
        pitches = roll.pitch[rows, voice, steps]
        same = rows[1:] == rows[:-1]
        np.add.at(total, rows[1:][same], np.abs(np.diff(pitches))[same])
        np.add.at(count, rows[1:][same], 1)
    return _divided(total, count)


def tonal_distance(roll: VoiceRoll, one: slice, other: slice) -> NDArray[np.float64]:
    """Return the mean distance over quarter notes in which both groups sound: (segments,).

    NaN where none is.

    The distance of tonal centroids (Harte, Sandler and Gasser, Detecting Harmonic Change in Musical
    Audio, 2006), as MuseGAN takes it between tracks.
    """
    # (segments, beats, 6) each
    here, there = (_centroids(roll.pitch[:, v], roll.beat_steps) for v in (one, other))
    distances = np.sqrt(((here - there) ** 2).sum(axis=2))
    both = ~np.isnan(distances)  # beats in which both groups sound
    return _divided(np.where(both, distances, 0).sum(axis=1), both.sum(axis=1).astype(float))


def _centroids(pitch: Pitches, beat: int) -> NDArray[np.float64]:
    """Return the tonal centroids of each beat of voices together: (segments, beats, 6).

    NaN where they are silent. pitch: (segments, voices, steps). A last beat that is not whole is
    left out.
    """
    beats = pitch.shape[2] // beat
    by_beat = pitch[..., : beats * beat].reshape(*pitch.shape[:2], beats, beat)
    # which pitch class each voice sounds: (segments, voices, beats, steps of a beat, 12)
    sounding = (by_beat != REST)[..., None]
    chroma = (by_beat[..., None] % CLASSES == np.arange(CLASSES)) & sounding
    sums = chroma.sum(axis=(1, 3)).astype(float)
    classes = np.arange(CLASSES)
    angles = np.pi * np.outer([7 / 6, 3 / 2, 2 / 3], classes)
    radii = np.array(RADII)[:, None]
    basis = np.concatenate([radii * np.sin(angles), radii * np.cos(angles)])
    return np.where(
        sums.sum(axis=2, keepdims=True) > 0,
        sums @ basis.T / np.maximum(sums.sum(axis=2, keepdims=True), 1),
        np.nan,
    )
