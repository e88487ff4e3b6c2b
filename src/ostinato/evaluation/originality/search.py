"""Search for the passages that a piece shares with training pieces.

Equal n-grams vote for a diagonal: a training piece, a shift in time and a transposition. The piece
is aligned along the diagonals with most votes, stream by stream.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ostinato.evaluation.originality.alignment import Segment, align
from ostinato.evaluation.originality.index import LOW, SEED, Index, hash_ngrams
from ostinato.evaluation.originality.streams import Streams
from ostinato.music.piece import OCTAVE

MOST_HITS = 300_000  # of a piece's n-grams, the rarest first
DIAGONALS = 48  # that are aligned
REACH = 1 << 22  # sixteenths by which a piece can be shifted
NOTE_BITS = 2.0  # that a shared note counts besides its n-grams
HASH_BITS = 32
POSITION = np.uint64(0xFFFFFFFF)  # the lower half of a posting


class Match(NamedTuple):
    """A passage in a stream of the sample and in a stream of a training piece.

    shift: sixteenths from the sample's time to the training piece's; semitones: from the sample's
    pitch classes up to the training piece's, 0 to 11. bits: the information of the n-grams in it.
    """

    piece: int
    ours: int
    theirs: int
    shift: int
    semitones: int
    segment: Segment
    bits: float

    @property
    def evidence(self) -> float:
        """Return how much speaks for a copy, in bits: rare n-grams, and notes in both.

        Distinct n-grams count by their rarity in training, and each note in both counts two bits
        more, each in one alone two bits less.
        """
        return self.bits + NOTE_BITS * self.segment.score


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


def find_matches(index: Index, streams: Streams) -> tuple[list[Match], int]:
    """Return the passages of one piece in training, and how many n-grams were not looked up.

    Those are too common: more than `MOST_HITS` places in all would have to be looked at.
    """
    hits, common = _find_hits(index, streams)
    if not len(hits.diagonal):
        return [], common
    _, which = np.unique(hits.diagonal, return_inverse=True)
    votes = np.bincount(which, hits.bits)
    top = np.argsort(-votes, kind="stable")[:DIAGONALS]
    is_top = np.zeros(len(votes), bool)
    is_top[top] = True
    chosen = np.flatnonzero(is_top[which])
    return _align_all(index, streams, hits.only(chosen)), common


def _find_hits(index: Index, streams: Streams) -> tuple[Hits, int]:
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
    here = np.repeat(position, count)
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
        np.repeat(ngrams.hashes[position].astype(np.int64), count),
        np.repeat(np.log2(len(index.postings) / np.maximum(count, 1)), count),
    ), common


def _align_all(index: Index, streams: Streams, hits: Hits) -> list[Match]:
    """Align each two streams that have an n-gram in common, along its diagonal."""
    # one number a triple: sorting numbers is several times faster than sorting rows
    diagonals, which = np.unique(hits.diagonal, return_inverse=True)
    streams_there = len(index.streams)
    key = (which * len(streams) + hits.ours) * streams_there + hits.theirs
    triples, group = np.unique(key, return_inverse=True)
    found: list[tuple[int, int, int, int, int, Segment]] = []
    for triple in triples.tolist():
        rest, theirs = divmod(triple, streams_there)
        number, ours = divmod(rest, len(streams))
        diagonal = int(diagonals[number])
        rest, semitones = divmod(diagonal, OCTAVE)
        piece, moved = divmod(rest, 2 * REACH)
        shift = moved - REACH
        segment = align(streams.at(ours), index.streams.at(theirs), shift, semitones)
        found.append((piece, ours, theirs, shift, semitones, segment or Segment(0, -1, 0, 0, 0.0)))
    first = np.array([row[-1].first for row in found])
    last = np.array([row[-1].last for row in found])
    inside = (hits.place >= first[group]) & (hits.place + SEED - 1 <= last[group])
    # what is repeated within a passage counts once
    named = (group[inside] << HASH_BITS) | hits.ngram[inside]
    once, at = np.unique(named, return_index=True)
    bits = np.bincount(once >> HASH_BITS, hits.bits[inside][at], len(found))
    return [Match(*row, bits=b) for row, b in zip(found, bits.tolist(), strict=True)]
