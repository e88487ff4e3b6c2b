"""Pieces of which a part is given and the rest is to be made, for every method that fills in."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato import console
from ostinato.console import where
from ostinato.errors import UnencodableError, UserError
from ostinato.music.page import Given
from ostinato.music.piece import LOUDNESS, Piece, order_by
from ostinato.music.piece_defaults import PieceDefaults
from ostinato.representations.monophonic import HOLD, REST
from ostinato.representations.voices import Voices
from ostinato.sampling.prompts import TEST, read_piece
from ostinato.sampling.settings import FillSampling
from ostinato.wording import quantity

Grid = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class PartialPiece:
    """Music to fill in, on the grid of `Voices`.

    tokens: (steps, voices) of the given notes, rests elsewhere; known: the same shape, false where
    something is to be made; piece: the music, None where nothing is given; given: (notes,) which of
    its notes are; steps_before: steps of the grid before the piece begins, where it has a pickup;
    unseen: how many given notes the grid does not hold.
    """

    tokens: Grid
    known: NDArray[np.bool_]
    piece: Piece | None = None
    given: NDArray[np.bool_] | None = None
    steps_before: int = 0
    unseen: int = 0

    @property
    def must_begin(self) -> NDArray[np.bool_]:
        """Return the unknown cells that follow a given one: they hold no given note longer."""
        after_known = np.zeros_like(self.known)
        after_known[1:] = self.known[:-1]
        return after_known & ~self.known


def prepare(piece: Piece, settings: FillSampling, representation: Voices) -> PartialPiece:
    """Return a piece without what settings name of it.

    Raises `UnencodableError` for a piece that has no such bars, tracks or notes, or that the
    representation cannot write.
    """
    if max(representation.by_track) > 1 and not (settings.pitches is settings.notes is None):
        raise UnencodableError(
            "has tracks of several voices, of which no single notes can be made anew: set pitches "
            "and notes to null"
        )
    piece = _with_tracks(piece, representation)
    tracks = piece.pitched_tracks
    lines, bars = _barlines(piece), settings.bars
    if bars is not None and bars[1] > len(lines) - 1:
        raise UnencodableError(f"has {quantity(len(lines) - 1, 'bar')} and no bar {bars[1]}")
    if settings.tracks is not None and max(settings.tracks) > len(tracks):
        raise UnencodableError(
            f"has {quantity(len(tracks), 'track')} and no track {max(settings.tracks)}"
        )
    start, end = (0, piece.end) if bars is None else (lines[bars[0] - 1], lines[bars[1]])
    chosen = range(1, len(tracks) + 1) if settings.tracks is None else settings.tracks
    made = _select(piece, settings, (start, end), [int(tracks[n - 1]) for n in chosen])
    whole = representation.encode(piece).reshape(-1, representation.voices)
    before = representation.steps_before(piece)
    first, last = (
        round(tick * representation.steps_per_quarter / piece.resolution) + before
        for tick in (start, end)
    )
    if bars is None:
        first, last = 0, len(whole)
    steps = max(len(whole), last)
    kept = replace(piece, notes=piece.notes[~made])
    tokens = _encode_given(kept, representation, steps, before)
    sounds = _sounding(tokens)
    if settings.pitches is not None or settings.notes is not None:
        padded = np.full((steps, representation.voices), REST, np.int64)
        padded[: len(whole)] = whole
        known = sounds | ~_sounding(padded)
    else:
        region = np.zeros(tokens.shape, np.bool_)
        for n in chosen:
            region[first:last, representation.parts[n - 1]] = True
        known = sounds | ~region
    if known.all():
        raise UnencodableError("has nothing to make where sampling says so")
    seen = representation.note_count(tokens.ravel())
    unseen = int((~kept.notes["drum"]).sum()) - seen
    return PartialPiece(tokens, known, piece, ~made, before, unseen)


def find_pieces(
    settings: FillSampling, test_pieces: Callable[[], Iterable[Piece]], representation: Voices
) -> list[PartialPiece]:
    """Return the piece that settings name, or as many of the test split as are asked for.

    Warns of given notes that a model does not see. Raises `UserError` for a file that cannot be
    filled in, and where no test piece can.
    """
    if settings.piece != TEST:
        found = [_of_file(settings, representation)]
    else:
        found = _of_test_pieces(settings, test_pieces, representation)
    if unseen := sum(partial.unseen for partial in found):
        console.warn(
            f"{quantity(unseen, 'given note')} cannot be written as {representation.name}, as "
            "others begin with them in one track: they stay in the music, and the model does not "
            "see them."
        )
    return found


def _of_file(settings: FillSampling, representation: Voices) -> PartialPiece:
    try:
        return prepare(read_piece(settings.piece, "piece"), settings, representation)
    except UnencodableError as error:
        raise UserError(
            f"sampling.piece={where(Path(settings.piece))} cannot be filled in: as "
            f"{representation.name} the piece {error}."
        ) from error


def _of_test_pieces(
    settings: FillSampling, test_pieces: Callable[[], Iterable[Piece]], representation: Voices
) -> list[PartialPiece]:
    found: list[PartialPiece] = []
    reason = "is missing"
    for piece in test_pieces():
        try:
            found.append(prepare(piece, settings, representation))
        except UnencodableError as error:
            reason = str(error)
        if len(found) == settings.pieces:
            break
    if not found:
        raise UserError(
            f"no piece of the test split can be filled in as sampling says, the last one {reason}: "
            "give a music file, sampling.piece=my.mid."
        )
    return found


def from_prompt(beginning: Piece, end: int, steps: int, representation: Voices) -> PartialPiece:
    """Return so many steps, of which those of a piece, to the end of its last bar, are given.

    end: the tick to which silence after its last note is given too. Raises `UnencodableError` for a
    piece that the representation cannot write.
    """
    before = representation.steps_before(beginning)
    end = max(end, int(_barlines(beginning)[-1]))
    length = round(end * representation.steps_per_quarter / beginning.resolution) + before
    tokens = _encode_given(beginning, representation, steps, before)
    known = np.zeros(tokens.shape, np.bool_)
    known[:length] = True
    return PartialPiece(tokens, known, beginning, np.ones(len(beginning.notes), np.bool_), before)


def from_nothing(steps: int, representation: Voices) -> PartialPiece:
    """Return so many steps of which nothing is given."""
    shape = (steps, representation.voices)
    return PartialPiece(np.full(shape, REST, np.int64), np.zeros(shape, np.bool_))


def finish(
    partial: PartialPiece, tokens: Grid, representation: Voices, setting: PieceDefaults, name: str
) -> tuple[Piece, tuple[bool, ...]]:
    """Return the piece that was filled in, and which of its notes were given.

    tokens: (steps, voices) of all. Given notes are those of the piece, with all that they had.
    """
    made = np.where(partial.known, REST, tokens).astype(np.uint16)
    new = representation.decode(made.ravel(), name)
    if partial.piece is None or partial.given is None:
        piece = setting.apply_to(new, representation.preserves)
        return piece, (False,) * len(piece.notes)
    old = partial.piece
    resolution = math.lcm(old.resolution, new.resolution)
    old, new = old.at_resolution(resolution), new.at_resolution(resolution)
    notes = new.notes.copy()
    notes["onset"] -= partial.steps_before * resolution // representation.steps_per_quarter
    notes = _dress(notes, old, setting)
    kept = old.notes[partial.given]
    both = np.concatenate([kept, notes])
    given = np.arange(len(both)) < len(kept)
    order = order_by(*(both[key] for key in ("onset", "track", "pitch", "duration")))
    piece = replace(old, name=name, notes=both[order], track_names=_name_tracks(old, setting))
    return piece, tuple(given[order].tolist())


def describe(named: str, piece: Piece | None, given: tuple[bool, ...]) -> Given | None:
    """Return which notes are given, of a piece that settings have `named`; None where none are."""
    if piece is None or not any(given):
        return None
    source = f"{piece.name}, a piece of the test split" if named == TEST else Path(named).name
    return Given(source, notes=given)


def _select(
    piece: Piece, settings: FillSampling, ticks: tuple[int, int], tracks: list[int]
) -> NDArray[np.bool_]:
    """Return which notes of a piece are to be made anew: (notes,)."""
    notes = piece.notes
    made: NDArray[np.bool_] = (
        (notes["onset"] >= ticks[0]) & (notes["onset"] < ticks[1]) & ~notes["drum"]
    )
    made &= np.isin(notes["track"], tracks)
    if settings.pitches is not None:
        made &= (notes["pitch"] >= settings.pitches[0]) & (notes["pitch"] <= settings.pitches[1])
    if settings.notes is not None:
        if max(settings.notes) > len(notes):
            raise UnencodableError(
                f"has {quantity(len(notes), 'note')} and no note {max(settings.notes)}"
            )
        made &= np.isin(np.arange(1, len(notes) + 1), settings.notes)
    return made


def _with_tracks(piece: Piece, representation: Voices) -> Piece:
    """Return a piece with silent tracks after its own, as many as the representation takes.

    So a melody alone can be harmonised.
    """
    missing = len(representation.by_track) - len(piece.pitched_tracks)
    return replace(piece, track_names=piece.track_names + ("",) * max(0, missing))


def _barlines(piece: Piece) -> list[int]:
    """Return the ticks at which bar 1, 2, … begin and the last one ends; a pickup is no bar."""
    from ostinato.music.picture import has_pickup

    lines = piece.barlines()[int(has_pickup(piece)) :].tolist()
    last = lines[-1] - lines[-2] if len(lines) > 1 else piece.end - lines[0]
    return [*lines, max(lines[-1] + last, piece.end)]


def _encode_given(piece: Piece, representation: Voices, steps: int, before: int) -> Grid:
    """Return the tokens of the notes that are given: (steps, voices)."""
    tokens = np.full((steps, representation.voices), REST, np.int64)
    if len(piece.notes):
        found = representation.encode(piece).reshape(-1, representation.voices)
        # a piece without its first notes may not show that it has a pickup
        late = before - representation.steps_before(piece)
        tokens[late : late + len(found)] = found
    return tokens


def _sounding(tokens: Grid) -> NDArray[np.bool_]:
    """Return where a voice sounds: (steps, voices); a hold always holds a note."""
    sounds: NDArray[np.bool_] = (tokens < REST) | (tokens == HOLD)
    return sounds


def _name_tracks(piece: Piece, setting: PieceDefaults) -> tuple[str, ...]:
    """Return the names of tracks, those without one as training pieces call them."""
    usual = dict(zip(piece.pitched_tracks.tolist(), setting.track_names, strict=False))
    return tuple(own or usual.get(n, "") for n, own in enumerate(piece.track_names))


def _dress(notes: NDArray[Any], old: Piece, setting: PieceDefaults) -> NDArray[Any]:
    """Return new notes on the tracks and instruments of a piece, as loud as it is."""
    tracks = old.pitched_tracks
    notes["track"] = tracks[notes["track"]]
    loud = old.notes["velocity"]
    notes["velocity"] = int(np.median(loud)) if len(loud) else LOUDNESS
    for n, track in enumerate(tracks.tolist()):
        own = old.track(track)["program"]
        usual = setting.programs[n] if n < len(setting.programs) else 0
        notes["program"][notes["track"] == track] = own[0] if len(own) else usual
    return notes
