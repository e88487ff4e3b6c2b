"""Metrics of harmony: the pitches that sound at once, drums left out.

Chords are sets of pitch classes above the lowest pitch that sounds, so that no key has to be
estimated and a transposed piece has the same ones.
"""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from ostinato.evaluation.piece_metrics.views import SILENT, STEPS_PER_QUARTER, PieceViews
from ostinato.evaluation.registry import register
from ostinato.music.piece import OCTAVE

Flags = NDArray[np.bool_]

DISSONANT = (1, 2, 6, 10, 11)  # seconds, the tritone and sevenths, in semitones
# semitones above the bass; a triad may lack its fifth, as the last chord of a chorale often does
TRIADS = ((0, 4, 7), (0, 3, 7), (0, 4), (0, 3))
MAJOR_THIRD, FIFTH = 4, 7
LONG = 2 * STEPS_PER_QUARTER  # steps after which a chord that stands still ends a phrase
WEIGHTS = 1 << np.arange(OCTAVE)  # a set of pitch classes as one number

_register = partial(register, "piece", group="harmony")


@_register(
    unit="count",
    description="different chords at the beginnings of quarter notes: sets of pitch classes above "
    "the lowest pitch; longer pieces have more",
)
def chord_vocabulary(piece: PieceViews) -> float | None:
    """Return how many chords occur at the beginnings of quarter notes; None where none do."""
    counts = _chord_counts(piece)
    return float(len(counts)) if len(counts) else None


@_register(
    unit="bits",
    description="entropy of the chords at the beginnings of quarter notes: sets of pitch classes "
    "above the lowest pitch",
)
def chord_entropy(piece: PieceViews) -> float | None:
    """Return the Shannon entropy of the chords in bits; None where there are none."""
    counts = _chord_counts(piece)
    if not len(counts):
        return None
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum()) + 0.0  # not -0 where there is one chord


@_register(
    unit="share",
    description="sixteenth notes with two or more pitches at which any two of them are a second, "
    "a seventh or a tritone apart, octaves left aside",
)
def dissonance_rate(piece: PieceViews) -> float | None:
    """Return the share of sounding chords in which a dissonance is; None without any chord."""
    several = piece.pianoroll.sum(axis=1) > 1
    if not several.any():
        return None
    chords = piece.chords[several]
    dissonant = np.zeros(len(chords), bool)
    for interval in DISSONANT[:3]:  # of 12 - n semitones is the same pair the other way round
        dissonant |= (chords & np.roll(chords, -interval, axis=1)).any(axis=1)
    return float(np.mean(dissonant))


@_register(
    unit="share",
    description="sixteenth notes with a major or minor triad in root position, nothing added, "
    "among those at which anything sounds; the fifth may be missing",
)
def root_position_triad_rate(piece: PieceViews) -> float | None:
    """Return the share of sounding steps at which a root-position triad sounds."""
    sounding = piece.bass >= 0
    return float(np.mean(_is_triad(piece.chords[sounding]))) if sounding.any() else None


@_register(
    unit="share",
    description="ends of phrases on a major or minor triad in root position; a phrase ends where "
    "nothing begins or ends for a half note or longer, and with the piece",
)
def phrase_end_triads(piece: PieceViews) -> float | None:
    """Return the share of phrase ends on a root-position triad; None without pitches.

    Scores seldom say where phrases end: a chord that stands still for a half note or longer is
    taken for an end, and the last chord always.
    """
    if not piece.pitched:
        return None
    first = _chord_onsets(piece)
    lengths = np.diff(first, append=len(piece.bass))
    ends = (lengths >= LONG) & (piece.bass[first] >= 0)
    last = first[np.flatnonzero(piece.bass[first] >= 0)[-1]]
    return float(np.mean(_is_triad(piece.chords[np.union1d(first[ends], last)])))


@_register(
    unit="0 or 1",
    description="whether the last chord is a major or minor triad in root position; the fifth may "
    "be missing",
)
def end_on_triad(piece: PieceViews) -> float | None:
    """Return 1 where the last chord is a triad in root position, 0 otherwise; None without any."""
    if not piece.pitched:
        return None
    return float(_is_triad(piece.chords[_last_step(piece)][None])[0])


@_register(
    unit="0 or 1",
    description="whether the piece ends with a dominant and its tonic, V and I: the last chord is "
    "a triad in root position, and before it the bass is a fifth above, with its major third",
)
def final_cadence(piece: PieceViews) -> float | None:
    """Return 1 where the piece ends with an authentic cadence, 0 otherwise.

    The last chord counts as the tonic, and no key is estimated. The dominant is what sounds while
    the bass has its last other pitch class: a fifth above that of the end, with the leading note in
    any voice. None without pitches.
    """
    if not piece.pitched:
        return None
    end = _last_step(piece)
    sounding = np.flatnonzero(piece.bass[: end + 1] >= 0)
    classes = piece.bass[sounding] % OCTAVE
    others = np.flatnonzero(classes != classes[-1])
    if not end_on_triad(piece) or not len(others):
        return 0.0
    # the run of steps with the last other bass: back to where the bass was of another class
    run = classes[: others[-1] + 1]
    begin = np.flatnonzero(run != run[-1])
    steps = sounding[(begin[-1] + 1 if len(begin) else 0) : others[-1] + 1]
    dominant = (run[-1] - classes[-1]) % OCTAVE == FIFTH
    return float(dominant and bool(piece.chords[steps, MAJOR_THIRD].any()))


def _chord_counts(piece: PieceViews) -> NDArray[np.int64]:
    """Return how often each chord stands at the beginning of a quarter note: (chords,)."""
    chords = piece.chords[::STEPS_PER_QUARTER]
    numbers = chords[chords.any(axis=1)] @ WEIGHTS
    return np.unique(numbers, return_counts=True)[1]


def _chord_onsets(piece: PieceViews) -> NDArray[np.int64]:
    """Return the steps at which a note begins or ends, up to the end: (chords,)."""
    changes = np.union1d(piece.notes.onset, piece.notes.end)
    return changes[changes < len(piece.bass)]


def _is_triad(chords: Flags) -> Flags:
    """Return which chords are triads on their bass, nothing added: (chords,)."""
    triads = [WEIGHTS[list(triad)].sum() for triad in TRIADS]
    return np.isin(chords @ WEIGHTS, triads)


def _last_step(piece: PieceViews) -> int:
    """Return the last step at which a pitch sounds."""
    return int(np.flatnonzero(piece.bass != SILENT)[-1])
