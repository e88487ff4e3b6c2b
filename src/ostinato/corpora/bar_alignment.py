"""Finding where bars begin in music whose files do not say it."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.music.piece import TIME_SIGNATURE, Piece, array

STEPS = 4  # of a quarter note, that bars are looked for at


def align_bars(piece: Piece, numerator: int, denominator: int) -> Piece:
    """Return the piece in one metre, moved so that its barlines are where its notes put them.

    Notes besides drums are taken to be on a grid of sixteenths, whose phase is the mean angle of
    their onsets. Of the steps of a bar, that one begins it at which the lowest notes of all that
    begin together are longest, counted up to a bar each. The first bar is the one in which the
    first note begins; what begins less than half a step before it begins with it. Tempo and key
    changes move with the notes.
    """
    metre = array(TIME_SIGNATURE, onset=0, numerator=numerator, denominator=denominator)
    if not len(piece.notes):
        return replace(piece, time_signatures=metre)
    bar = 4 * numerator / denominator * piece.resolution  # ticks
    barline, half = _barline(piece, bar), piece.resolution / STEPS / 2
    start = round(barline + (piece.notes["onset"][0] + half - barline) // bar * bar)
    notes = piece.notes.copy()
    early = np.maximum(start - notes["onset"], 0)
    notes["onset"] += early - start
    notes["duration"] = np.maximum(notes["duration"] - early, 1)
    return replace(
        piece,
        notes=notes,
        tempos=_move(piece.tempos, start),
        time_signatures=metre,
        key_signatures=_move(piece.key_signatures, start),
    )


def _barline(piece: Piece, bar: float) -> float:
    """Return a tick at which a bar of so many ticks begins."""
    step = piece.resolution / STEPS
    steps = max(1, round(bar / step))
    notes = piece.notes[~piece.notes["drum"]]
    notes = notes if len(notes) else piece.notes
    onsets, durations = notes["onset"] / step, notes["duration"] / step
    phase = float(np.angle(np.exp(2j * np.pi * onsets).mean()) / (2 * np.pi))
    places = np.round(onsets - phase).astype(np.int64)
    order = np.lexsort((notes["pitch"], places))
    lowest = order[np.diff(places[order], prepend=places[order[0]] - 1) > 0]
    weights = np.minimum(durations[lowest], steps)
    return step * (phase + int(np.bincount(places[lowest] % steps, weights).argmax()))


def _move(changes: NDArray[Any], start: int) -> NDArray[Any]:
    """Move changes so many ticks earlier; what holds from the beginning of the piece still does."""
    before = int((changes["onset"] <= max(start, 0)).sum())
    kept: NDArray[Any] = changes[max(0, before - 1) :].copy()
    kept["onset"] = np.where(kept["onset"] <= max(start, 0), 0, kept["onset"] - start)
    return kept
