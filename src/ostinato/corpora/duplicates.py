"""Pieces that are alike: transposed copies, arrangements, settings of the same tune.

A track is fingerprinted by its n-grams of (interval to the next note, time to the next note in
sixteenths), which transposing leaves as they are. n = 5 groups 213 of Bach's 408 chorales by hymn
tune, the largest group being the twelve of the Passion chorale.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.music.piece import Piece

LENGTH = 5  # steps in an n-gram
SHARE = 0.5  # of the n-grams of the shorter track
FEWEST_NOTES = 20  # a shorter track may be like another by chance
FEWEST_NGRAMS = 12
MOST = 1 << 25  # n-grams in memory at once, about 1 GiB; of more a sample is compared
NEIGHBOURS = 32  # an n-gram links each track that has it with so many that follow

MIX = np.uint64(0x9E3779B97F4A7C15)  # 2 ** 64 / golden ratio, odd: spreads bits when multiplied


def groups(pieces: Iterable[Piece]) -> list[list[int]]:
    """Group the pieces that are alike: lists of positions, sorted; most hold one.

    Two pieces are alike when at least half of the n-grams of some track of one, the shorter, are
    in a track of the other. Likeness is followed from piece to piece. N-grams that few pieces
    share count for all of them; one that many share counts between near neighbours only, so that
    time grows in proportion to the notes. Memory does not grow beyond a bound: of more n-grams
    than `MOST`, every second, fourth, … is compared, the same ones in every track.
    """
    tracks = _fingerprint_tracks(pieces)
    owner = np.array(tracks.owners, np.int64)
    first, second = _alike(tracks.prints) if tracks.prints else (owner, owner)
    return _unite(tracks.pieces, owner[first], owner[second])


@dataclass
class _Tracks:
    """N-grams of the tracks that are long enough: `prints`, and of which piece each is.

    One n-gram in `every` is kept. pieces: how many there are.
    """

    prints: list[NDArray[np.uint64]] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)
    pieces: int = 0
    every: int = 1


def _fingerprint_tracks(pieces: Iterable[Piece]) -> _Tracks:
    found, total = _Tracks(), 0
    for piece in pieces:
        for ngrams in _fingerprints(piece):
            found.prints.append(_sample(ngrams, found.every))
            found.owners.append(found.pieces)
            total += len(found.prints[-1])
        found.pieces += 1
        while total > MOST:
            found.every *= 2
            found.prints = [_sample(ngrams, found.every) for ngrams in found.prints]
            total = sum(map(len, found.prints))
    return found


def _fingerprints(piece: Piece) -> list[NDArray[np.uint64]]:
    """Return the n-grams of every track that is long enough to be told by them."""
    tracks = range(len(piece.track_names))
    prints = (fingerprint(piece.track(track), piece.resolution) for track in tracks)
    return [ngrams for ngrams in prints if len(ngrams) >= FEWEST_NGRAMS]


class AlikeIndex:
    """The n-grams of pieces, in which those that another piece is alike to are looked up.

    Alike is what `groups` calls so, pair by pair: it is not followed from piece to piece, and no
    n-gram is too common to count.
    """

    def __init__(self, pieces: Iterable[Piece]) -> None:
        found = _fingerprint_tracks(pieces)
        self.every = found.every
        self.owners = np.array(found.owners, np.int64)  # (tracks,): the piece of each
        self.sizes = np.array([len(ngrams) for ngrams in found.prints], np.int64)
        ngrams = np.concatenate(found.prints) if found.prints else np.zeros(0, np.uint64)
        order = np.argsort(ngrams, kind="stable")
        self.ngrams = ngrams[order]  # (n-grams,), sorted; beside each the track that has it
        self.tracks = np.repeat(np.arange(len(self.sizes)), self.sizes)[order]

    def find(self, piece: Piece) -> int | None:
        """Return the position of the first piece that this one is alike to; None without any."""
        found = [owner for ngrams in _fingerprints(piece) for owner in self._find(ngrams)]
        return min(found, default=None)

    def _find(self, ngrams: NDArray[np.uint64]) -> list[int]:
        ngrams = _sample(ngrams, self.every)
        first = np.searchsorted(self.ngrams, ngrams, "left")
        last = np.searchsorted(self.ngrams, ngrams, "right")
        ranges = [self.tracks[start:stop] for start, stop in zip(first, last, strict=True)]
        having = np.concatenate([self.tracks[:0], *ranges])
        # an n-gram stands once in a track: so often as a track is named, so many are shared
        tracks, shared = np.unique(having, return_counts=True)
        enough = shared >= SHARE * np.minimum(len(ngrams), self.sizes[tracks])
        return [int(owner) for owner in self.owners[tracks[enough]]]


def is_comparable(piece: Piece) -> bool:
    """Return whether a piece is long enough for another to be found alike."""
    return bool(_fingerprints(piece))


def fingerprint(notes: NDArray[Any], resolution: int) -> NDArray[np.uint64]:
    """Return the distinct n-grams of a track's upper voice, hashed: (n-grams,), sorted.

    N-grams with fewer than two moves of pitch say nothing and are left out; so are tracks of
    fewer than 20 notes and drums.
    """
    notes = notes[~notes["drum"]]
    notes = notes[np.lexsort((notes["pitch"], notes["onset"]))]
    upper = (
        notes[np.append(notes["onset"][1:] != notes["onset"][:-1], True)] if len(notes) else notes
    )
    if len(upper) < FEWEST_NOTES:
        return np.zeros(0, np.uint64)
    intervals = np.diff(upper["pitch"].astype(np.int64))
    sixteenths = np.minimum(np.rint(np.diff(upper["onset"]) * 4 / resolution), 63).astype(np.int64)
    steps = ((intervals + 128) * 64 + sixteenths).astype(np.uint64)
    windows = np.lib.stride_tricks.sliding_window_view(steps, LENGTH)
    moves = np.lib.stride_tricks.sliding_window_view(intervals != 0, LENGTH).sum(axis=1)
    hashes = np.zeros(len(windows), np.uint64)
    for column in windows.T:
        hashes = (hashes ^ column) * MIX
        hashes ^= hashes >> np.uint64(29)
    return np.unique(hashes[moves >= 2])


def _sample(ngrams: NDArray[np.uint64], every: int) -> NDArray[np.uint64]:
    """Return the hashes whose hash says so, one in `every`: whatever tracks they are in."""
    return ngrams[(ngrams >> np.uint64(32)) % np.uint64(every) == 0] if every > 1 else ngrams


def _alike(prints: list[NDArray[np.uint64]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs of tracks that share enough, by an inverted index from n-gram to tracks."""
    sizes = np.array([len(ngrams) for ngrams in prints], np.int64)
    tracks = np.repeat(np.arange(len(prints)), sizes)
    ngrams = np.concatenate(prints)
    order = np.lexsort((tracks, ngrams))
    tracks, ngrams = tracks[order], ngrams[order]
    pairs, counts = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for distance in range(1, NEIGHBOURS + 1):
        same = ngrams[distance:] == ngrams[:-distance]
        if not same.any():
            break
        found = tracks[:-distance][same] * len(prints) + tracks[distance:][same]
        # counted at once: two tracks that are alike share hundreds
        pair, shared = np.unique(found, return_counts=True)
        pairs.append(pair)
        counts.append(shared)
    pair, place = np.unique(np.concatenate(pairs), return_inverse=True)
    shared = np.bincount(place, np.concatenate(counts), len(pair))
    first, second = np.divmod(pair, len(prints))
    enough = shared >= SHARE * np.minimum(sizes[first], sizes[second])
    return first[enough], second[enough]


def _unite(count: int, first: NDArray[np.int64], second: NDArray[np.int64]) -> list[list[int]]:
    parent = list(range(count))

    def root(piece: int) -> int:
        while parent[piece] != piece:
            parent[piece] = parent[parent[piece]]
            piece = parent[piece]
        return piece

    for one, other in zip(first.tolist(), second.tolist(), strict=True):
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    members: dict[int, list[int]] = {}
    for piece in range(count):
        members.setdefault(root(piece), []).append(piece)
    return list(members.values())
