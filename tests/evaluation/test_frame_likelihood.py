"""Likelihoods of frames are what they would be if counted by hand."""

import math
from collections import Counter

import numpy as np
import pytest
import torch

from defaults import build
from ostinato.data.store import TokenStore
from ostinato.evaluation.baselines import baseline_nll
from ostinato.evaluation.likelihood import (
    Counts,
    count,
    nll_of_pieces,
    per_unit,
    table_of_pieces,
)
from ostinato.music.piece import Piece
from small_networks import network_of, store_of

TEST = np.array([4, 1, 6])
TRAINING = np.array([0, 2, 3, 5, 7])
ROLL = build("representation=pianoroll")


@pytest.fixture(scope="module")
def store(short_chorales: list[Piece], tmp_path_factory: pytest.TempPathFactory) -> TokenStore:
    return store_of(short_chorales[:8], ROLL, tmp_path_factory.mktemp("stores") / "frames")


def test_the_likelihood_is_the_sum_over_every_frame_of_every_piece(
    store: TokenStore, short_chorales: list[Piece]
) -> None:
    network = network_of("pianoroll", backbone="LSTM")
    nats = nll_of_pieces(network, store, TEST, batch_size=2)
    for i, value in zip(TEST, nats, strict=True):
        frames = ROLL.encode(short_chorales[i])
        expected, state = 0.0, None
        before = np.zeros(ROLL.size, np.uint8)
        for time, frame in enumerate(frames):
            heard = torch.from_numpy(before.astype(np.int8))[None, None]
            with torch.no_grad():
                logits, state = network(heard, torch.tensor([[[time % 16]]]), state=state)
            shares = torch.sigmoid(logits[0, 0].double()).numpy()
            expected -= float(np.log(np.where(frame > 0, shares, 1 - shares)).sum())
            before = frame
        assert value == pytest.approx(expected, rel=1e-5)


def test_a_network_that_knows_nothing_tosses_a_coin_for_every_column(store: TokenStore) -> None:
    network = network_of("pianoroll")
    with torch.no_grad():
        for parameter in network.head.parameters():
            parameter.zero_()
    frames = count(store, TEST, ROLL).steps
    total = nll_of_pieces(network, store, TEST, batch_size=4).sum()
    assert total == pytest.approx(frames * ROLL.size * math.log(2), rel=1e-6)


@pytest.mark.parametrize("batch_size", [1, 2])
def test_each_piece_has_its_own_likelihood_whatever_stands_beside_it(
    store: TokenStore, batch_size: int
) -> None:
    network = network_of("pianoroll")
    together = nll_of_pieces(network, store, TEST, batch_size=16)
    apart = nll_of_pieces(network, store, TEST, batch_size)
    assert apart == pytest.approx(together, rel=1e-5)


def test_baselines_are_what_counting_gives(store: TokenStore) -> None:
    alone: Counter[tuple[int, int]] = Counter()
    pairs: Counter[tuple[int, int, int]] = Counter()
    for i in TRAINING:
        piece = store.piece(i)
        for before, frame in zip(piece[:-1].tolist(), piece[1:].tolist(), strict=True):
            for column, (a, b) in enumerate(zip(before, frame, strict=True)):
                alone[column, b] += 1
                pairs[column, a, b] += 1
    expected = {"unigram": 0.0, "bigram": 0.0}
    for i in TEST:
        piece = store.piece(i)
        for before, frame in zip(piece[:-1].tolist(), piece[1:].tolist(), strict=True):
            for column, (a, b) in enumerate(zip(before, frame, strict=True)):
                whole = alone[column, 0] + alone[column, 1] + 0.2
                after = pairs[column, a, 0] + pairs[column, a, 1] + 0.2
                expected["unigram"] -= math.log((alone[column, b] + 0.1) / whole)
                expected["bigram"] -= math.log((pairs[column, a, b] + 0.1) / after)
    counted = baseline_nll(store, TRAINING, TEST, ROLL.size, 0.1)
    for name, value in expected.items():
        assert counted[name].sum() == pytest.approx(value)
    assert (counted["bigram"] < counted["unigram"]).all()


def test_every_frame_and_every_note_is_counted(
    store: TokenStore, short_chorales: list[Piece]
) -> None:
    pieces = [short_chorales[i] for i in TEST]
    counts = count(store, TEST, ROLL)
    encoded = [ROLL.encode(piece) for piece in pieces]
    assert counts.pieces == 3
    assert counts.steps == sum(map(len, encoded))
    assert counts.notes == sum(len(ROLL.decode(frames).notes) for frames in encoded)
    assert counts.quarters == sum(piece.quarters for piece in pieces)
    assert list(counts.table()) == ["pieces", "frames", "notes", "quarters"]


def test_nats_per_frame() -> None:
    counts = Counts(pieces=1, steps=50, notes=20, quarters=8.0, unit="frame")
    assert list(per_unit(100.0, counts)) == [
        "nats_per_frame",
        "nats_per_note",
        "nats_per_quarter",
    ]


def test_the_table_names_every_piece_its_nats_and_its_frames(store: TokenStore) -> None:
    more = {"notes": np.array([3, 4, 5]), "unigram_nats": np.array([2.0, 3.0, 4.0])}
    rows = table_of_pieces(store, TEST, np.array([1.0, 2.5, 3.25]), "frame", more).splitlines()
    assert rows[0] == "name,nats,frames,notes,unigram_nats"
    assert rows[2] == f"{store.names[1]},2.500000,{len(store.piece(1)) - 1},4,3.000000"
    assert len(rows) == 4


def test_over_transpositions_each_frame_has_the_mean_of_its_probabilities(
    store: TokenStore, short_chorales: list[Piece]
) -> None:
    network = network_of("pianoroll", backbone="GRU")
    [nats] = nll_of_pieces(network, store, TEST[:1], 2, ROLL, (-1, 2))
    expected = []
    for semitones in range(-1, 3):
        frames = ROLL.encode(short_chorales[TEST[0]].transposed(semitones)).astype(np.int8)
        inputs = torch.from_numpy(np.concatenate([frames[:1] * 0, frames[:-1]]))[None]
        positions = (torch.arange(len(frames)) % 16)[None, :, None]
        moved = torch.tensor([semitones])
        nll = network.score(inputs, positions, torch.from_numpy(frames)[None], moved)
        expected.append(torch.exp(-nll[0].double()))
    assert nats == pytest.approx(-float(torch.stack(expected).mean(0).log().sum()), rel=1e-5)


def test_a_transposition_out_of_range_counts_as_saying_nothing(store: TokenStore) -> None:
    network = network_of("pianoroll")
    narrow = build("representation=pianoroll")
    narrow.lowest = int(store.lowest[TEST[0]])
    narrow.highest = int(store.highest[TEST[0]])
    [alone] = nll_of_pieces(network, store, TEST[:1], 1)
    [over] = nll_of_pieces(network, store, TEST[:1], 1, narrow, (-1, 1))
    frames = count(store, TEST[:1], ROLL).steps
    assert over == pytest.approx(alone + frames * math.log(3), rel=1e-5)
