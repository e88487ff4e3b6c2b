"""Samples of a listening test."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ostinato.music.piece import Piece

Samples = Callable[..., Path]


def continued(piece: Piece, semitones: int, bars: int = 2) -> Piece:
    """Return a piece that goes on a few semitones higher after its first bars."""
    until = int(piece.barlines()[bars])
    notes = piece.notes.copy()
    notes["pitch"] += (semitones * (notes["onset"] >= until)).astype("u1")
    return replace(piece, notes=notes)
