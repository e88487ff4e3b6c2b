"""Windows of pieces, cut anew each epoch and the same for the same seed."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ostinato.data.store import TokenStore
from ostinato.representations.base import Representation

IGNORED = -100  # a target that is padding
Gathered = tuple[NDArray[Any], NDArray[np.int64], NDArray[np.bool_]]


@dataclass(frozen=True)
class Batch:
    """Sequences side by side.

    inputs: (batch, time) tokens, int64, or (batch, time, width) frames, int8; targets: the step
    after each, or -100 for padding; positions: (batch, time, features) of the targets; semitones:
    (batch,), how far each sequence was transposed.
    """

    inputs: Tensor
    targets: Tensor
    positions: Tensor
    semitones: Tensor

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on another device."""
        return Batch(*(getattr(self, field.name).to(device) for field in fields(self)))


def gather(
    store: TokenStore, starts: NDArray[np.int64], ends: NDArray[np.int64], length: int
) -> Gathered:
    """Return steps (batch, length + 1, …), positions (batch, length, features) and what is real.

    starts, ends: (batch,) in the store. real: (batch, length) is false for padding, which repeats
    the last step of the piece.
    """
    # places in the store: (batch, length + 1)
    at = starts[:, None] + np.arange(length + 1)
    real = at < ends[:, None]
    at = np.minimum(at, ends[:, None] - 1)
    steps = store.steps[at].astype(np.int64 if store.steps.ndim == 1 else np.int8)
    positions = store.positions[at[:, :-1]].astype(np.int64)
    return steps, positions, real[:, 1:]


def to_batch(
    steps: NDArray[Any],
    positions: NDArray[np.int64],
    real: NDArray[np.bool_],
    semitones: NDArray[np.int64] | None = None,
) -> Batch:
    """Shift steps against themselves: each is predicted from those before it."""
    real = real.reshape(*real.shape, *(1,) * (steps.ndim - 2))
    targets = np.where(real, steps[:, 1:], steps.dtype.type(IGNORED))
    return Batch(
        torch.from_numpy(np.ascontiguousarray(steps[:, :-1])),
        torch.from_numpy(targets),
        torch.from_numpy(positions),
        torch.from_numpy(np.zeros(len(steps), np.int64) if semitones is None else semitones),
    )


def transpose(
    gathered: Gathered, representation: Representation, semitones: NDArray[np.int64]
) -> Batch:
    """Return a batch of what `gather` gave, each sequence moved by its semitones: (batch,)."""
    steps, positions, real = gathered
    steps = representation.transpose(steps, semitones).astype(steps.dtype)
    positions = representation.transpose_positions(positions, semitones).astype(np.int64)
    return to_batch(steps, positions, real, semitones)


@dataclass(frozen=True)
class WindowSettings:
    """Settings of the windows of a training.

    window: steps; batch_size: windows; transpose: the lowest and the highest transposition in
    semitones, drawn with `transpose_probability`, 0 otherwise. Windows begin at multiples of
    `voices_per_step` steps of their piece.
    """

    window: int
    batch_size: int
    transpose: tuple[int, int]
    seed: int
    voices_per_step: int = 1
    transpose_probability: float = 1.0


class TrainingWindows(torch.utils.data.Dataset[Batch]):
    """One epoch of windows, shuffled and transposed; item i is the i-th batch.

    Each piece gives as many windows as cover it once: the first at its beginning, the last anywhere
    over its end, the others between them, drawn anew each epoch. Everything follows from the seed
    and the epoch. With `shard` (rank, ranks) each device has its own windows, as many as every
    other: some are there twice then, the second time without a target.
    """

    def __init__(
        self,
        store: TokenStore,
        indices: NDArray[np.int64],
        representation: Representation,
        settings: WindowSettings,
        *,
        epoch: int,
        shard: tuple[int, int] = (0, 1),
    ) -> None:
        self.store, self.representation = store, representation
        random = np.random.default_rng([settings.seed, epoch])
        lengths = store.offsets[indices + 1] - store.offsets[indices]
        self.window = int(min(settings.window, lengths.max(initial=2) - 1))
        pieces, starts = _draw_starts(lengths, self.window, random)
        # a window opens with the first voice of a time step
        starts -= starts % settings.voices_per_step
        self.starts = store.offsets[indices[pieces]] + starts
        self.ends = store.offsets[indices[pieces] + 1]
        self.semitones = self._draw_semitones(indices[pieces], settings, random)
        order = random.permutation(len(pieces))
        rank, ranks = shard
        even = -(-len(order) // ranks) * ranks  # devices that do not keep step would wait for ever
        own = np.resize(order, even)[rank::ranks]
        once = np.arange(even)[rank::ranks] < len(order)
        size = settings.batch_size
        self.batches = [own[i : i + size] for i in range(0, len(own), size)]
        self.counted = [once[i : i + size] for i in range(0, len(own), size)]

    def _draw_semitones(
        self, pieces: NDArray[np.int64], settings: WindowSettings, random: np.random.Generator
    ) -> NDArray[np.int64]:
        """Return a transposition of each window (windows,) that the representation can hold."""
        store, representation = self.store, self.representation
        low = np.maximum(settings.transpose[0], representation.lowest - store.lowest[pieces])
        high = np.minimum(settings.transpose[1], representation.highest - store.highest[pieces])
        semitones = random.integers(np.minimum(low, high), high + 1)
        if settings.transpose_probability < 1:
            semitones *= random.random(len(pieces)) < settings.transpose_probability
        return semitones

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> Batch:
        rows = self.batches[index]
        steps, positions, real = gather(self.store, self.starts[rows], self.ends[rows], self.window)
        real &= self.counted[index][:, None]
        return transpose((steps, positions, real), self.representation, self.semitones[rows])


def _draw_starts(
    lengths: NDArray[np.int64], window: int, random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the piece of each window and where in the piece it starts: both (windows,)."""
    counts = -(-(lengths - 1) // window)  # none for a lone token: nothing follows it
    pieces = np.repeat(np.arange(len(lengths)), counts)
    number = np.arange(len(pieces)) - np.repeat(np.cumsum(counts) - counts, counts)
    room = np.maximum(lengths[pieces] - 1 - window, 0)
    drawn = random.random(len(pieces))
    between = np.maximum(counts[pieces] - 2, 1)
    starts = np.floor((number - 1 + drawn) / between * (room + 1)).astype(np.int64)
    # if the last window always ended with its piece, pieces would seem to end after one window
    over = room + np.floor(drawn * window).astype(np.int64)
    starts = np.where(number == counts[pieces] - 1, over, np.clip(starts, 0, room))
    return pieces, np.where(number == 0, 0, starts)


class WholePieces(torch.utils.data.Dataset[Batch]):
    """Whole pieces, those of like length side by side; item i is the i-th batch."""

    def __init__(self, store: TokenStore, indices: NDArray[np.int64], batch_size: int) -> None:
        self.store = store
        lengths = store.offsets[indices + 1] - store.offsets[indices]
        order = indices[np.argsort(lengths, kind="stable")]
        self.batches = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> Batch:
        return to_batch(*self._gather(self.batches[index]))

    def transpose(
        self, index: int, representation: Representation, semitones: NDArray[np.int64]
    ) -> Batch:
        """Return a batch with each of its pieces moved by semitones: (pieces,)."""
        return transpose(self._gather(self.batches[index]), representation, semitones)

    def _gather(self, rows: NDArray[np.int64]) -> Gathered:
        starts, ends = self.store.offsets[rows], self.store.offsets[rows + 1]
        return gather(self.store, starts, ends, int((ends - starts).max()) - 1)
