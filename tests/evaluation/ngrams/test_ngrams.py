"""Variable-order Markov models give proper probabilities, the same as counting by hand."""

import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from defaults import build
from ostinato.evaluation.ngrams.contexts import UNSEEN, TokenModel, count_contexts, unfold
from ostinato.evaluation.ngrams.kneser_ney import smooth
from ostinato.evaluation.ngrams.ppm import match
from ostinato.evaluation.ngrams.sampling import compose_pieces
from ostinato.evaluation.ngrams.scoring import (
    MODELS,
    choose_order,
    piece_nats,
    score_markov_models,
    take_pieces,
)
from ostinato.music.piece import Piece
from small_networks import store_of

VOICES = build("representation=voices")
REPRESENTATIONS = [VOICES, build("representation=event"), build("representation=pitch")]
SIZE = 5
TOKENS = st.lists(st.integers(0, SIZE - 1), min_size=2, max_size=14)
PIECES = st.lists(TOKENS, min_size=1, max_size=4)


def train(name: str, pieces: list[list[int]], size: int, order: int) -> TokenModel:
    return MODELS[name](count_contexts([np.array(p) for p in pieces], size, order), order)


def distribution(model: TokenModel, before: list[int]) -> np.ndarray:
    """The probability of each token after those before it, which begin a piece."""
    size, order = model.table.size, model.table.order
    history = np.array(([*before][::-1] + [size] * order)[:order], np.int64)[:, None]
    contexts = np.repeat(model.table.find(history.reshape(order, 1)), size, axis=1)
    return model.probabilities(contexts, np.arange(size))


@pytest.mark.parametrize("name", MODELS)
@given(pieces=PIECES, before=TOKENS, order=st.integers(0, 4))
def test_probabilities_of_all_tokens_sum_to_one(
    name: str, pieces: list[list[int]], before: list[int], order: int
) -> None:
    p = distribution(train(name, pieces, SIZE, order), before)
    assert (p > 0).all()
    assert p.sum() == pytest.approx(1)


def ppm_by_hand(pieces: list[list[int]], size: int, order: int, before: list[int]) -> list[float]:
    """PPM, method C with exclusion, context by context and token by token."""
    padded = [[size] * order + piece for piece in pieces]
    past = [size] * order + before
    p, weight, excluded = [0.0] * size, 1.0, set[int]()
    for length in range(order, -1, -1):
        context = past[len(past) - length :]
        counts = Counter(
            piece[i]
            for piece in padded
            for i in range(order + 1, len(piece))
            if piece[i - length : i] == context
        )
        counted = {t: n for t, n in counts.items() if t not in excluded}
        if not counted:
            continue
        escape = 0 if len(counts) == size else len(counted)
        total = sum(counted.values()) + escape
        for token, n in counted.items():
            p[token] = weight * n / total
        weight *= escape / total
        excluded |= set(counted)
    rest = [t for t in range(size) if t not in excluded]
    return [weight / len(rest) if t in rest else p[t] for t in range(size)]


@given(pieces=PIECES, before=TOKENS, order=st.integers(0, 4))
def test_ppm_is_what_escaping_by_hand_gives(
    pieces: list[list[int]], before: list[int], order: int
) -> None:
    expected = ppm_by_hand(pieces, SIZE, order, before)
    assert distribution(train("ppm", pieces, SIZE, order), before) == pytest.approx(expected)


def test_ppm_after_a_known_word() -> None:
    # after a: b twice, c once; two kinds, so that the escape has 2 of 5
    model = train("ppm", [[4, 0, 1, 0, 1, 0, 2]], SIZE, 1)
    p = distribution(model, [4, 0])
    assert p[1] == pytest.approx(2 / 5)
    assert p[2] == pytest.approx(1 / 5)
    # after the escape 0, 3 and 4 are left: 0 was counted 3 times, of one kind
    assert p[0] == pytest.approx(2 / 5 * 3 / 4)
    assert p[3] == p[4] == pytest.approx(2 / 5 * 1 / 4 / 2)


def test_kneser_ney_backs_off_to_how_many_contexts_a_token_has() -> None:
    # 1 is frequent but follows 0 alone; 2 follows 0, 1 and 3
    pieces = [[4, 0, 1], [4, 0, 1], [4, 0, 1], [4, 0, 1], [4, 0, 2], [4, 1, 2], [4, 3, 2]]
    p = distribution(train("ngram", pieces, SIZE, 1), [2])  # a context that was not seen
    assert p[2] > p[1]
    q = distribution(train("ngram", pieces, SIZE, 1), [0])
    assert q[1] > q[2]


