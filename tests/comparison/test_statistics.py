"""Intervals hold the true mean as often as they say, and tests err as rarely as they say."""

import numpy as np
import pytest

from ostinato.comparison.statistics import (
    Scored,
    Variance,
    holm,
    interval_of_scores,
    interval_of_values,
    of_seeds,
    paired_p_value,
    pool,
)

PIECES, TRUE = 35, 1.8
TIMES = 150


def draw(random: np.random.Generator, seeds: int, of_seed: float) -> tuple[Scored, Scored]:
    """Two rows of one mean: pieces differ alike for both, seeds and the rest by themselves."""
    units = random.integers(100, 400, PIECES).astype(float)
    pieces = random.normal(TRUE, 0.3, PIECES)

    def row() -> Scored:
        seed, rest = random.normal(0, of_seed, (seeds, 1)), random.normal(0, 0.05, (seeds, PIECES))
        return Scored((pieces + seed + rest) * units, units)

    return row(), row()


@pytest.mark.parametrize(("seeds", "of_seed"), [(2, 0.1), (3, 0.02)])
def test_few_seeds_give_intervals_that_cover_and_tests_that_rarely_err(
    seeds: int, of_seed: float
) -> None:
    random = np.random.default_rng(1)
    covered = wrong = 0
    for _ in range(TIMES):
        one, other = draw(random, seeds, of_seed)
        figure = interval_of_scores(one)
        assert figure.low is not None
        assert figure.high is not None
        covered += figure.low <= TRUE <= figure.high
        p = paired_p_value(one, other, [of_seeds(one.by_seed), of_seeds(other.by_seed)])
        assert p is not None
        wrong += p < 0.05
    assert covered / TIMES > 0.87
    assert wrong / TIMES < 0.1


def test_a_difference_that_is_there_is_found() -> None:
    one, other = draw(np.random.default_rng(2), 3, 0.02)
    worse = Scored(other.nats * 1.2, other.units)
    p = paired_p_value(one, worse, [of_seeds(one.by_seed), of_seeds(worse.by_seed)])
    assert p is not None
    assert p < 0.01


def test_of_few_pieces_nothing_is_claimed() -> None:
    scored = Scored(np.ones((3, 5)), np.ones(5))
    assert interval_of_scores(scored).low is None
    assert paired_p_value(scored, scored, []) is None


def test_equal_rows_are_equal() -> None:
    one, _ = draw(np.random.default_rng(3), 2, 0.0)
    assert paired_p_value(one, one, []) == 1.0


def test_one_value_has_no_interval_and_two_have_a_wide_one() -> None:
    assert interval_of_values([2.0]).low is None
    figure = interval_of_values([1.0, 2.0])
    # Student's t with one degree of freedom: 12.706 standard errors of 0.5
    assert figure.low == pytest.approx(1.5 - 12.706 * 0.5, abs=1e-3)
    assert figure.high == pytest.approx(1.5 + 12.706 * 0.5, abs=1e-3)


def test_seeds_of_other_rows_say_how_much_a_lone_one_may_vary() -> None:
    assert pool([], 1) is None
    assert pool([Variance(0.04, 1), Variance(0.01, 2)], 1) == Variance(pytest.approx(0.02), 3)


def test_holm_corrects_by_rank_and_keeps_the_order() -> None:
    # worked by hand after Holm (1979): 3 x 0.01, 2 x 0.02, and never below an earlier one
    assert holm([0.03, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
