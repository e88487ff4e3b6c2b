"""Cutting pieces into segments: so many whole bars of one line or of several."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ostinato.data.store import TokenStore
from ostinato.music.piece import Piece
from ostinato.representations.bar_grid import BarGrid
from ostinato.representations.monophonic import REST
from ostinato.representations.voice_roll import VoiceRoll


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
    ) -> VoiceRoll:
        """Return the segments at `rows`, moved by semitones: (rows,)."""
        time = self.bars * self.representation.bar_steps * self.representation.voices_per_step
        # (rows, time, …), each from its first step on
        steps = self.store.steps[self.starts[rows][:, None] + np.arange(time)]
        before = self.before[rows]
        if semitones is not None:
            steps = self.representation.transpose(steps, semitones)
            before = np.where(before == REST, REST, before + semitones[:, None])
        roll = self.representation.to_grid(steps, before)
        return _limit_voices(roll, self.representation, self.pitches)

    def sample(self, most: int, seed: int) -> VoiceRoll:
        """Return at most so many segments, drawn by a seed."""
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
    """Return segments of the stored pieces at `indices`, cut at the barlines that `pieces` have.

    Only bars of the representation's `bar_steps` are taken, so that metres are kept apart, and
    only segments in which something sounds, within `pitches`.
    """
    at = {store.names[i]: int(i) for i in indices}
    found: list[_Candidates] = []
    other_bars = 0
    ends = representation.end is not None
    begins = ends or representation.kind == "frames"
    for piece in pieces:
        if (index := at.get(piece.name)) is None:
            continue
        first, last = int(store.offsets[index]) + begins, int(store.offsets[index + 1]) - ends
        roll = representation.to_grid(store.steps[first:last][None])
        cuts = _find_segments(roll.pitch[0], representation.bars(piece), bars, roll.bar_steps)
        other_bars += not len(cuts.steps)
        found.append(cuts.move(first, representation.voices_per_step))
    no_bars = np.zeros(0, np.int64)
    none = _find_segments(np.zeros((1, 0), np.int16), no_bars, bars, representation.bar_steps)
    cuts = _Candidates(*map(np.concatenate, zip(*(found or [none]), strict=True)))
    sounds = cuts.lowest <= cuts.highest
    inside = (cuts.lowest >= pitches[0]) & (cuts.highest <= pitches[1])
    allowed = cuts.select(sounds & inside)
    outside = int((sounds & ~inside).sum())
    return Segments(store, representation, bars, pitches, *allowed, other_bars, outside)


class _Candidates(NamedTuple):
    """Segments of a piece by their beginnings, before any is left out.

    steps, lowest, highest: (segments,) int64, the first step and the outermost pitches, the lowest
    above the highest where nothing sounds; before: (segments, voices) uint8, what sounds before.
    """

    steps: NDArray[np.int64]
    before: NDArray[np.uint8]
    lowest: NDArray[np.int64]
    highest: NDArray[np.int64]

    def select(self, rows: NDArray[np.bool_]) -> "_Candidates":
        """Return some of them."""
        return _Candidates(
            self.steps[rows], self.before[rows], self.lowest[rows], self.highest[rows]
        )

    def move(self, first: int, period: int) -> "_Candidates":
        """Return them in a store where the piece begins at `first`, a grid step being `period`."""
        return self._replace(steps=first + self.steps * period)


def _find_segments(
    pitch: NDArray[np.integer[Any]], barlines: NDArray[np.int64], bars: int, bar_steps: int
) -> _Candidates:
    """Return the segments of a piece, (voices, time), at those barlines that bars follow."""
    length, time = bars * bar_steps, pitch.shape[1]
    follow = np.isin(barlines[:, None] + np.arange(bars) * bar_steps, barlines).all(axis=1)
    steps = barlines[follow & (barlines + length <= time)]
    # what sounds in each: (voices, segments, length)
    sounding = pitch[:, steps[:, None] + np.arange(length)]
    lowest = sounding.min(axis=(0, 2), initial=REST)
    highest = np.where(sounding == REST, -1, sounding).max(axis=(0, 2), initial=-1)
    # (segments, voices); nothing sounds before the first step of a piece
    before = np.where(steps[:, None] > 0, pitch[:, np.maximum(steps - 1, 0)].T, REST)
    ends = (lowest.astype(np.int64), highest.astype(np.int64))
    return _Candidates(steps, before.astype(np.uint8), *ends)


def first_segment(
    piece: Piece, representation: BarGrid, bars: int, pitches: tuple[int, int]
) -> VoiceRoll | None:
    """Return the first segment of a piece; None where it has none, as `cut` cuts.

    Silence follows a piece that ends within its last bar. Raises `UnencodableError`.
    """
    roll = representation.to_grid(representation.encode(piece)[None])
    barlines = representation.bars(piece)
    missing = max(0, int(barlines[-1]) + roll.bar_steps - roll.steps) if len(barlines) else 0
    roll = roll.pad(missing)
    found = _find_segments(roll.pitch[0], barlines, bars, roll.bar_steps)
    fits = (found.lowest >= pitches[0]) & (found.highest <= pitches[1]) & (found.highest >= 0)
    if not fits.any():
        return None
    first = int(found.steps[fits][0])
    roll = roll.crop(first, first + bars * roll.bar_steps)
    # what is held over the first barline begins there
    onset = roll.onset.copy()
    onset[..., 0] = roll.sounding[..., 0]
    return _limit_voices(replace(roll, onset=onset), representation, pitches)


def _limit_voices(roll: VoiceRoll, representation: BarGrid, pitches: tuple[int, int]) -> VoiceRoll:
    """Return a piano-roll with the voices of the allowed pitches alone; others as they are."""
    if not roll.one_voice_per_pitch:
        return roll
    lowest = representation.lowest
    return roll.select_voices(slice(pitches[0] - lowest, pitches[1] - lowest + 1))


class TrainingSegments(torch.utils.data.Dataset[VoiceRoll]):
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

    def __getitem__(self, index: int) -> VoiceRoll:
        rows = self.batches[index]
        return self.segments.batch(rows, self.semitones[rows])
