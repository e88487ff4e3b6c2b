"""Piano-rolls of a passage as it stands in a sample and in a training piece."""

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from ostinato.evaluation.originality.assessment import Assessment
from ostinato.evaluation.originality.passages import Passage, Place
from ostinato.music.picture import piano_roll
from ostinato.music.piece import Piece
from ostinato.wording import quantity

SHOWN = 6  # flagged samples
HEIGHT = 300  # pixels of each roll


def draw_copies(found: Assessment, read: Callable[[str], Piece]) -> dict[str, bytes]:
    """Return PNGs by caption: of each flagged sample its passage above the training piece's.

    `read` returns a training piece by its name. The `SHOWN` strongest are drawn.
    """
    drawn = {}
    for number in found.flagged[:SHOWN]:
        if (passage := found.samples[number].decisive) is not None:
            sample, training = found.pieces[number], read(passage.training)
            caption = describe_copy(sample.name, passage)
            drawn[caption] = piano_roll(
                cut_passage(sample, passage.here, f"{sample.name}, {_bars(passage.here)}"),
                cut_passage(training, passage.there, f"{training.name}, {_bars(passage.there)}"),
                title=None,
                height=HEIGHT,
            )
    return drawn


def describe_copy(sample: str, passage: Passage) -> str:
    """Return in words what a sample shares with a training piece, and where."""
    up = "up" if passage.semitones > 0 else "down"
    moved = f", {quantity(abs(passage.semitones), 'semitone')} {up}"
    changed = f", {passage.changed:.0%} of them changed" if passage.other else ""
    return (
        f"{sample}: {passage.notes} notes ({passage.kind}) in {_bars(passage.here)} stand in "
        f"{passage.training}, {_bars(passage.there)}{moved if passage.semitones else ''}{changed}"
    )


def cut_passage(piece: Piece, place: Place, name: str) -> Piece:
    """Return the notes of a passage as a piece from tick 0 on, with the tracks' names."""
    begin, end = (round(quarter * piece.resolution) for quarter in (place.start, place.end))
    within = (piece.notes["onset"] >= begin) & (piece.notes["onset"] < max(end, begin + 1))
    notes: NDArray[Any] = piece.notes[within].copy()
    notes["onset"] -= begin
    return Piece(name, piece.resolution, notes, track_names=piece.track_names)


def _bars(place: Place) -> str:
    first, last = place.bars
    return f"bar {first}" if first == last else f"bars {first} to {last}"
