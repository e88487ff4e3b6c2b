"""Copies as they are planted for `benchmarks/originality.py`: what they go through, and where."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.music.piece import Piece

PLANTED_AT = 16.0  # quarter notes
FEWEST_A_BAR = 4  # notes of a passage that is planted: emptier bars are no music to copy
CHANGED = 0.10  # of the notes

Notes = NDArray[Any]
Change = Callable[[Notes, int, np.random.Generator], Notes]


def leave(notes: Notes, resolution: int, rng: np.random.Generator) -> Notes:
    """Return the notes as they are."""
    del resolution, rng
    return notes


def transpose(notes: Notes, resolution: int, rng: np.random.Generator) -> Notes:
    """Return the notes up or down by one to six semitones."""
    del resolution
    return move_pitches(notes, np.full(len(notes), rng.choice([-1, 1]) * rng.integers(1, 7)))


def shift_track(notes: Notes, resolution: int, rng: np.random.Generator) -> Notes:
    """Return the notes with one track an octave up or down."""
    del resolution
    track = rng.choice(np.unique(notes["track"]))
    return move_pitches(notes, np.where(notes["track"] == track, rng.choice([-12, 12]), 0))


def shift_notes(notes: Notes, resolution: int, rng: np.random.Generator) -> Notes:
    """Return the notes, three in ten of them an octave up or down."""
    del resolution
    octaves = rng.choice([-12, 12], len(notes)) * (rng.random(len(notes)) < 0.3)
    return move_pitches(notes, octaves)


def delay(notes: Notes, resolution: int, rng: np.random.Generator) -> Notes:
    """Return the notes later by one to seven sixteenths."""
    later = notes.copy()
    later["onset"] += rng.integers(1, 8) * resolution // 4
    return later


def alter(notes: Notes, resolution: int, rng: np.random.Generator) -> Notes:
    """Return the notes, one in ten of them changed: in pitch, in onset, or left out, in turn."""
    count = max(1, round(CHANGED * len(notes)))
    chosen = rng.permutation(len(notes))[:count]
    semitones = np.zeros(len(notes), np.int64)
    semitones[chosen[0::3]] = rng.choice([-1, 1]) * rng.integers(1, 7, len(chosen[0::3]))
    altered = move_pitches(notes, semitones)
    altered["onset"][chosen[1::3]] += resolution // 4
    return np.delete(altered, chosen[2::3])


def alter_transposed(notes: Notes, resolution: int, rng: np.random.Generator) -> Notes:
    """Return the notes transposed, one in ten of them changed."""
    return transpose(alter(notes, resolution, rng), resolution, rng)


def move_pitches(notes: Notes, semitones: NDArray[np.int64]) -> Notes:
    """Return the notes with other pitches; one that would leave 0 to 127 is an octave off."""
    moved = notes.copy()
    pitch = notes["pitch"].astype(np.int64) + semitones
    pitch += 12 * ((pitch < 0).astype(np.int64) - (pitch > 127))
    moved["pitch"] = pitch
    return moved


@dataclass(frozen=True)
class Case:
    """A kind of copy. bar: the recall that is asked for, None where none is."""

    name: str
    bars: int
    change: Change
    bar: float | None = None
    melody: bool = False


CASES = (
    Case("verbatim, 8 bars", 8, leave, 0.99),
    Case("transposed, 8 bars", 8, transpose, 0.99),
    Case("one track an octave off, 8 bars", 8, shift_track, 0.99),
    Case("30 % of the notes an octave off, 8 bars", 8, shift_notes, 0.99),
    Case("1 to 7 sixteenths late, 8 bars", 8, delay, 0.99),
    Case("10 % of the notes changed, 8 bars", 8, alter, 0.95),
    Case("10 % changed and transposed, 8 bars", 8, alter_transposed, 0.95),
    Case("10 % of the notes changed, 4 bars", 4, alter),
    Case("two bars", 2, leave, 0.90),
    Case("two bars, transposed", 2, transpose, 0.90),
    Case("two bars, 10 % of the notes changed", 2, alter),
    Case("first track alone over other music, 8 bars", 8, leave, melody=True),
)


def plant(host: Piece, source: Piece, case: Case, rng: np.random.Generator) -> tuple[Piece, float]:
    """Return a host with a passage of a training piece in it, and the quarter at which it ends."""
    resolution = host.resolution
    notes, length = _passage(source.at_resolution(resolution), case, rng)
    begin = round(PLANTED_AT * resolution)
    planted = case.change(notes, resolution, rng)
    planted["onset"] += begin
    replaced = (host.notes["onset"] >= begin) & (host.notes["onset"] < begin + length)
    if case.melody:
        replaced &= host.notes["track"] == host.notes["track"].min()
    mixed = np.concatenate([host.notes[~replaced], planted])
    return Piece(host.name, resolution, mixed), (begin + length) / resolution


def _passage(source: Piece, case: Case, rng: np.random.Generator) -> tuple[Notes, int]:
    """Return bars of a piece, from tick 0 on, and their length in ticks; none nearly empty.

    A bar has the length that most bars of the piece have: pickups, and bars that a repeat divides,
    are written as short ones. A piece without so many bars gives what it has.
    """
    lines = source.barlines()
    gaps = np.diff(np.append(lines, max(source.end, lines[-1] + 1)))
    length = case.bars * int(np.bincount(gaps).argmax())
    starts = lines[lines <= max(0, source.end - length)]
    notes = source.notes
    for _ in range(200):
        begin = int(rng.choice(starts))
        within = (source.notes["onset"] >= begin) & (source.notes["onset"] < begin + length)
        if case.melody:
            within &= source.notes["track"] == source.notes["track"].min()
        notes = source.notes[within].copy()
        notes["onset"] -= begin
        if len(notes) >= FEWEST_A_BAR * case.bars // (2 if case.melody else 1):
            break
    return notes, length
