"""Likelihoods are what they would be if counted by hand."""

import itertools
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from defaults import build
from ostinato.data.store import TokenStore
from ostinato.evaluation.baselines import bigram_nll, unigram_nll
from ostinato.evaluation.likelihood import (
    Counts,
    count,
    nll_of_pieces,
    notes_of_pieces,
    per_unit,
)
from ostinato.music.piece import Piece
from small_networks import REPRESENTATIONS, network_of, store_of

TEST = np.array([4, 1, 6])
TRAINING = np.array([0, 2, 3, 5, 7])
WITH_END = ("voices", "event", "pitch")


@pytest.fixture(scope="module")
def stores(
    short_chorales: list[Piece], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, TokenStore]:
    folder = tmp_path_factory.mktemp("stores")
    pieces = short_chorales[:8]
    return {name: store_of(pieces, r, folder / name) for name, r in REPRESENTATIONS.items()}


@pytest.mark.parametrize("name", WITH_END)
def test_the_likelihood_is_the_sum_over_every_token_step_by_step(
    name: str, stores: dict[str, TokenStore]
) -> None:
    network, store = network_of(name, backbone="LSTM"), stores[name]
    expected = 0.0
    with torch.no_grad():
        for i in TEST[:2]:
            tokens = store.piece(i).astype(int).tolist()
            rows = store.positions[store.offsets[i] : store.offsets[i + 1]].astype(int)
            state = None
            for token, row, target in zip(tokens, rows, tokens[1:], strict=False):
                logits, state = network(
                    torch.tensor([[token]]), torch.tensor(row)[None, None], state=state
                )
                expected -= float(torch.log_softmax(logits[0, 0].double(), 0)[target])
    total = nll_of_pieces(network, store, TEST[:2], batch_size=2).sum()
    assert total == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", WITH_END)
def test_the_likelihood_does_not_depend_on_what_is_scored_side_by_side(
    name: str, stores: dict[str, TokenStore]
) -> None:
    network = network_of(name)
    totals = [nll_of_pieces(network, stores[name], TEST, batch_size=n).tolist() for n in (1, 2, 16)]
    for total in totals[1:]:
        assert total == pytest.approx(totals[0], rel=1e-5)


def test_a_network_that_knows_nothing_needs_the_logarithm_of_the_vocabulary(
    stores: dict[str, TokenStore],
) -> None:
    network, store = network_of("voices"), stores["voices"]
    with torch.no_grad():
        for parameter in network.head.parameters():
            parameter.zero_()
    counts = count(store, TEST, build("representation=voices"))
    expected = counts.steps * math.log(build("representation=voices").size)
    total = nll_of_pieces(network, store, TEST, batch_size=4).sum()
    assert total == pytest.approx(expected, rel=1e-6)


def test_unseen_pieces_are_scored_without_dropout(stores: dict[str, TokenStore]) -> None:
    network = network_of("voices").train()
    nll_of_pieces(network, stores["voices"], TEST[:1], batch_size=1)
    assert not network.training


@pytest.mark.parametrize("name", REPRESENTATIONS)
def test_the_unigram_baseline_is_what_counting_gives(
    name: str, stores: dict[str, TokenStore]
) -> None:
    store, size = stores[name], REPRESENTATIONS[name].size
    seen = Counter(int(t) for i in TRAINING for t in store.piece(i)[1:])
    whole = sum(seen.values()) + 0.5 * size
    expected = -sum(
        math.log((seen[int(t)] + 0.5) / whole) for i in TEST for t in store.piece(i)[1:]
    )
    assert unigram_nll(store, TRAINING, TEST, size, 0.5).sum() == pytest.approx(expected)


@pytest.mark.parametrize("name", REPRESENTATIONS)
def test_the_bigram_baseline_is_what_counting_pairs_gives(
    name: str, stores: dict[str, TokenStore]
) -> None:
    store, size = stores[name], REPRESENTATIONS[name].size
    pairs: Counter[tuple[int, int]] = Counter()
    before: Counter[int] = Counter()
    for i in TRAINING:
        tokens = [int(t) for t in store.piece(i)]
        pairs.update(itertools.pairwise(tokens))
        before.update(tokens[:-1])
    expected = 0.0
    for i in TEST:
        tokens = [int(t) for t in store.piece(i)]
        for a, b in itertools.pairwise(tokens):
            expected -= math.log((pairs[a, b] + 0.1) / (before[a] + 0.1 * size))
    assert bigram_nll(store, TRAINING, TEST, size, 0.1).sum() == pytest.approx(expected)


def test_knowing_the_token_before_helps(stores: dict[str, TokenStore]) -> None:
    arguments = (stores["voices"], TRAINING, TEST, build("representation=voices").size, 0.1)
    assert (bigram_nll(*arguments) < unigram_nll(*arguments)).all()


@pytest.mark.parametrize("name", ["voices", "event"])
def test_every_note_and_every_token_is_counted(
    name: str, stores: dict[str, TokenStore], short_chorales: list[Piece]
) -> None:
    representation = REPRESENTATIONS[name]
    pieces = [short_chorales[i] for i in TEST]
    counts = count(stores[name], TEST, representation)
    encoded = [representation.encode(piece) for piece in pieces]
    assert counts.pieces == 3
    assert counts.steps == sum(len(tokens) + 1 for tokens in encoded)  # and the end of each
    assert counts.notes == sum(len(representation.decode(t).notes) for t in encoded)
    assert counts.quarters == sum(piece.quarters for piece in pieces)


def test_voices_and_events_count_the_same_notes(stores: dict[str, TokenStore]) -> None:
    """Per note, likelihoods of different representations can be compared."""
    voices = count(stores["voices"], TEST, build("representation=voices"))
    events = count(stores["event"], TEST, build("representation=event"))
    assert voices.quarters == events.quarters
    assert voices.notes >= events.notes  # two voices in unison are one event
    assert voices.notes == pytest.approx(events.notes, rel=0.05)


def test_without_an_end_token_the_first_token_is_not_predicted(
    stores: dict[str, TokenStore],
) -> None:
    representation = build("representation=pitch", hold=False, end_token=False)
    store = stores["pitch without holds"]
    counts = count(store, TEST, representation)
    assert counts.steps == sum(len(store.piece(i)) - 1 for i in TEST)


def test_nats_per_unit() -> None:
    assert per_unit(100.0, Counts(pieces=1, steps=50, notes=20, quarters=8.0, unit="token")) == {
        "nats_per_token": 2.0,
        "nats_per_note": 5.0,
        "nats_per_quarter": 12.5,
    }


def test_nothing_is_divided_by_nothing() -> None:
    assert per_unit(0.0, Counts(pieces=1, steps=5, notes=0, quarters=0.0, unit="token")) == {
        "nats_per_token": 0.0
    }


def test_a_held_pitch_without_holds_is_one_note(
    short_chorales: list[Piece], tmp_path: Path
) -> None:
    """Tokens that repeat a pitch say that it goes on: they are no notes of their own."""
    without = build("representation=pitch", hold=False)
    store = store_of(short_chorales[:3], without, tmp_path / "store")
    decoded = [len(without.decode(store.piece(i)[1:]).notes) for i in range(3)]
    assert notes_of_pieces(store, np.arange(3), without).tolist() == decoded
