"""Metrics of voice leading: how voices move against each other, step by step of sixteenth notes.

Voices are the tracks of a piece, drums left out, from the highest on average to the lowest. A piece
that has not 2 to 8 tracks, or a track in which notes overlap, has none of these metrics. A track
that doubles another, in unison or octaves at half of the steps or more, is no voice of its own:
where violins play with the soprano, that is no breach of a rule. `doubled_tracks` says how many.

Rates are per 100 quarter notes, and shares of steps, in which two voices or more sound: silence
changes none of them. The rules are those of the textbooks, such as Aldwell and Schachter, "Harmony
and Voice Leading" (4th edition, 2011); how breaches are counted is said with each metric.
"""

from collections.abc import Iterator
from functools import partial
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from ostinato.evaluation.piece_metrics.views import STEPS_PER_QUARTER, PieceViews, Voices
from ostinato.evaluation.registry import register
from ostinato.music.piece import OCTAVE

UNISON, SEMITONE, WHOLE_TONE, FOURTH, FIFTH = 0, 1, 2, 5, 7  # semitones

_register = partial(register, "piece", group="voice leading")
Line = NDArray[np.int64]


@_register(
    unit="per 100 quarter notes",
    description="times that two voices, a fifth apart or a fifth and octaves, move in one "
    "direction to another such fifth from one sixteenth note to the next",
)
def parallel_fifths(piece: PieceViews) -> float | None:
    """Return parallel fifths of any two voices per 100 quarter notes."""
    return _parallels(piece.voices, FIFTH)


@_register(
    unit="per 100 quarter notes",
    description="times that two voices, in unison or octaves apart, move in one direction to "
    "another unison or octave from one sixteenth note to the next",
)
def parallel_octaves(piece: PieceViews) -> float | None:
    """Return parallel octaves and unisons of any two voices per 100 quarter notes."""
    return _parallels(piece.voices, UNISON)


@_register(
    unit="per 100 quarter notes",
    description="times that the highest and the lowest voice move in one direction to a fifth or "
    "an octave from another interval, the highest by more than a whole tone (hidden fifths and "
    "octaves)",
)
def hidden_fifths_and_octaves(piece: PieceViews) -> float | None:
    """Return hidden fifths and octaves of the outer voices per 100 quarter notes."""
    if (voices := piece.voices) is None:
        return None
    upper, lower = voices.pitch[0], voices.pitch[-1]
    wide = np.abs(np.diff(upper)) > WHOLE_TONE
    found = 0
    for interval in (UNISON, FIFTH):
        reached = _is_interval(upper, lower, interval)
        new = reached[1:] & ~reached[:-1]
        found += int((new & wide & _similar_motion(upper, lower)).sum())
    return _per_100_quarters(found, voices)


@_register(
    unit="share",
    description="sixteenth notes at which a voice is below the next lower one",
)
def voice_crossing(piece: PieceViews) -> float | None:
    """Return the share of steps at which some two neighbouring voices are crossed."""
    if (voices := piece.voices) is None:
        return None
    crossed = [(a < b) & (a >= 0) for a, b in pairwise(voices.pitch)]
    return _share_of_steps(crossed, voices)


@_register(
    unit="share",
    description="sixteenth notes at which two voices are a semitone apart, or a major seventh, or "
    "either and octaves",
)
def semitone_clashes(piece: PieceViews) -> float | None:
    """Return the share of steps at which two voices clash by a semitone, octaves left aside."""
    if (voices := piece.voices) is None:
        return None
    clashes = [
        _is_interval(a, b, SEMITONE) | _is_interval(a, b, OCTAVE - SEMITONE)
        for a, b in combinations(voices.pitch, 2)
    ]
    return _share_of_steps(clashes, voices)


