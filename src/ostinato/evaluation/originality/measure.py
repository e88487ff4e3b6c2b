"""Originality of one piece: what it shares with training pieces, and how much speaks for a copy."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ostinato.evaluation.originality.index import Index, share_known
from ostinato.evaluation.originality.passages import (
    TEXTURE,
    Calendar,
    Passage,
    Place,
    kind_of,
    signed_semitones,
)
from ostinato.evaluation.originality.search import Match, find_matches
from ostinato.evaluation.originality.streams import Streams, extract_streams, steps_of
from ostinato.music.piece import Piece

EXCERPTS = 4  # of a held-out piece at most


@dataclass(frozen=True)
class Originality:
    """Passages and n-grams that a piece shares with training pieces.

    longest: the passage with most notes, of each part (a track's number, `WHOLE`, `UPPER`);
    strongest: of each kind the passage with most evidence. shares: by n, of its n-grams that
    training has. nearest: the training piece with the highest cardinality score, and the score,
    0 where nothing is shared. common: n-grams that were too common to be looked up.
    """

    name: str
    longest: Mapping[int, Passage]
    strongest: Mapping[str, Passage]
    shares: Mapping[int, float]
    nearest: tuple[str, float]
    common: int

    @property
    def passage(self) -> Passage | None:
        """Return the longest passage of all, by its notes."""
        return max(self.longest.values(), key=lambda p: p.notes, default=None)

    @property
    def decisive(self) -> Passage | None:
        """Return the passage with most evidence for a copy."""
        return max(self.strongest.values(), key=lambda p: p.evidence, default=None)

    @property
    def evidence(self) -> float:
        """Return the bits that speak for a copy."""
        return self.decisive.evidence if self.decisive else 0.0

    @property
    def notes(self) -> int:
        """Return the notes of the longest passage."""
        return self.passage.notes if self.passage else 0

    @property
    def quarters(self) -> float:
        """Return the length of the longest passage in quarter notes."""
        return self.passage.here.quarters if self.passage else 0.0


def measure_originality(index: Index, piece: Piece, hidden: Sequence[int] = ()) -> Originality:
    """Return what a piece shares with the training pieces of an index, but for the hidden ones.

    The shares of n-grams are of all training pieces.
    """
    streams = extract_streams([piece])
    matches, common = find_matches(index, streams, hidden)
    matches = [match for match in matches if match.segment.notes]
    longest: dict[int, Match] = {}
    strongest: dict[str, Match] = {}
    nearest = ("", 0.0)
    for match in matches:
        track = int(streams.track[match.ours])
        kind = kind_of(track)
        if track not in longest or match.segment.notes > longest[track].segment.notes:
            longest[track] = match
        if kind not in strongest or match.evidence > strongest[kind].evidence:
            strongest[kind] = match
        theirs = kind_of(int(index.streams.track[match.theirs]))
        if kind == theirs == TEXTURE and match.segment.cardinality > nearest[1]:
            nearest = (index.names[match.piece], match.segment.cardinality)
    locate = _Locator(index, streams, piece).locate
    return Originality(
        piece.name,
        {track: locate(match) for track, match in sorted(longest.items())},
        {kind: locate(match) for kind, match in strongest.items()},
        share_known(index, streams),
        nearest,
        common,
    )


class _Locator:
    """Finds matches of one piece in the scores."""

    def __init__(self, index: Index, streams: Streams, piece: Piece) -> None:
        self.index, self.streams = index, streams
        self.calendar = Calendar.of(piece)
        notes, self.steps, _ = steps_of(piece)
        self.ends = (notes["onset"] + notes["duration"]) / piece.resolution
        self.tracks = notes["track"]

    def locate(self, match: Match) -> Passage:
        track = int(self.streams.track[match.ours])
        time, _ = self.streams.at(match.ours)
        first, last = int(time[match.segment.first]), int(time[match.segment.last])
        calendar = self.index.calendars[match.piece]
        start, there = self.calendar.quarter(first), calendar.quarter(first + match.shift)
        at_last = (self.steps == last) & ((self.tracks == track) | (track < 0))
        end = max(float(self.ends[at_last].max()), start)
        return Passage(
            kind_of(track),
            track,
            self.index.names[match.piece],
            int(self.index.streams.track[match.theirs]),
            signed_semitones(match.semitones),
            Place.between(start, end, self.calendar),
            Place.between(there, there + end - start, calendar),
            match.segment.notes,
            match.segment.other,
            match.evidence,
        )


def cut_excerpts(piece: Piece, quarters: float) -> list[Piece]:
    """Return excerpts of a piece as long as that, one after the other: at most `EXCERPTS`.

    Of a longer piece they are spread over its length, a shorter one is its own. Held-out pieces
    are cut to the length of samples, as longer music shares longer passages by chance.
    """
    count = int(piece.quarters // quarters)
    if count < 2:
        return [piece]
    chosen = np.unique(np.linspace(0, count - 1, min(count, EXCERPTS)).round()).tolist()
    excerpts = []
    for number in chosen:
        begin = round(number * quarters * piece.resolution)
        end = round((number + 1) * quarters * piece.resolution)
        within = (piece.notes["onset"] >= begin) & (piece.notes["onset"] < end)
        if not within.any():
            continue
        notes = piece.notes[within].copy()
        notes["onset"] -= begin
        excerpts.append(Piece(piece.name, piece.resolution, notes))
    return excerpts


def measure_excerpts(
    index: Index, pieces: Iterable[Piece], quarters: float
) -> Iterator[Originality]:
    """Yield the originality of held-out pieces, cut to excerpts of a length in quarter notes."""
    for piece in pieces:
        for excerpt in cut_excerpts(piece, quarters):
            yield measure_originality(index, excerpt)


def typical_quarters(pieces: Sequence[Piece]) -> float:
    """Return the median length of pieces in quarter notes, 1 at least."""
    return max(1.0, float(np.median([piece.quarters for piece in pieces]))) if pieces else 1.0
