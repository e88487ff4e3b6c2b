"""Measures of segments of voices or of piano-rolls, and a set of them against another."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ostinato.evaluation.distributions import overlapping_area
from ostinato.models.segments import Lines, Shape

SILENT = -1
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
SHARES = {
    "diversity": "share of steps in which two segments differ",
    "qualified_notes": "share of notes that last an eighth note or longer",
    "empty_bars": "share of bars, voice by voice, in which nothing sounds",
    "rests": "share of steps, voice by voice, in which nothing sounds",
    "unisons": "share of steps in which two voices sound one pitch",
}
MOST_PAIRS = 200  # segments that are compared with each other
WHOLE_EIGHTH = 0.5  # quarter notes


@dataclass(frozen=True)
class Excerpts:
    """Segments side by side, as arrays.

    pitch: (segments, voices, steps), MIDI pitches, -1 where a voice is silent; onset: the same
    shape, true where a note begins; `beat` steps are a quarter note and `bar` steps a bar. Of a
    piano-roll, `roll`, there is a voice for each pitch, and what is only of voices is not measured.
    """

    pitch: NDArray[np.int64]
    onset: NDArray[np.bool_]
    beat: int
    bar: int
    roll: bool = False

    def __len__(self) -> int:
        return len(self.pitch)

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Return how many steps notes last, at their first: (segments, voices, steps)."""
        steps = self.pitch.shape[-1]
        new = self.onset | (self.pitch < 0)
        here = np.where(new, np.arange(steps), steps)
        following = np.minimum.accumulate(here[..., ::-1], axis=-1)[..., ::-1]
        ends = np.concatenate([following[..., 1:], np.full((*here.shape[:-1], 1), steps)], axis=-1)
        return np.where(self.onset, ends - np.arange(steps), 0)


def excerpts_of(lines: Lines, shape: Shape) -> Excerpts:
    """Return what a network makes, or is shown, to be measured."""
    return excerpts(*lines.said(), shape)


def excerpts(pitch: Tensor, onset: Tensor, shape: Shape) -> Excerpts:
    """The same of what `Lines.said` gives, or of a batch of segments."""
    said, begins = pitch.cpu().numpy(), onset.cpu().numpy() > 0
    floors = np.array(shape.floors)[:, None]
    sounding = np.where(said < shape.pitches, said + floors, SILENT)
    return Excerpts(sounding, begins, shape.beat, shape.bar, shape.apart)


def features(excerpts: Excerpts) -> dict[str, NDArray[np.float64]]:
    """Each of the `FEATURES` of every segment: (segments,), NaN where it is undefined.

    With one voice there is no distance between voices, and a piano-roll has neither such nor steps
    from note to note.
    """
    counts = _class_counts(excerpts)
    notes = counts.sum(axis=1)
    values = {
        "pitch_classes": (counts > 0).sum(axis=1).astype(float),
        "notes": notes,
        "mean_length": _divided(excerpts.lengths.sum(axis=(1, 2)) / excerpts.beat, notes),
        "scale_consistency": _divided(_in_scale(counts), notes),
        "pitch_class_entropy": _entropy(counts),
    }
    if not excerpts.roll:
        values["jump"] = _jump(excerpts)
        if excerpts.pitch.shape[1] > 1:
            values["tonal_distance"] = tonal_distance(excerpts, slice(0, 1), slice(-1, None))
    return {name: values[name] for name in FEATURES if name in values}


def attributes(excerpts: Excerpts) -> dict[str, NDArray[np.float64]]:
    """Return what one may want more or less of, of every segment: (segments,), NaN where undefined.

    note_density: notes per quarter note; pitch_height: the mean pitch of notes, as in MIDI;
    syncopation: the share of notes that begin between two quarter notes and last beyond the second.
    """
    begins, steps = excerpts.onset, np.arange(excerpts.pitch.shape[-1])
    notes = begins.sum(axis=(1, 2)).astype(float)
    place = steps % excerpts.beat
    over = begins & (place > 0) & (place + excerpts.lengths > excerpts.beat)
    heights = np.where(begins, excerpts.pitch, 0).sum(axis=(1, 2)).astype(float)
    return {
        "note_density": notes * excerpts.beat / len(steps),
        "pitch_height": _divided(heights, notes),
        "syncopation": _divided(over.sum(axis=(1, 2)).astype(float), notes),
    }


def overlaps(ours: Excerpts, theirs: Excerpts) -> dict[str, float]:
    """The overlapping area of each feature of two sets; 0 where one of them has none."""
    return overlapping_areas(features(ours), features(theirs))


def overlap(areas: Mapping[str, float]) -> float:
    """Return the mean overlapping area of the `MONITORED` features; others change nothing."""
    monitored = [area for name, area in areas.items() if name in MONITORED]
    return sum(monitored) / len(monitored)


def overlapping_areas(
    ours: Mapping[str, NDArray[np.float64]], theirs: Mapping[str, NDArray[np.float64]]
) -> dict[str, float]:
    """The same of what `features` gives of two sets."""
    areas = {}
    for name, values in ours.items():
        a, b = values[~np.isnan(values)], theirs[name][~np.isnan(theirs[name])]
        areas[name] = overlapping_area(a, b) if len(a) and len(b) else 0.0
    return areas


