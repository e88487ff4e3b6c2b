"""Pieces that are alike: transposed copies, arrangements, settings of the same tune.

A track is fingerprinted by its n-grams of (interval to the next note, time to the next note in
sixteenths), which transposing leaves as they are. n = 5 groups 213 of Bach's 408 chorales by hymn
tune, the largest group being the twelve of the Passion chorale.
"""

from collections.abc import Iterable
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
    prints: list[NDArray[np.uint64]] = []
    owners: list[int] = []
    count = total = 0
    every = 1
    for piece in pieces:
        for track in range(len(piece.track_names)):
            ngrams = fingerprint(piece.track(track), piece.resolution)
            if len(ngrams) >= FEWEST_NGRAMS:
                prints.append(_sample(ngrams, every))
                owners.append(count)
                total += len(prints[-1])
        count += 1
        while total > MOST:
            every *= 2
            prints = [_sample(ngrams, every) for ngrams in prints]
            total = sum(map(len, prints))
    owner = np.array(owners, np.int64)
    first, second = _alike(prints) if prints else (owner, owner)
    return _unite(count, owner[first], owner[second])


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
    pairs = []
    for distance in range(1, NEIGHBOURS + 1):
        same = ngrams[distance:] == ngrams[:-distance]
        if not same.any():
            break
        pairs.append(tracks[:-distance][same] * len(prints) + tracks[distance:][same])
    found = np.concatenate(pairs) if pairs else np.zeros(0, np.int64)
    pair, shared = np.unique(found, return_counts=True)
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
