"""Cutting pieces into segments: so many whole bars of one line or of several."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ostinato.batches.store import TokenStore
from ostinato.music.piece import Piece
from ostinato.representations.barred import Barred
from ostinato.representations.line import REST


@dataclass(frozen=True)
class SegmentBatch:
    """Segments side by side.

    pitch: (batch, voices, steps) int64, what sounds, counted from the lowest pitch, with silence
    after the highest; onset: (batch, voices, steps), 1 where a note begins, float32.
    """

    pitch: Tensor
    onset: Tensor

    def __len__(self) -> int:
        return len(self.pitch)

    def to(self, device: torch.device) -> "SegmentBatch":
        """The batch on another device."""
        return SegmentBatch(*(getattr(self, field.name).to(device) for field in fields(self)))


@dataclass(frozen=True)
class Segments:
    """Where segments begin in a token store; they overlap, a bar from each to the next.

    starts: (segments,) of their first tokens; before: (segments, voices), what sounds when they
    begin, a pitch or `REST`; lowest, highest: (segments,) of their pitches; `pitches` are the
    lowest and the highest allowed. `other_bars` pieces have no such bars; `outside` segments leave
    the pitches.
    """

    store: TokenStore
    representation: Barred
    bars: int
    pitches: tuple[int, int]
    starts: NDArray[np.int64]
    before: NDArray[np.int64]
    lowest: NDArray[np.int64]
    highest: NDArray[np.int64]
    other_bars: int = 0
    outside: int = 0

    def __len__(self) -> int:
        return len(self.starts)

    def batch(
        self, rows: NDArray[np.int64], semitones: NDArray[np.int64] | None = None
    ) -> SegmentBatch:
        """The segments at `rows`, moved by semitones: (rows,)."""
        time = self.bars * self.representation.bar_steps * self.representation.period
        tokens = self.store.steps[self.starts[rows][:, None] + np.arange(time)]
        pitch, onset = self.representation.excerpt(tokens, self.before[rows])
        return _batch(pitch, onset, self.pitches, semitones)

    def drawn(self, most: int, seed: int) -> SegmentBatch:
        """At most so many segments, drawn by a seed."""
        order = np.random.default_rng(seed).permutation(len(self))[:most]
        return self.batch(np.sort(order))


def cut(
    store: TokenStore,
    indices: NDArray[np.int64],
    pieces: Iterable[Piece],
    representation: Barred,
    bars: int,
    pitches: tuple[int, int],
) -> Segments:
    """Cut the stored pieces at `indices` at their barlines, which `pieces` say.

    Only bars of the representation's `bar_steps` are taken, so that metres are kept apart, and
    only segments in which something sounds, within `pitches`.
    """
    at = {store.names[i]: int(i) for i in indices}
    found: list[NDArray[np.int64]] = []
    other_bars = 0
    for piece in pieces:
        if (index := at.get(piece.name)) is None:
            continue
        ends = representation.end is not None
        first, last = int(store.offsets[index]) + ends, int(store.offsets[index + 1]) - ends
        rows = within(store.steps[first:last], representation.bars(piece), representation, bars)
        rows[:, 0] += first
        other_bars += not len(rows)
        found.append(rows)
    width = 3 + representation.period
    rows = np.concatenate(found) if found else np.zeros((0, width), np.int64)
    rows = rows[rows[:, 1] <= rows[:, 2]]  # something sounds
    inside = (rows[:, 1] >= pitches[0]) & (rows[:, 2] <= pitches[1])
    starts, lowest, highest = rows[inside, :3].T
    before, outside = rows[inside, 3:], int((~inside).sum())
    cut_at = (starts, before, lowest, highest)
    return Segments(store, representation, bars, pitches, *cut_at, other_bars, outside)


def within(
    tokens: NDArray[np.integer[Any]],
    lines: NDArray[np.int64],
    representation: Barred,
    bars: int,
) -> NDArray[np.int64]:
    """Where segments begin in an encoded piece (time,) whose bars begin at the steps `lines`.

    Of each segment: its first token, lowest and highest pitch, and what sounds before, line by
    line. Where nothing sounds, the lowest is above the highest.
    """
    length = bars * representation.bar_steps
    each = np.isin(lines[:, None] + np.arange(bars) * representation.bar_steps, lines).all(axis=1)
    steps = lines[each & (lines + length <= len(tokens) // representation.period)]
    pitch = representation.excerpt(tokens[None])[0][0].astype(np.int64)
    sounding = pitch[steps[:, None] + np.arange(length)]
    lowest = sounding.min(axis=(1, 2), initial=REST)
    highest = np.where(sounding == REST, -1, sounding).max(axis=(1, 2), initial=-1)
    before = np.where(steps[:, None] > 0, pitch[np.maximum(steps - 1, 0)], REST)
    return np.column_stack([steps * representation.period, lowest, highest, before])


def first_of(
    piece: Piece, representation: Barred, bars: int, pitches: tuple[int, int]
) -> SegmentBatch | None:
    """The first segment of a piece, alone in a batch; None where it has none, as `cut` cuts.

    Silence follows a piece that ends within its last bar. Raises `UnencodableError`.
    """
    tokens, lines = representation.encode(piece), representation.bars(piece)
    whole = -(-len(tokens) // representation.period)
    if len(lines):
        whole = max(whole, int(lines[-1]) + representation.bar_steps)
    rests = representation.whole(
        np.full((1, 1, representation.period), REST), np.zeros((1, 1, representation.period), bool)
    )[0]
    tokens = np.append(tokens, np.tile(rests, whole - len(tokens) // representation.period))
    rows = within(tokens, lines, representation, bars)
    rows = rows[(rows[:, 1] >= pitches[0]) & (rows[:, 2] <= pitches[1]) & (rows[:, 2] >= 0)]
    if not len(rows):
        return None
    time = bars * representation.bar_steps * representation.period
    excerpt = tokens[rows[0, 0] :][:time]
    return _batch(*representation.excerpt(excerpt[None], rows[:1, 3:]), pitches)


def _batch(
    pitch: NDArray[np.uint8],
    onset: NDArray[np.bool_],
    pitches: tuple[int, int],
    semitones: NDArray[np.int64] | None = None,
) -> SegmentBatch:
    """Excerpts (batch, steps, voices) as a batch, moved by semitones: (batch,)."""
    low, high = pitches
    moved = pitch.astype(np.int64) - low
    if semitones is not None:
        moved += semitones[:, None, None]
    moved = np.where(pitch == REST, high - low + 1, moved)
    return SegmentBatch(
        torch.from_numpy(np.ascontiguousarray(moved.transpose(0, 2, 1))),
        torch.from_numpy(np.ascontiguousarray(onset.transpose(0, 2, 1), np.float32)),
    )


class TrainingSegments(torch.utils.data.Dataset[SegmentBatch]):
    """One epoch of segments, shuffled and transposed; item i is the i-th batch.

    Everything follows from (seed, epoch). All batches are whole; where there are fewer segments
    than one takes, they are the only batch.
    """

    def __init__(
        self,
        segments: Segments,
        batch_size: int,
        transpose: tuple[int, int],
        transposed: float,
        seed: int,
        epoch: int,
    ) -> None:
        self.segments = segments
        random = np.random.default_rng([seed, epoch])
        order = random.permutation(len(segments))
        low = np.maximum(transpose[0], segments.pitches[0] - segments.lowest)
        high = np.minimum(transpose[1], segments.pitches[1] - segments.highest)
        self.semitones = random.integers(low, high + 1)
        self.semitones *= random.random(len(segments)) < transposed
        whole = max(batch_size, len(order) // batch_size * batch_size)
        self.batches = [
            order[i : i + batch_size] for i in range(0, min(whole, len(order)), batch_size)
        ]

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> SegmentBatch:
        rows = self.batches[index]
        return self.segments.batch(rows, self.semitones[rows])