@_register(
    unit="share",
    description="sixteenth notes at which two neighbouring voices above the lowest are more than "
    "an octave apart",
)
def wide_spacing(piece: PieceViews) -> float | None:
    """Return the share of steps with two upper voices at which neighbours are far apart.

    None where there are not two voices above the lowest.
    """
    if (voices := piece.voices) is None or len(voices.pitch) < 3:
        return None
    upper = Voices(voices.pitch[:-1], voices.onset[:-1])
    wide = [(np.abs(a - b) > OCTAVE) & (a >= 0) & (b >= 0) for a, b in pairwise(upper.pitch)]
    return _share_of_steps(wide, upper)


@_register(
    unit="share",
    description="steps of the voices above the lowest, from a note to one that follows without a "
    "rest, that are wider than a fourth",
)
def upper_voice_leaps(piece: PieceViews) -> float | None:
    """Return the share of melodic steps of the upper voices that are wider than a fourth."""
    return None if piece.voices is None else _leaps(piece.voices, slice(0, -1), FOURTH)


@_register(
    unit="share",
    description="steps of the lowest voice, from a note to one that follows without a rest, that "
    "are wider than a fifth",
)
def bass_leaps(piece: PieceViews) -> float | None:
    """Return the share of melodic steps of the lowest voice that are wider than a fifth."""
    return None if piece.voices is None else _leaps(piece.voices, slice(-1, None), FIFTH)


@_register(
    unit="share",
    description="tracks that double a higher one, in unison or octaves at half of the sixteenth "
    "notes or more; the other metrics of voice leading leave them out",
)
def doubled_tracks(piece: PieceViews) -> float | None:
    """Return the share of tracks that double another; None where tracks are not voices."""
    if piece.tracks is None:
        return None
    voices = 1 if piece.voices is None else len(piece.voices.pitch)  # below two there are none
    return 1 - voices / len(piece.tracks.pitch)


def _parallels(voices: Voices | None, interval: int) -> float | None:
    if voices is None:
        return None
    found = 0
    for a, b in combinations(voices.pitch, 2):
        there = _is_interval(a, b, interval)
        found += int((there[1:] & there[:-1] & _similar_motion(a, b)).sum())
    return _per_100_quarters(found, voices)


def _is_interval(a: Line, b: Line, semitones: int) -> NDArray[np.bool_]:
    """Return at which steps both sound so far apart, octaves left aside: (steps,)."""
    there: NDArray[np.bool_] = (a >= 0) & (b >= 0) & (np.abs(a - b) % OCTAVE == semitones)
    return there


def _similar_motion(a: Line, b: Line) -> NDArray[np.bool_]:
    """Return after which steps both move in one direction: (steps - 1,).

    Both sound before and after. A note that is struck again does not move.
    """
    sounding = (a >= 0) & (b >= 0)
    direction = np.sign(np.diff(a))
    similar = (direction == np.sign(np.diff(b))) & (direction != 0)
    moves: NDArray[np.bool_] = similar & sounding[1:] & sounding[:-1]
    return moves


def _leaps(voices: Voices, chosen: slice, widest: int) -> float | None:
    """Return the share of steps of the chosen voices that are wider; None without any step."""
    intervals = np.concatenate([np.zeros(0, np.int64), *_intervals(voices, chosen)])
    return float(np.mean(np.abs(intervals) > widest)) if len(intervals) else None


def _intervals(voices: Voices, chosen: slice) -> Iterator[Line]:
    """Yield the steps in semitones from each note of a voice to the next that follows at once."""
    for pitch, onset in zip(voices.pitch[chosen], voices.onset[chosen], strict=True):
        begins = np.flatnonzero(onset[1:]) + 1
        before, after = pitch[begins - 1], pitch[begins]
        yield (after - before)[before >= 0]


def _per_100_quarters(found: int, voices: Voices) -> float | None:
    """Return a number of times per 100 quarter notes in which two voices or more sound."""
    steps = int(np.count_nonzero(voices.together))
    return 100 * found / (steps / STEPS_PER_QUARTER) if steps else None


def _share_of_steps(found: list[NDArray[np.bool_]], voices: Voices) -> float | None:
    """Return the share of steps with two voices or more at which any of `found` is true."""
    steps = int(np.count_nonzero(voices.together))
    return float(np.count_nonzero(np.any(found, axis=0)) / steps) if steps else None
