"""Inverted index: from n-grams of onsets to where they stand in the training pieces."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import UserError
from ostinato.evaluation.originality.passages import Calendar
from ostinato.evaluation.originality.streams import SETS, WHOLE, Streams, extract_streams
from ostinato.music.piece import OCTAVE, Piece

SEED = 4  # onsets in an n-gram of the index
MOST = 12  # onsets in the longest n-gram that is counted
POSITIONS = (1 << 32) - 1
LONGEST_STEP = 63  # sixteenths: longer waits count as this
BATCH = 1 << 20  # onsets hashed at once
MIX = np.uint64(0x9E3779B97F4A7C15)  # 2 ** 64 / golden ratio, odd: spreads bits when multiplied
LOW = np.uint64(32)  # bits of a position, below the hash


def _rotated_values() -> NDArray[np.uint64]:
    """Return a number for each set of pitch classes as heard in 12 keys: (12, 4096)."""
    sets = np.arange(SETS, dtype=np.uint64)
    values = np.empty((OCTAVE, SETS), np.uint64)
    for key in range(OCTAVE):
        # pitch class p becomes p - key: bits move down, those that fall off come in above
        down, up = np.uint64(key), np.uint64(OCTAVE - key)
        values[key] = ((sets >> down) | (sets << up)) & np.uint64(SETS - 1)
    return mix(values + np.uint64(1))


def mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return numbers whose every bit depends on every bit of `values`."""
    values = (values ^ (values >> np.uint64(31))) * MIX
    values = (values ^ (values >> np.uint64(29))) * MIX
    return values ^ (values >> np.uint64(32))


ROTATED = _rotated_values()


@dataclass(frozen=True)
class NGrams:
    """N-grams of streams, each at its first onset.

    hashes: 32 bits, the same in every key (onset,). key: the key in which each is (onset,). valid:
    whether it ends before the next stream begins (onset,).
    """

    hashes: NDArray[np.uint32]
    key: NDArray[np.uint8]
    valid: NDArray[np.bool_]


def hash_ngrams(streams: Streams) -> NGrams:
    """Return the n-grams of `SEED` onsets: of the steps in time and the chords, in any key.

    An n-gram is hashed in all twelve keys and the smallest hash stands for it, so that equal music
    has equal hashes in every key, and the difference of two `key` says how far it is transposed.
    """
    count = len(streams.time)
    hashes, key = np.zeros(count, np.uint32), np.zeros(count, np.uint8)
    for begin in range(0, count - SEED + 1, BATCH):
        place = slice(begin, min(begin + BATCH, count - SEED + 1))
        part = slice(begin, place.stop + SEED - 1)
        hashes[place], key[place] = _hash(streams.time[part], streams.chord[part])
    return NGrams(hashes, key, _within(streams, SEED))


def longer_ngrams(
    streams: Streams, ngrams: NGrams, longest: int
) -> Iterator[tuple[int, NDArray[np.uint32]]]:
    """Yield n and the hashes of the n-grams, for n from `SEED` to `longest`: (n-gram,).

    The first `SEED` onsets decide in which key the others are read.
    """
    yield SEED, ngrams.hashes[ngrams.valid]
    hashes = ngrams.hashes.copy()
    steps = np.zeros(len(hashes), np.uint32)
    steps[1:] = np.clip(np.diff(streams.time), 0, LONGEST_STEP)
    for length in range(SEED + 1, longest + 1):
        reach = max(0, len(hashes) - length + 1)
        added = slice(length - 1, None)  # the onset that each n-gram gets
        values = ROTATED[ngrams.key[:reach], streams.chord[added]]
        hashes[:reach] = mix((hashes[:reach] ^ values) * MIX ^ steps[added]) >> LOW
        yield length, hashes[_within(streams, length)]


def _within(streams: Streams, length: int) -> NDArray[np.bool_]:
    """Return whether `length` onsets from each on are in its stream: (onset,)."""
    valid = np.ones(len(streams.time), bool)
    for back in range(1, length):
        ends = streams.start[1:] - back
        valid[ends[ends >= streams.start[:-1]]] = False
    return valid


