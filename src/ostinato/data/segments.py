"""Cutting pieces into segments: so many whole bars of one line or of several."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ostinato.data.store import TokenStore
from ostinato.music.piece import Piece
from ostinato.representations.bar_grid import BarGrid
from ostinato.representations.monophonic import REST


@dataclass(frozen=True)
class SegmentBatch:
    """Segments side by side.

    pitch: (batch, voices, steps) int64, what sounds, counted from the lowest pitch of the voice,
    with silence after the highest; onset: (batch, voices, steps), 1 where a note begins, float32.
    A piano-roll has a voice for each pitch.
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
    """Segments of a store by their beginnings; they overlap, a bar from each to the next.

    starts: (segments,) of their first steps; before: (segments, lines) uint8, what sounds when they
    begin, a pitch or `REST`; lowest, highest: (segments,) of their pitches; `pitches` are the
    lowest and the highest allowed. `other_bars` pieces have no such bars; `outside` segments leave
    the pitches.
    """

    store: TokenStore
    representation: BarGrid
    bars: int
    pitches: tuple[int, int]
    starts: NDArray[np.int64]
    before: NDArray[np.uint8]
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
        time = self.bars * self.representation.bar_steps * self.representation.voices_per_step
        steps = self.store.steps[self.starts[rows][:, None] + np.arange(time)]
        before = self.before[rows]
        if semitones is not None:
            steps = self.representation.transpose(steps, semitones)
            before = np.where(before == REST, REST, before + semitones[:, None])
        return _batch(
            *self.representation.to_grid(steps, before), self.representation, self.pitches
        )

    def drawn(self, most: int, seed: int) -> SegmentBatch:
        """At most so many segments, drawn by a seed."""
        order = np.random.default_rng(seed).permutation(len(self))[:most]
        return self.batch(np.sort(order))


def cut(
    store: TokenStore,
    indices: NDArray[np.int64],
    pieces: Iterable[Piece],
    representation: BarGrid,
    bars: int,
    pitches: tuple[int, int],
) -> Segments:
    """Cut the stored pieces at `indices` at their barlines, which `pieces` say.

    Only bars of the representation's `bar_steps` are taken, so that metres are kept apart, and
    only segments in which something sounds, within `pitches`.
    """
    at = {store.names[i]: int(i) for i in indices}
    found: list[_Cuts] = []
    other_bars = 0
    ends = representation.end is not None
    begins = ends or representation.kind == "frames"
    for piece in pieces:
        if (index := at.get(piece.name)) is None:
            continue
        first, last = int(store.offsets[index]) + begins, int(store.offsets[index + 1]) - ends
        pitch, _ = representation.to_grid(store.steps[first:last][None])
        cuts = _cuts(pitch[0], representation.bars(piece), representation.bar_steps, bars)
        other_bars += not len(cuts.steps)
        found.append(cuts.after(first, representation.voices_per_step))
    none = _cuts(np.zeros((0, 1), np.uint8), np.zeros(0, np.int64), representation.bar_steps, bars)
    cuts = _Cuts(*map(np.concatenate, zip(*(found or [none]), strict=True)))
    sounds = cuts.lowest <= cuts.highest
    inside = (cuts.lowest >= pitches[0]) & (cuts.highest <= pitches[1])
    kept = cuts.only(sounds & inside)
    outside = int((sounds & ~inside).sum())
    return Segments(store, representation, bars, pitches, *kept, other_bars, outside)


class _Cuts(NamedTuple):
    """Segments of a piece by their beginnings, and what is known of each.

    steps, lowest, highest: (segments,) int64, the first step and the outermost pitches, the lowest
    above the highest where nothing sounds; before: (segments, lines) uint8, what sounds before.
    """

    steps: NDArray[np.int64]
    before: NDArray[np.uint8]
    lowest: NDArray[np.int64]
    highest: NDArray[np.int64]

    def only(self, rows: NDArray[np.bool_]) -> "_Cuts":
        """Some of them."""
        return _Cuts(self.steps[rows], self.before[rows], self.lowest[rows], self.highest[rows])

    def after(self, first: int, period: int) -> "_Cuts":
        """The same in a store where the piece begins at `first` and moments are `period` long."""
        return self._replace(steps=first + self.steps * period)


def _cuts(pitch: NDArray[np.uint8], lines: NDArray[np.int64], bar_steps: int, bars: int) -> _Cuts:
    """Cut what sounds, (time, lines), into segments at the bars that begin at the steps `lines`."""
    length = bars * bar_steps
    each = np.isin(lines[:, None] + np.arange(bars) * bar_steps, lines).all(axis=1)
    steps = lines[each & (lines + length <= len(pitch))]
    sounding = pitch[steps[:, None] + np.arange(length)].astype(np.int16)
    lowest = sounding.min(axis=(1, 2), initial=REST)
    highest = np.where(sounding == REST, -1, sounding).max(axis=(1, 2), initial=-1)
    before = np.where(steps[:, None] > 0, pitch[np.maximum(steps - 1, 0)], np.uint8(REST))
    return _Cuts(steps, before, lowest.astype(np.int64), highest.astype(np.int64))


def first_of(
    piece: Piece, representation: BarGrid, bars: int, pitches: tuple[int, int]
) -> SegmentBatch | None:
    """The first segment of a piece, alone in a batch; None where it has none, as `cut` cuts.

    Silence follows a piece that ends within its last bar. Raises `UnencodableError`.
    """
    pitch, onset = representation.to_grid(representation.encode(piece)[None])
    lines, bar = representation.bars(piece), representation.bar_steps
    missing = max(0, int(lines[-1]) + bar - pitch.shape[1]) if len(lines) else 0
    after = ((0, 0), (0, missing), (0, 0))
    pitch, onset = np.pad(pitch, after, constant_values=REST), np.pad(onset, after)
    cuts = _cuts(pitch[0], lines, bar, bars)
    fits = (cuts.lowest >= pitches[0]) & (cuts.highest <= pitches[1]) & (cuts.highest >= 0)
    if not fits.any():
        return None
    first = int(cuts.steps[fits][0])
    inside = slice(first, first + bars * bar)
    pitch, onset = pitch[:, inside], onset[:, inside].copy()
    onset[:, 0] = pitch[:, 0] < REST
    return _batch(pitch, onset, representation, pitches)


def _batch(
    pitch: NDArray[np.uint8],
    onset: NDArray[np.bool_],
    representation: BarGrid,
    pitches: tuple[int, int],
) -> SegmentBatch:
    """Excerpts (batch, steps, lines) as a batch."""
    low, high = pitches
    floors, silence = np.array(low), high - low + 1
    if representation.apart:
        inside = slice(low - representation.lowest, high - representation.lowest + 1)
        pitch, onset = pitch[..., inside], onset[..., inside]
        floors, silence = np.arange(low, high + 1), 1
    counted = np.where(pitch == REST, silence, pitch.astype(np.int64) - floors)
    return SegmentBatch(
        torch.from_numpy(np.ascontiguousarray(counted.transpose(0, 2, 1))),
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
