"""Strengths from votes: what Davidson's model says, and intervals that hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from ostinato.listening.strengths import (
    PRECISION,
    TIE,
    TIE_CENTRE,
    TIE_PRECISION,
    Comparisons,
    connected_groups,
    estimate_strengths,
    fit_davidson,
    list_outcomes,
)

SYSTEMS = 3


def votes_of(*rows: tuple[int, int, int, int], systems: int = SYSTEMS) -> Comparisons:
    """Votes from rows (voter, first, second, outcome)."""
    return Comparisons(systems, *np.array(rows, np.int64).T)


RANDOM = np.random.default_rng(7)
DRAWN = RANDOM.integers(0, 3, 90)
SOME = votes_of(*((i % 9, i % 3, (i + 1) % 3, int(o)) for i, o in enumerate(DRAWN)))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=9, max_size=9))
def test_the_fit_is_the_maximum_that_scipy_finds(counts: list[int]) -> None:
    _, design = list_outcomes(SYSTEMS)
    table = np.array(counts, float).reshape(3, 3)
    precision = np.array([PRECISION] * SYSTEMS + [TIE_PRECISION])
    centre = np.array([0.0] * SYSTEMS + [TIE_CENTRE])

    def loss(parameters: np.ndarray) -> float:
        scores = design @ parameters
        chances = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        return float(-(table * chances).sum() + (precision * (parameters - centre) ** 2).sum() / 2)

    expected = minimize(loss, np.zeros(SYSTEMS + 1), method="BFGS", options={"gtol": 1e-8}).x
    assert fit_davidson(table[None], design)[0] == pytest.approx(expected, abs=1e-3)


def test_strengths_have_mean_zero_and_lie_in_their_intervals() -> None:
    found = estimate_strengths(SOME)
    assert found.value.mean() == pytest.approx(0, abs=1e-9)
    assert (found.low < found.value).all()
    assert (found.value < found.high).all()


def test_who_is_on_the_left_does_not_matter() -> None:
    turned = Comparisons(
        SYSTEMS,
        SOME.voter,
        SOME.second,
        SOME.first,
        np.where(SOME.outcome == TIE, TIE, 1 - SOME.outcome),
    )
    assert estimate_strengths(turned).value == pytest.approx(estimate_strengths(SOME).value)


def test_equal_votes_have_equal_intervals() -> None:
    first, second = estimate_strengths(SOME), estimate_strengths(SOME)
    assert (first.low == second.low).all()


def test_the_odds_of_a_preference_are_the_difference_of_strengths() -> None:
    """Three of four decided votes, however many ties: odds of 3, a log-odds of 1.1."""
    rows = [(i, 0, 1, 0) for i in range(300)] + [(i, 0, 1, 1) for i in range(100)]
    ties = [(i, 0, 1, TIE) for i in range(200)]
    few = estimate_strengths(votes_of(*rows, systems=2)).value
    many = estimate_strengths(votes_of(*rows, *ties, systems=2)).value
    assert few[0] - few[1] == pytest.approx(np.log(3), abs=0.01)
    assert many[0] - many[1] == pytest.approx(np.log(3), abs=0.01)


def test_a_system_that_always_wins_has_a_finite_strength() -> None:
    found = estimate_strengths(votes_of(*[(0, 0, 1, 0)] * 30, systems=2))
    assert 0 < found.value[0] < 10
    assert np.isfinite([found.low, found.high]).all()


def test_of_few_listeners_the_votes_are_drawn() -> None:
    few = Comparisons(SYSTEMS, SOME.voter % 4, SOME.first, SOME.second, SOME.outcome)
    assert estimate_strengths(few).drawn == "votes"
    assert estimate_strengths(SOME).drawn == "voters"


def test_listeners_who_agree_with_themselves_alone_widen_the_intervals() -> None:
    """Ten listeners, of whom each always has the same favourite, are ten opinions, not 300."""
    rows = [(v, 0, 1, int(v % 3 == 0)) for v in range(10) for _ in range(30)]
    votes = votes_of(*rows, systems=2)
    of_voters = estimate_strengths(votes)
    one = Comparisons(2, np.zeros_like(votes.voter), votes.first, votes.second, votes.outcome)
    of_votes = estimate_strengths(one)
    width = of_voters.high - of_voters.low
    assert (width > 3 * (of_votes.high - of_votes.low)).all()


def test_systems_that_no_vote_joins_are_apart() -> None:
    votes = votes_of((0, 0, 1, 0), (0, 2, 3, 1), systems=5)
    assert connected_groups(votes) == [[0, 1], [2, 3], [4]]
