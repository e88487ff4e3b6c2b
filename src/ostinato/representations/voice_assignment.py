"""Spreading the notes of a polyphonic track over several voices."""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

LOST = -1
CROSSING = 128  # what speaks against a voice that would cross a sounding one, in semitones

Sounding = list[tuple[int, int]]  # of each voice, when its note ends and its pitch


def assign_voices(notes: NDArray[Any], voices: int) -> list[NDArray[Any]]:
    """Spread the notes of a track (in steps, sorted as in `Piece`) over lines without overlaps.

    Notes that begin together go to free voices, from the highest down, so that they cross as few
    sounding ones as possible and are near to the register of their voice, one of so many equal
    parts of the track's notes. A note keeps its voice until it ends; where too few are free, the
    notes that would end first end there. Of more that begin together than there are voices, the
    inner ones are lost. Notes of one pitch must not overlap.
    """
    voice = _choose_voices(notes, voices)
    return [_cut_overlaps(notes[voice == number]) for number in range(voices)]


def _cut_overlaps(line: NDArray[Any]) -> NDArray[Any]:
    """Return notes of one voice, each of which ends when the next begins."""
    line["duration"][:-1] = np.minimum(line["duration"][:-1], np.diff(line["onset"]))
    return line


def _choose_voices(notes: NDArray[Any], voices: int) -> NDArray[np.int64]:
    """Return the voice of each note, from 0, the highest, on, or `LOST`: (notes,)."""
    if not len(notes):
        return np.zeros(0, np.int64)
    heights = np.sort(notes["pitch"])[::-1].tolist()
    middles = [(2 * number + 1) * len(heights) // (2 * voices) for number in range(voices)]
    registers = [heights[middle] for middle in middles]
    onsets, pitches = notes["onset"].tolist(), notes["pitch"].tolist()
    ends = (notes["onset"] + notes["duration"]).tolist()
    bounds = [*np.flatnonzero(np.diff(notes["onset"], prepend=-1)).tolist(), len(notes)]
    found = np.full(len(notes), LOST)
    sounding: Sounding = [(0, 0)] * voices
    for first, last in pairwise(bounds):
        now = onsets[first]
        new = _drop_inner(list(range(last - 1, first - 1, -1)), voices)
        free = _find_free(sounding, now, len(new))
        costs = [[_cost(pitches[i], v, registers, sounding, now) for v in free] for i in new]
        for i, place in zip(new, _choose_places(costs), strict=True):
            found[i] = free[place]
            sounding[free[place]] = (ends[i], pitches[i])
    return found


def _find_free(sounding: Sounding, now: int, least: int) -> list[int]:
    """Return the voices that are silent, and those that end first where these are too few."""
    free = [voice for voice, (end, _) in enumerate(sounding) if end <= now]
    if len(free) < least:
        free = sorted(sorted(range(len(sounding)), key=lambda voice: sounding[voice][0])[:least])
    return free


def _drop_inner(notes: list[int], most: int) -> list[int]:
    """Return at most so many of the notes, without the inner ones."""
    if len(notes) <= most:
        return notes
    low = most // 2
    return notes[: most - low] + notes[len(notes) - low :]


def _cost(pitch: int, voice: int, registers: list[int], sounding: Sounding, now: int) -> int:
    """Return what speaks against a pitch in a voice, in semitones."""
    crossed = sum(
        end > now and (held < pitch if other < voice else held > pitch)
        for other, (end, held) in enumerate(sounding)
    )
    return abs(pitch - registers[voice]) + CROSSING * crossed


def _choose_places(costs: list[list[int]]) -> list[int]:
    """Return a place for each note, rising, at the least cost; costs: (notes, places).

    There are as many places as notes, or more.
    """
    if not costs:
        return []
    spare = len(costs[0]) - len(costs)
    if not spare:
        return list(range(len(costs)))
    # the least cost of the notes so far where the last of them is `skipped` places behind its row
    totals, came_from = [0] * (spare + 1), []
    for row, cost in enumerate(costs):
        best = 0
        origins = []
        for skipped in range(spare + 1):
            if totals[skipped] < totals[best]:
                best = skipped
            origins.append(best)
        totals = [totals[origin] + cost[row + s] for s, origin in enumerate(origins)]
        came_from.append(origins)
    skipped = min(range(spare + 1), key=totals.__getitem__)
    places = []
    for row in range(len(costs) - 1, -1, -1):
        places.append(row + skipped)
        skipped = came_from[row][skipped]
    return places[::-1]