def test_an_order_of_nothing_is_how_often_tokens_occur() -> None:
    model = train("ppm", [[4, 0, 0, 0, 1]], SIZE, 0)
    assert distribution(model, [4, 1])[:2] == pytest.approx([3 / 6, 1 / 6])


def test_contexts_do_not_reach_into_the_piece_before() -> None:
    history, tokens = unfold([np.array([9, 1, 2]), np.array([9, 3])], 10, 3)
    assert tokens.tolist() == [1, 2, 3]
    assert history.T.tolist() == [[9, 10, 10], [1, 9, 10], [9, 10, 10]]
    table = count_contexts([np.array([9, 1, 2])], 10, 2)
    found = table.find(np.array([[1, 5], [9, 9]]))
    assert found[:, 0].min() >= 0
    assert found[1:, 1].tolist() == [UNSEEN, UNSEEN]


@pytest.fixture(scope="module")
def store(short_chorales: list[Piece], tmp_path_factory: pytest.TempPathFactory) -> Any:
    return store_of(short_chorales, VOICES, tmp_path_factory.mktemp("markov") / "voices")


PARTS = np.arange(0, 14), np.arange(14, 19), np.arange(19, 24)


def test_both_are_better_than_the_shortest_contexts_on_unseen_chorales(store: Any) -> None:
    training, validation, test = PARTS
    scores = score_markov_models(store, training, validation, test, VOICES.size)
    table = count_contexts([store.piece(i) for i in training], VOICES.size, 1)
    for name, make in MODELS.items():
        assert scores.orders[name] > 1
        assert scores.nats[name].sum() < piece_nats(make(table, 1), store, test).sum()
    assert scores.validated
    assert (scores.counted, scores.training) == (14, 14)


def test_nats_of_pieces_are_sums_over_their_tokens(store: Any) -> None:
    training, _, test = PARTS
    model = match(
        count_contexts([store.piece(i) for i in training], VOICES.size, 3),
        3,
    )
    piece = store.piece(test[0]).astype(int).tolist()
    expected = -sum(
        math.log(distribution(model, piece[:i])[piece[i]]) for i in range(1, len(piece))
    )
    assert piece_nats(model, store, test)[0] == pytest.approx(expected)


def test_the_order_is_chosen_on_validation_alone(store: Any) -> None:
    training, validation, test = PARTS
    table = count_contexts([store.piece(i) for i in training], VOICES.size, 6)
    order = choose_order(smooth, table, store, validation)
    totals = [piece_nats(smooth(table, n), store, validation).sum() for n in range(7)]
    assert order == int(np.argmin(totals))
    nothing = np.zeros(0, np.int64)
    scores = score_markov_models(store, training, nothing, test, VOICES.size)
    assert not scores.validated
    assert "without validation pieces" in scores.details()["tokens of context"]


def test_pieces_that_are_not_counted_are_said(store: Any) -> None:
    training = PARTS[0]
    lengths = np.diff(store.offsets)[training]
    kept = take_pieces(store, training, int(lengths.sum()) // 2)
    assert 0 < len(kept) <= len(training) // 2
    assert take_pieces(store, training, int(lengths.sum())).tolist() == training.tolist()


@pytest.mark.parametrize(
    "representation",
    REPRESENTATIONS,
    ids=lambda r: r.name,
)
@pytest.mark.parametrize("name", MODELS)
def test_pieces_are_composed_within_the_grammar_and_by_the_seed(
    name: str, representation: Any, short_chorales: list[Piece], tmp_path: Path
) -> None:
    store = store_of(short_chorales[:6], representation, tmp_path / "store")
    table = count_contexts([store.piece(i) for i in range(6)], representation.size, 4)
    model = MODELS[name](table, 4)
    first, again = (compose_pieces(model, representation, 3, 4, seed=7) for _ in range(2))
    other = compose_pieces(model, representation, 3, 4, seed=8)
    assert all((a.notes == b.notes).all() for a, b in zip(first, again, strict=True))
    assert any(
        len(a.notes) != len(b.notes) or (a.notes != b.notes).any()
        for a, b in zip(first, other, strict=True)
    )
    assert sum(len(piece.notes) for piece in first) > 0
    assert all(piece.quarters <= 4 * 4 + 4 for piece in first)
