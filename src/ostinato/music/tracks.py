"""Tracks of a piece, put together."""

from dataclasses import replace

import numpy as np

from ostinato.music.piece import Piece


def merge_tracks(piece: Piece) -> Piece:
    """Return the piece with the notes of all tracks without drums in one, named after the first.

    Tracks of drums follow it. Notes keep their program, also those that double another.
    """
    pitched = piece.pitched_tracks
    others = np.setdiff1d(np.arange(len(piece.track_names)), pitched)
    if len(pitched) < 2:
        return piece
    new = np.zeros(len(piece.track_names), np.int64)
    new[others] = np.arange(1, len(others) + 1)
    notes = piece.notes.copy()
    notes["track"] = new[notes["track"]]
    names = tuple(piece.track_names[track] for track in (pitched[0], *others))
    return replace(piece, notes=notes, track_names=names)
