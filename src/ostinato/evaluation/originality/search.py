"""Search for the passages that a piece shares with training pieces.

Equal n-grams vote for a diagonal: a training piece, a shift in time and a transposition. The piece
is aligned along the diagonals with most votes, stream by stream.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ostinato.evaluation.originality.alignment import Segment, align
from ostinato.evaluation.originality.index import LOW, SEED, Index, hash_ngrams
from ostinato.evaluation.originality.streams import WHOLE, Streams
from ostinato.music.piece import OCTAVE

MOST_HITS = 300_000  # of a piece's n-grams, the rarest first
DIAGONALS = 48  # that are aligned
REACH = 1 << 22  # sixteenths by which a piece can be shifted
COMMON_BITS = 10.0  # an n-gram that is more common than one in 2^10 says nothing
NOTE_BITS, CHANGE_BITS = 2.0, 10.0  # for a note in both, against one that is in one alone
MOST_SUPPORT = 30.0  # that one track gives to the texture
HASH_BITS = 32
NOTHING = Segment(0, -1, 0, 0, 0.0)
POSITION = np.uint64(0xFFFFFFFF)  # the lower half of a posting


class Match(NamedTuple):
    """A passage in a stream of the sample and in a stream of a training piece.

    shift: sixteenths from the sample's time to the training piece's; semitones: from the sample's
    pitch classes up to the training piece's, 0 to 11. evidence: bits that speak for a copy.
    """

    piece: int
    ours: int
    theirs: int
    shift: int
    semitones: int
    segment: Segment
    evidence: float


@dataclass(frozen=True)
class Hits:
    """Equal n-grams in the sample and in training, each an entry of every array: (hit,).

    ours, theirs: streams; place: the onset in our stream; diagonal: training piece, shift and
    transposition in one number; ngram: the same number for equal ones; bits: its rarity.
    """

    ours: NDArray[np.int64]
    theirs: NDArray[np.int64]
    place: NDArray[np.int64]
    diagonal: NDArray[np.int64]
    ngram: NDArray[np.int64]
    bits: NDArray[np.float64]

    def only(self, rows: NDArray[np.int64]) -> "Hits":
        """Return some of the hits."""
        return Hits(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def find_matches(
    index: Index, streams: Streams, hidden: Sequence[int] = ()
) -> tuple[list[Match], int]:
    """Return the passages of one piece in training, and how many n-grams were not looked up.

    Those are too common: more than `MOST_HITS` places in all would have to be looked at. `hidden`
    are training pieces that count as if they were not in the index.
    """
    hits, common = _find_hits(index, streams, hidden)
    if not len(hits.diagonal):
        return [], common
    _, which = np.unique(hits.diagonal, return_inverse=True)
    votes = np.bincount(which, hits.bits)
    top = np.argsort(-votes, kind="stable")[:DIAGONALS]
    is_top = np.zeros(len(votes), bool)
    is_top[top] = True
    chosen = np.flatnonzero(is_top[which])
    return _align_all(index, streams, hits.only(chosen)), common


def _find_hits(index: Index, streams: Streams, hidden: Sequence[int]) -> tuple[Hits, int]:
    ngrams = hash_ngrams(streams)
    position = np.flatnonzero(ngrams.valid)
    wanted = ngrams.hashes[position].astype(np.uint64) << LOW
    low = np.searchsorted(index.postings, wanted)
    count = np.searchsorted(index.postings, wanted | POSITION, side="right") - low
    order = np.argsort(count, kind="stable")
    order = order[count[order] > 0]
    fits = np.cumsum(count[order]) <= MOST_HITS
    order, common = order[fits], int((~fits).sum())
    count, low, position = count[order], low[order], position[order]
    # the postings of one n-gram after those of another: `rows` counts on from each one's first
    rows = np.repeat(low - np.cumsum(count) + count, count) + np.arange(count.sum())
    found = (index.postings[rows] & POSITION).astype(np.int64)
    ngram = np.repeat(np.arange(len(count)), count)
    if len(hidden):
        seen = ~np.isin(index.streams.piece[index.owner[found]], hidden)
        found, ngram = found[seen], ngram[seen]
        count = np.bincount(ngram, minlength=len(count))
    here = position[ngram]
    stream = index.owner[found].astype(np.int64)
    shift = index.streams.time[found].astype(np.int64) - streams.time[here]
    semitones = (index.key[found].astype(np.int64) - ngrams.key[here]) % OCTAVE
    piece = index.streams.piece[stream].astype(np.int64)
    owner = np.repeat(np.arange(len(streams)), np.diff(streams.start))[here]
    return Hits(
        owner,
        stream,
        here - streams.start[owner],
        (piece * (2 * REACH) + shift + REACH) * OCTAVE + semitones,
        ngrams.hashes[here].astype(np.int64),
        np.log2(len(index.postings) / np.maximum(count, 1))[ngram],
    ), common


def _align_all(index: Index, streams: Streams, hits: Hits) -> list[Match]:
    """Align along each diagonal the whole textures, and streams that have an n-gram in common."""
    diagonals, which = np.unique(hits.diagonal, return_inverse=True)
    # one number for diagonal, our and their stream: sorting numbers is faster than sorting rows
    there = len(index.streams)
    key = (which * len(streams) + hits.ours) * there + hits.theirs
    piece = diagonals // OCTAVE // (2 * REACH)
    textures = np.arange(len(diagonals)) * len(streams) * there + index.first_stream[piece]
    triples, group = np.unique(np.concatenate([key, textures]), return_inverse=True)
    found: list[Match] = []
    for triple in triples.tolist():
        rest, theirs = divmod(triple, there)
        number, ours = divmod(rest, len(streams))
        rest, semitones = divmod(int(diagonals[number]), OCTAVE)
        owner, moved = divmod(rest, 2 * REACH)
        shift = moved - REACH
        segment = align(streams.at(ours), index.streams.at(theirs), shift, semitones) or NOTHING
        found.append(Match(owner, ours, theirs, shift, semitones, segment, 0.0))
    bits = _rarity(found, hits, group[: len(key)])
    weighed = [
        match._replace(evidence=_weigh(match.segment, rare))
        for match, rare in zip(found, bits.tolist(), strict=True)
    ]
    return _support(weighed, streams, index.streams)


def _rarity(found: list[Match], hits: Hits, group: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the bits of the distinct n-grams in each segment: (match,)."""
    first = np.array([match.segment.first for match in found])
    last = np.array([match.segment.last for match in found])
    inside = (hits.place >= first[group]) & (hits.place + SEED - 1 <= last[group])
    # what is repeated within a passage counts once
    named = (group[inside] << HASH_BITS) | hits.ngram[inside]
    once, at = np.unique(named, return_index=True)
    rare = np.maximum(hits.bits[inside][at] - COMMON_BITS, 0)
    return np.bincount(once >> HASH_BITS, rare, len(found)).astype(np.float64)


def _weigh(segment: Segment, rare: float) -> float:
    return max(0.0, rare + NOTE_BITS * segment.notes - CHANGE_BITS * segment.other)


def _support(found: list[Match], ours: Streams, theirs: Streams) -> list[Match]:
    """Add to the evidence of a texture what its tracks give on the same diagonal.

    Each gives `MOST_SUPPORT` at most: a tune that two settings share is one track of several, and
    in a copy all of them agree.
    """
    best: dict[tuple[int, int, int], dict[int, float]] = {}
    for match in found:
        if (track := int(ours.track[match.ours])) >= 0:
            tracks = best.setdefault((match.piece, match.shift, match.semitones), {})
            tracks[track] = max(tracks.get(track, 0.0), min(match.evidence, MOST_SUPPORT))
    supported = []
    for match in found:
        if ours.track[match.ours] == theirs.track[match.theirs] == WHOLE:
            tracks = best.get((match.piece, match.shift, match.semitones), {})
            match = match._replace(evidence=match.evidence + sum(tracks.values()))
        supported.append(match)
    return supported
