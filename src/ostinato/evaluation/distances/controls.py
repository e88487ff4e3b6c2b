"""Music that is wrong in a known way, and that a distance should tell from real music.

Distances can be fooled: Plasser, Peter and Widmer, "Discrete diffusion probabilistic models for
symbolic music generation" (IJCAI 2023), reach high overlaps with notes drawn independently.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import UnencodableError
from ostinato.evaluation.ngrams.contexts import count_contexts
from ostinato.evaluation.ngrams.sampling import compose_pieces
from ostinato.evaluation.ngrams.scoring import MODELS
from ostinato.music.piece import Piece, sorted_notes
from ostinato.representations.base import TokenRepresentation

REDRAWN = 20  # times, of notes in unison
ORDERS = {"ngram": 16, "ppm": 9}  # tokens of context; chosen on validation chorales
CONTEXTS = 16
TOLD = ("pitches_shuffled", "notes_independent", "one_repeated", "ngram", "ppm")
UNTOLD = ("training_copied", "bars_shuffled")
"""What no distance between sets can be asked to tell: each piece is real, or nearly."""


def build_controls(
    training: Sequence[Piece],
    count: int,
    representation: TokenRepresentation,
    max_bars: int,
    seed: int,
) -> dict[str, list[Piece]]:
    """Return `count` pieces of each control, by name: those of `TOLD` and of `UNTOLD`.

    training: real pieces, from which all of them are made; at least `count`. The n-gram and PPM
    compose in the representation, up to `max_bars` bars.
    """
    random = np.random.default_rng(seed)
    chosen = [training[i] for i in random.choice(len(training), count, replace=False)]
    return {
        "pitches_shuffled": [shuffle_pitches(piece, random) for piece in chosen],
        "notes_independent": [draw_notes(piece, random) for piece in chosen],
        "one_repeated": [chosen[0]] * count,
        **compose_controls(training, count, representation, max_bars, seed),
        "training_copied": chosen,
        "bars_shuffled": [shuffle_bars(piece, random) for piece in chosen],
    }


def shuffle_pitches(piece: Piece, random: np.random.Generator) -> Piece:
    """Return a piece whose pitches are shuffled among the notes of each track."""
    return _by_track(piece, random.permutation)


def draw_notes(piece: Piece, random: np.random.Generator) -> Piece:
    """Return a piece whose notes have pitches drawn independently from those of their track.

    Rhythm, length, density and, but for chance, the distribution of pitches are those of the piece.
    Two notes of one pitch at a time are drawn anew, so that as many pitches sound as before.
    """
    drawn = _by_track(piece, lambda pitches: random.choice(pitches, len(pitches)))
    notes = drawn.notes.copy()
    for _ in range(REDRAWN):
        again = np.flatnonzero(_in_unison(notes))
        if not len(again):
            break
        for i in again:
            own = piece.notes["track"] == notes["track"][i]
            notes["pitch"][i] = random.choice(piece.notes["pitch"][own])
    return replace(piece, notes=sorted_notes(notes))


def shuffle_bars(piece: Piece, random: np.random.Generator) -> Piece:
    """Return a piece whose bars are in another order; those of other lengths stay.

    A note belongs to the bar in which it begins, and ends with it at the latest.
    """
    lines = np.append(piece.barlines(), piece.end)
    lines = np.unique(lines[lines <= piece.end])
    lengths = np.diff(lines)
    usual = np.flatnonzero(lengths == np.bincount(lengths).argmax())
    moved = np.arange(len(lengths))
    moved[usual] = random.permutation(usual)  # bar i goes where bar moved[i] was
    notes = piece.notes.copy()
    bars = np.clip(np.searchsorted(lines, notes["onset"], side="right") - 1, 0, len(lengths) - 1)
    notes["duration"] = np.minimum(notes["duration"], lines[bars + 1] - notes["onset"])
    notes["onset"] += lines[moved[bars]] - lines[bars]
    return replace(piece, notes=sorted_notes(notes))


def compose_controls(
    training: Sequence[Piece],
    count: int,
    representation: TokenRepresentation,
    max_bars: int,
    seed: int,
) -> dict[str, list[Piece]]:
    """Return pieces by an n-gram and by PPM, trained on those that the representation holds."""
    sequences = []
    for piece in training:
        try:
            tokens = representation.encode(piece)
        except UnencodableError:
            continue
        ends = [] if representation.end is None else [representation.end]
        sequences.append(np.concatenate([ends, tokens, ends]))
    table = count_contexts(sequences, representation.size, CONTEXTS)
    return {
        name: compose_pieces(make(table, ORDERS[name]), representation, count, max_bars, seed)
        for name, make in MODELS.items()
    }


def _by_track(piece: Piece, change: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]) -> Piece:
    """Return a piece whose pitches are changed track by track."""
    notes = piece.notes.copy()
    for track in np.unique(notes["track"]):
        own = notes["track"] == track
        notes["pitch"][own] = change(notes["pitch"][own])
    return replace(piece, notes=sorted_notes(notes))


def _in_unison(notes: NDArray[np.void]) -> NDArray[np.bool_]:
    """Return whether a note sounds while an earlier one of its pitch does: (notes,)."""
    onset, end, pitch = notes["onset"], notes["onset"] + notes["duration"], notes["pitch"]
    together = (onset[:, None] < end[None, :]) & (onset[None, :] < end[:, None])
    together &= pitch[:, None] == pitch[None, :]
    unison: NDArray[np.bool_] = np.triu(together, 1).any(axis=0)
    return unison