def diversity(excerpts: Excerpts) -> float:
    """Return how much segments differ: the mean of what `differing` says of all pairs.

    Of the first 200; 0 for fewer than two.
    """
    some = excerpts.pitch[:MOST_PAIRS]
    if len(some) < 2:
        return 0.0
    each = [differing(some[i], some[i + 1 :], excerpts.roll).sum() for i in range(len(some) - 1)]
    return float(sum(each) / (len(some) * (len(some) - 1) / 2))


def differing(here: NDArray[np.int64], there: NDArray[np.int64], roll: bool) -> NDArray[np.float64]:
    """The share of steps, voice by voice, at which another pitch sounds: (…, voices, steps) -> (…).

    Of piano-rolls, which are silent at most places, the share of those at which something sounds in
    one or in both.
    """
    differ = here != there
    counted = np.maximum(here, there) >= 0 if roll else np.ones_like(differ)
    most = np.maximum(counted.sum(axis=(-2, -1)), 1)
    shares: NDArray[np.float64] = differ.sum(axis=(-2, -1)) / most
    return shares


def qualified(excerpts: Excerpts) -> float:
    """The share of notes that last an eighth note at least; 0 where there are no notes."""
    lengths = excerpts.lengths[excerpts.onset]
    return float(np.mean(lengths >= WHOLE_EIGHTH * excerpts.beat)) if len(lengths) else 0.0


def empty_bars(excerpts: Excerpts) -> float:
    """The share of bars, voice by voice, in which nothing sounds."""
    segments, voices, steps = excerpts.pitch.shape
    by_bar = excerpts.pitch.reshape(segments, voices, steps // excerpts.bar, excerpts.bar)
    return float((by_bar < 0).all(axis=3).mean())


def rests(excerpts: Excerpts) -> float:
    """The share of steps, voice by voice, in which nothing sounds."""
    return float((excerpts.pitch < 0).mean())


def unisons(excerpts: Excerpts) -> float:
    """The share of steps in which two voices or more sound the same pitch."""
    ordered = np.sort(excerpts.pitch, axis=1)
    doubled = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)
    return float(doubled.any(axis=1).mean())


def by_themselves(excerpts: Excerpts) -> dict[str, float]:
    """Return what is told of one set by itself, each from 0 to 1, by the names of `SHARES`.

    Voices that fall silent or meet are none of piano-rolls'.
    """
    told = {"diversity": diversity(excerpts), "qualified_notes": qualified(excerpts)}
    if not excerpts.roll:
        told["empty_bars"], told["rests"] = empty_bars(excerpts), rests(excerpts)
        told["unisons"] = unisons(excerpts)
    return told


def _class_counts(excerpts: Excerpts) -> NDArray[np.float64]:
    """Return how many notes of each pitch class begin: (segments, 12)."""
    rows = np.nonzero(excerpts.onset)[0]
    counts = np.zeros((len(excerpts), CLASSES))
    np.add.at(counts, (rows, excerpts.pitch[excerpts.onset] % CLASSES), 1)
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


def _jump(excerpts: Excerpts) -> NDArray[np.float64]:
    total, count = np.zeros(len(excerpts)), np.zeros(len(excerpts))
    for voice in range(excerpts.pitch.shape[1]):
        rows, steps = np.nonzero(excerpts.onset[:, voice])
        pitches = excerpts.pitch[rows, voice, steps]
        same = rows[1:] == rows[:-1]
        np.add.at(total, rows[1:][same], np.abs(np.diff(pitches))[same])
        np.add.at(count, rows[1:][same], 1)
    return _divided(total, count)


def tonal_distance(excerpts: Excerpts, one: slice, other: slice) -> NDArray[np.float64]:
    """Mean over the quarter notes in which both groups of voices sound: (segments,).

    NaN where none is.

    The distance of tonal centroids (Harte, Sandler and Gasser, Detecting Harmonic Change in Musical
    Audio, 2006), as MuseGAN takes it between tracks.
    """
    here, there = (_centroids(excerpts.pitch[:, v], excerpts.beat) for v in (one, other))
    distances = np.sqrt(((here - there) ** 2).sum(axis=2))
    heard = ~np.isnan(distances)
    return _divided(np.where(heard, distances, 0).sum(axis=1), heard.sum(axis=1).astype(float))


def _centroids(pitch: NDArray[np.int64], beat: int) -> NDArray[np.float64]:
    """Tonal centroids of each beat of voices together: (segments, beats, 6); NaN: silent.

    pitch: (segments, voices, steps). A last beat that is not whole is left out.
    """
    beats = pitch.shape[2] // beat
    by_beat = pitch[..., : beats * beat].reshape(*pitch.shape[:2], beats, beat)
    chroma = (by_beat[..., None] % CLASSES == np.arange(CLASSES)) & (by_beat[..., None] >= 0)
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
