"""Tunes made up for the tests."""

import numpy as np

from ostinato.music.piece import NOTE, Piece, array


def melody(name: str, seed: int, notes: int = 40) -> Piece:
    """A random tune of eighths, quarters and halves, walking by steps and leaps."""
    rng = np.random.default_rng(seed)
    pitches = 60 + np.clip(np.cumsum(rng.integers(-5, 6, notes)), -30, 30)
    durations = rng.choice([12, 24, 48], notes)
    onsets = np.cumsum(durations) - durations
    columns = {"onset": onsets, "duration": durations, "pitch": pitches}
    return Piece(name, 24, array(NOTE, velocity=80, **columns))
