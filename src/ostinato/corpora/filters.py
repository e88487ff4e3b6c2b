"""Filters of a corpus: the notes that it keeps of a piece, and the pieces that it keeps."""

from dataclasses import replace
from typing import Any

import numpy as np

from ostinato.corpora.bar_alignment import align_bars
from ostinato.corpora.corpus import Corpus
from ostinato.errors import UnreadableError
from ostinato.music.piece import Piece
from ostinato.music.tracks import merge_tracks
from ostinato.wording import agree, quantity


def prepare(piece: Piece, corpus: Corpus) -> Piece:
    """Return the piece as `corpus` wants it, at its resolution.

    Raises `UnreadableError`, with the reason, for a piece that the corpus does not want.
    """
    piece = _drop_notes(piece, corpus)
    tracks = len(piece.track_names)
    if len(piece.notes) < corpus.min_notes:
        raise UnreadableError(
            f"{_remaining(len(piece.notes), 'note')}: min_notes={corpus.min_notes}"
        )
    if tracks < corpus.min_tracks:
        raise UnreadableError(f"{_remaining(tracks, 'track')}: min_tracks={corpus.min_tracks}")
    if corpus.max_tracks is not None and tracks > corpus.max_tracks:
        raise UnreadableError(f"it has {quantity(tracks, 'track')}: max_tracks={corpus.max_tracks}")
    if corpus.max_quarters is not None and piece.quarters > corpus.max_quarters:
        raise UnreadableError(
            f"it lasts {piece.quarters:g} quarter notes: max_quarters={corpus.max_quarters:g}"
        )
    if corpus.merge_tracks:
        piece = merge_tracks(piece)
    if corpus.metre is not None:
        piece = align_bars(piece, *corpus.metre)
    if corpus.quantise is not None:
        piece = piece.at_resolution(corpus.quantise)
    return piece.at_resolution(corpus.resolution)


def _drop_notes(piece: Piece, corpus: Corpus) -> Piece:
    """Drop notes, then the tracks that are left without any."""
    notes = piece.notes
    keep: Any = True
    # the pitch of a drum is an instrument, and its program a drum kit
    if corpus.pitch_range != (0, 127):
        low, high = corpus.pitch_range
        keep = keep & (notes["drum"] | ((notes["pitch"] >= low) & (notes["pitch"] <= high)))
    if corpus.programs is not None:
        keep = keep & (notes["drum"] | np.isin(notes["program"], corpus.programs))
    if corpus.drums == "drop":
        keep = keep & ~notes["drum"]
    if np.all(keep) and np.bincount(notes["track"], minlength=len(piece.track_names)).all():
        return piece
    notes = notes[np.broadcast_to(keep, len(notes))]
    tracks, index = np.unique(notes["track"], return_inverse=True)
    notes["track"] = index
    return replace(piece, notes=notes, track_names=tuple(piece.track_names[t] for t in tracks))


def _remaining(number: int, noun: str) -> str:
    return f"{quantity(number, noun)} {agree(number, 'is', 'are')} left"