def _hash(
    time: NDArray[np.int32], chord: NDArray[np.uint16]
) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """Return the hashes and keys of the n-grams of a run of onsets: (onsets - SEED + 1,)."""
    count = len(time) - SEED + 1
    steps = np.clip(np.diff(time), 0, LONGEST_STEP).astype(np.uint64)
    rhythm = np.zeros(count, np.uint64)
    for place in range(SEED - 1):
        rhythm = (rhythm ^ steps[place : place + count]) * MIX
        rhythm ^= rhythm >> np.uint64(29)
    best, key = np.full(count, np.iinfo(np.uint64).max, np.uint64), np.zeros(count, np.uint8)
    for semitones in range(OCTAVE):
        values = ROTATED[semitones][chord]  # of each onset as heard in this key
        total = rhythm.copy()
        for place in range(SEED):
            total = (total ^ values[place : place + count]) * MIX
            total ^= total >> np.uint64(29)
        better = total < best
        best[better], key[better] = total[better], semitones
    return (mix(best) >> LOW).astype(np.uint32), key


@dataclass(frozen=True)
class Index:
    """Training pieces, and where each of their n-grams stands.

    postings: a hash above, a position in `streams` below, 32 bits each, sorted (n-gram,). key: of
    the n-gram that begins at each position (onset,). owner: the stream of each position (onset,).
    known: for each n, the distinct hashes of the n-grams of single tracks, sorted. calendars: the
    bars of each piece.
    """

    names: tuple[str, ...]
    calendars: tuple[Calendar, ...]
    streams: Streams
    postings: NDArray[np.uint64]
    key: NDArray[np.uint8]
    owner: NDArray[np.int32]
    known: dict[int, NDArray[np.uint32]]

    @cached_property
    def first_stream(self) -> NDArray[np.int64]:
        """Return the stream of each piece's whole texture: (piece,); any where it has no notes."""
        return np.searchsorted(self.streams.piece, np.arange(len(self.names)))


def build_index(pieces: Iterable[Piece]) -> Index:
    """Return the index of training pieces, which are read one after the other.

    Raises `UserError` for more than 2^32 onsets, which positions of 32 bits cannot count.
    """
    names: list[str] = []
    calendars: list[Calendar] = []

    def noted() -> Iterator[Piece]:
        for piece in pieces:
            names.append(piece.name)
            calendars.append(Calendar.of(piece))
            yield piece

    streams = extract_streams(noted())
    if len(streams.time) > POSITIONS:
        raise UserError(
            f"the training pieces have {len(streams.time)} onsets: originality compares with "
            f"{POSITIONS} at most, so give it fewer pieces."
        )
    ngrams = hash_ngrams(streams)
    positions = np.flatnonzero(ngrams.valid)
    postings = ngrams.hashes[positions].astype(np.uint64)
    postings <<= LOW
    postings |= positions.astype(np.uint64)
    del positions
    postings.sort()
    owner = np.repeat(np.arange(len(streams), dtype=np.int32), np.diff(streams.start))
    tracks = single_tracks(streams)
    known = {n: np.unique(hashes) for n, hashes in longer_ngrams(tracks, hash_ngrams(tracks), MOST)}
    return Index(tuple(names), tuple(calendars), streams, postings, ngrams.key, owner, known)


def single_tracks(streams: Streams) -> Streams:
    """Return the streams of single tracks; of a piece of one track it is the whole."""
    divided = np.zeros(int(streams.piece.max(initial=-1)) + 1, bool)
    divided[streams.piece[streams.track >= 0]] = True
    chosen = (streams.track >= 0) | ((streams.track == WHOLE) & ~divided[streams.piece])
    size = np.diff(streams.start)
    rows = np.repeat(chosen, size)
    start = np.concatenate([[0], np.cumsum(size[chosen])])
    return Streams(
        streams.time[rows],
        streams.chord[rows],
        start,
        streams.piece[chosen],
        streams.track[chosen],
    )


def share_known(index: Index, streams: Streams) -> dict[int, float]:
    """Return by n the share of a piece's n-grams that training pieces have, in any key.

    N-grams of its single tracks, n from `SEED` to `MOST` onsets; none where it has no such n-gram.
    """
    tracks = single_tracks(streams)
    shares = {}
    for length, hashes in longer_ngrams(tracks, hash_ngrams(tracks), MOST):
        if len(hashes):
            shares[length] = float(_contains(index.known[length], hashes).mean())
    return shares


def _contains(known: NDArray[np.uint32], hashes: NDArray[np.uint32]) -> NDArray[np.bool_]:
    place = np.searchsorted(known, hashes)
    found = place < len(known)
    found[found] = known[place[found]] == hashes[found]
    return found
