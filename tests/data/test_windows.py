"""What a network is shown in an epoch."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from defaults import build
from ostinato.data.store import TokenStore
from ostinato.data.windows import (
    IGNORED,
    TrainingWindows,
    WholePieces,
    WindowSettings,
    _draw_starts,
)
from ostinato.music.piece import Piece
from small_networks import REPRESENTATIONS, store_of

NONE = (0, 0)


@pytest.fixture(scope="module")
def store(short_chorales: list[Piece], tmp_path_factory: pytest.TempPathFactory) -> TokenStore:
    return store_of(
        short_chorales, build("representation=voices"), tmp_path_factory.mktemp("store") / "tokens"
    )


def windows(store: TokenStore, **changed: Any) -> TrainingWindows:
    arguments: dict[str, Any] = {
        "indices": np.arange(len(store.names)),
        "representation": build("representation=voices"),
        "window": 100,
        "batch_size": 8,
        "transpose": NONE,
        "seed": 1,
        "epoch": 0,
    }
    arguments |= changed
    of_windows = {field.name for field in fields(WindowSettings)} & set(arguments)
    settings = WindowSettings(**{name: arguments.pop(name) for name in of_windows})
    return TrainingWindows(store, settings=settings, **arguments)


def shown(epoch: TrainingWindows) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [(epoch[i].inputs, epoch[i].targets) for i in range(len(epoch))]


def equal(one: TrainingWindows, other: TrainingWindows) -> bool:
    pairs = zip(shown(one), shown(other), strict=True)
    return all(torch.equal(x, y) for a, b in pairs for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("epoch", range(3))
def test_every_epoch_shows_each_piece_from_its_beginning(store: TokenStore, epoch: int) -> None:
    begun = [start for rows in windows(store, epoch=epoch).batches for start in rows]
    starts = windows(store, epoch=epoch).starts[begun]
    assert set(store.offsets[:-1]) <= set(starts.tolist())


def test_every_epoch_shows_as_much_as_there_is(store: TokenStore) -> None:
    lengths = np.diff(store.offsets) - 1
    epoch = windows(store)
    rows = np.concatenate(epoch.batches)
    assert len(rows) == len(set(rows)) == sum(-(-lengths // 100))


def test_windows_stay_inside_their_piece(store: TokenStore) -> None:
    epoch = windows(store)
    piece = np.searchsorted(store.offsets, epoch.starts, side="right") - 1
    assert np.array_equal(epoch.ends, store.offsets[piece + 1])
    assert np.all(epoch.starts < epoch.ends - 1)


def test_an_epoch_follows_from_its_seed_and_number(store: TokenStore) -> None:
    several = (-5, 6)
    assert equal(windows(store, transpose=several), windows(store, transpose=several))
    assert not equal(windows(store), windows(store, epoch=1))
    assert not equal(windows(store), windows(store, seed=2))


def test_targets_are_the_inputs_shifted_by_one(store: TokenStore) -> None:
    for inputs, targets in shown(windows(store)):
        real = targets[:, :-1] != IGNORED
        assert torch.equal(targets[:, :-1][real], inputs[:, 1:][real])


def test_what_lies_behind_the_end_of_a_piece_is_ignored(store: TokenStore) -> None:
    longest = int(np.diff(store.offsets).max())
    epoch = windows(store, window=longest + 50)
    assert epoch.window == longest - 1
    for i, rows in enumerate(epoch.batches):
        batch = epoch[i]
        lengths = epoch.ends[rows] - epoch.starts[rows] - 1
        assert (batch.targets != IGNORED).sum(1).tolist() == lengths.tolist()
        for row, length in enumerate(lengths):
            assert batch.targets[row, length - 1] == build("representation=voices").end
            assert torch.all(batch.targets[row, length:] == IGNORED)


@pytest.mark.parametrize("name", REPRESENTATIONS)
def test_transposed_windows_equal_the_encoded_transposed_piece(
    name: str, short_chorales: list[Piece], tmp_path: Path
) -> None:
    representation = REPRESENTATIONS[name]
    pieces = short_chorales[:3]
    store = store_of(pieces, representation, tmp_path / "tokens")
    epoch = windows(
        store, representation=representation, transpose=(-7, 7), window=4096, batch_size=1
    )
    assert len(epoch) == 3
    assert np.any(epoch.semitones != 0)
    for i, (row,) in enumerate(epoch.batches):
        piece = pieces[int(np.searchsorted(store.offsets, epoch.starts[row]))]
        moved = store_of(
            [piece.transposed(int(epoch.semitones[row]))], representation, tmp_path / str(i)
        )
        length = len(moved.steps) - 1
        batch = epoch[i]
        assert np.array_equal(batch.inputs[0, :length].numpy(), moved.steps[:-1])
        assert np.array_equal(batch.targets[0, :length].numpy(), moved.steps[1:])
        assert np.array_equal(batch.positions[0, :length].numpy(), moved.positions[:-1])


def test_windows_of_frames_predict_every_frame_the_first_included(
    short_chorales: list[Piece], tmp_path: Path
) -> None:
    roll, pieces = build("representation=pianoroll", pitch_range=(21, 108)), short_chorales[:3]
    store = store_of(pieces, roll, tmp_path / "frames")
    epoch = windows(
        store, representation=roll, indices=np.arange(3), transpose=(-4, 4), window=4096
    )
    batch = epoch[0]
    assert batch.inputs.dtype == batch.targets.dtype == torch.int8
    assert not batch.inputs[:, 0].any()
    assert batch.semitones.tolist() == epoch.semitones[epoch.batches[0]].tolist()
    assert len(set(batch.semitones.tolist())) > 1
    for row, start in enumerate(epoch.starts[epoch.batches[0]]):
        piece = pieces[int(np.searchsorted(store.offsets, start))]
        expected = roll.encode(piece.transposed(int(batch.semitones[row])))
        assert np.array_equal(batch.targets[row, : len(expected)], expected)
        assert np.array_equal(batch.inputs[row, 1 : len(expected)], expected[:-1])
        assert (batch.targets[row, len(expected) :] == IGNORED).all()
        known = np.arange(len(expected)) % 16
        assert np.array_equal(batch.positions[row, : len(expected), 0], known)


def test_whole_pieces_are_not_transposed(store: TokenStore) -> None:
    assert WholePieces(store, np.arange(3), batch_size=3)[0].semitones.tolist() == [0, 0, 0]


def test_transposition_never_leaves_the_range_of_midi(
    short_chorales: list[Piece], tmp_path: Path
) -> None:
    piece = short_chorales[0]
    high = piece.transposed(126 - int(piece.notes["pitch"].max()))
    store = store_of([high], build("representation=voices"), tmp_path / "tokens")
    drawn = {
        int(windows(store, indices=np.array([0]), transpose=(-2, 60), epoch=e).semitones[0])
        for e in range(60)
    }
    assert drawn == {-2, -1, 0, 1}


def test_transposition_draws_every_interval(store: TokenStore) -> None:
    drawn = {s for e in range(10) for s in windows(store, transpose=(-5, 6), epoch=e).semitones}
    assert drawn == set(range(-5, 7))


@pytest.mark.parametrize("ranks", [2, 3, 5])
def test_devices_share_an_epoch_evenly(store: TokenStore, ranks: int) -> None:
    everything = sorted(np.concatenate(windows(store).batches))
    shards = [windows(store, shard=(rank, ranks)) for rank in range(ranks)]
    rows = [row for shard in shards for batch in shard.batches for row in batch]
    assert sorted(set(rows)) == everything
    assert len(rows) - len(everything) < ranks  # what is shown twice so that all keep step
    assert len({tuple(map(len, shard.batches)) for shard in shards}) == 1


@pytest.mark.parametrize("ranks", [2, 3, 5])
def test_devices_predict_every_step_once(store: TokenStore, ranks: int) -> None:
    def targets(rank: int, ranks: int) -> list[int]:
        found = windows(store, shard=(rank, ranks))
        return sorted(
            int(target)
            for index in range(len(found))
            for target in found[index].targets[found[index].targets != IGNORED]
        )

    assert sorted(t for rank in range(ranks) for t in targets(rank, ranks)) == targets(0, 1)


@given(
    lengths=st.lists(st.integers(1, 400), min_size=1, max_size=8),
    window=st.integers(1, 120),
    seed=st.integers(0, 99),
)
@settings(deadline=None, max_examples=60)
def test_windows_cover_every_length(lengths: list[int], window: int, seed: int) -> None:
    pieces, starts = _draw_starts(np.array(lengths), window, np.random.default_rng(seed))
    for piece, length in enumerate(lengths):
        own = starts[pieces == piece]
        assert len(own) == -(-(length - 1) // window)
        if length > 1:
            assert own[0] == 0
            assert own.min() >= 0
            assert own[:-1].max(initial=0) <= max(0, length - 1 - window)
            assert length - 1 - window <= own[-1] < length - 1  # its end is shown


def test_whole_pieces_show_every_token_once(store: TokenStore) -> None:
    indices = np.array([3, 0, 7, 5, 11])
    whole = WholePieces(store, indices, batch_size=2)
    assert len(whole) == 3
    told = []
    for i in range(len(whole)):
        batch = whole[i]
        for inputs, targets in zip(batch.inputs, batch.targets, strict=True):
            real = targets != IGNORED
            told.append((int(inputs[0]), *targets[real].tolist()))
    assert sorted(told) == sorted(tuple(store.piece(i).tolist()) for i in indices)


def test_whole_pieces_of_like_length_stand_side_by_side(store: TokenStore) -> None:
    whole = WholePieces(store, np.arange(len(store.names)), batch_size=4)
    widths = [whole[i].inputs.shape[1] for i in range(len(whole))]
    assert widths == sorted(widths)
    assert widths[-1] == np.diff(store.offsets).max() - 1


def test_windows_begin_where_a_step_of_all_voices_begins(store: TokenStore) -> None:
    epoch = windows(store, voices_per_step=4)
    turns = np.concatenate(
        [batch.positions[:, 0, 0] for batch in map(epoch.__getitem__, range(len(epoch)))]
    )
    assert not turns.any()
    anywhere = windows(store)
    assert any(anywhere[i].positions[:, 0, 0].any() for i in range(len(anywhere)))


def test_a_share_of_windows_keeps_its_key(store: TokenStore) -> None:
    half = {"transpose": (1, 6), "transpose_probability": 0.5}
    drawn = np.concatenate([windows(store, **half, epoch=e).semitones for e in range(40)])
    assert (drawn > 0).mean() == pytest.approx(0.5, abs=0.1)
    assert not windows(store, transpose=(1, 6), transpose_probability=0.0).semitones.any()
