"""Distances are what their definitions say, on sets that can be computed by hand."""

import numpy as np
import pytest
from scipy import linalg, stats

from ostinato.evaluation.distances.comparison import compare_vectors, find_interval
from ostinato.evaluation.distances.densities import pair_densities
from ostinato.evaluation.distances.intervals import FEATURES, count_intervals
from ostinato.evaluation.distances.measures import (
    DISTANCES,
    frechet_distance,
    nearest_neighbour_accuracy,
)
from ostinato.evaluation.distances.rows import describe_sets, distance_rows
from ostinato.evaluation.distances.vectors import PieceVectors, standardise
from ostinato.evaluation.distributions import overlapping_area
from ostinato.music.piece import NOTE, Piece, array, sorted_notes


def normal(count: int, shift: float, seed: int, features: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, (count, features))


def vectors(values: np.ndarray) -> PieceVectors:
    """Pieces whose metrics, and whose intervals, are the columns of the values."""
    measured = [{f"metric_{i}": float(x) for i, x in enumerate(row)} for row in values]
    return PieceVectors(measured, values)


def test_the_frechet_distance_is_that_of_the_formula() -> None:
    ours, real = normal(30, 0.5, 1), 2 * normal(40, 0, 2)
    c, d = np.cov(ours.T), np.cov(real.T)
    root = linalg.sqrtm(c @ d).real
    expected = ((ours.mean(0) - real.mean(0)) ** 2).sum() + np.trace(c + d - 2 * root)
    assert frechet_distance(ours, real) == pytest.approx(expected)
    assert frechet_distance(real, real) == pytest.approx(0, abs=1e-9)


def test_the_distance_of_a_single_piece_repeated_has_no_covariance() -> None:
    real = normal(40, 0, 1)
    ours = np.tile(real[:1], (5, 1))
    expected = ((real[0] - real.mean(0)) ** 2).sum() + np.trace(np.cov(real.T))
    assert frechet_distance(ours, real) == pytest.approx(expected)


def test_the_nearest_neighbour_tells_what_is_apart_and_not_what_is_alike() -> None:
    random = np.random.default_rng(0)
    rows = np.arange(60)
    apart = nearest_neighbour_accuracy(normal(60, 50, 1), normal(60, 0, 2), rows, random)
    alike = nearest_neighbour_accuracy(normal(60, 0, 1), normal(60, 0, 2), rows, random)
    assert apart == 1
    assert 0.4 < alike < 0.6


def test_sets_of_other_sizes_are_balanced_before_neighbours_are_asked() -> None:
    random = np.random.default_rng(0)
    found = [
        nearest_neighbour_accuracy(normal(6, 0, s), normal(60, 0, 99), np.arange(6), random)
        for s in range(40)
    ]
    # unbalanced, 9 in 10 neighbours would be of the larger set
    assert np.mean(found) == pytest.approx(0.5, abs=0.06)


def test_a_piece_is_no_neighbour_of_its_own_repetition_in_a_resampling() -> None:
    random = np.random.default_rng(0)
    ours, real = np.array([[0.0], [10.0]]), np.array([[1.0], [9.0]])
    # piece 0 twice: of the four, 9 alone has its nearest neighbour, 1, in its own set
    accuracy = nearest_neighbour_accuracy(ours, real, np.array([0, 0]), random)
    assert accuracy == pytest.approx(1 / 4)


def test_densities_of_all_metrics_at_once_are_those_of_one_after_the_other() -> None:
    ours, real = normal(8, 1, 1), normal(30, 0, 2)
    ours[0, 1] = np.nan
    p, q = pair_densities(ours, real)
    assert p.sum(axis=1) == pytest.approx([1, 1, 1])
    for column in range(3):
        some = ours[~np.isnan(ours[:, column]), column]
        within = np.abs(real[:, column][:, None] - real[:, column])[np.triu_indices(30, 1)]
        between = np.abs(some[:, None] - real[:, column][None, :]).ravel()
        area = np.minimum(p[column], q[column]).sum()
        assert area == pytest.approx(overlapping_area(within, between), abs=0.01)


def test_metrics_are_standardised_by_the_real_set() -> None:
    real = vectors(np.array([[0.0, 5.0], [2.0, 5.0], [4.0, 5.0]]))
    sets = standardise(vectors(np.array([[2.0, 7.0]])), real)
    assert sets.names == ["metric_0"]
    assert sets.left_out == ["metric_1"]  # all real pieces have one value
    assert sets.real[:, 0].std() == pytest.approx(1)
    assert sets.ours[0, 0] == pytest.approx(0)


def test_undefined_values_are_counted() -> None:
    real = vectors(normal(10, 0, 1))
    ours = vectors(normal(4, 0, 2))
    del ours.measured[0]["metric_1"], ours.measured[1]["metric_2"]
    sets = standardise(ours, real)
    assert sets.undefined == 2
    assert np.isnan(sets.ours[0, 1])
    found = compare_vectors(ours, real, vectors(normal(20, 0, 3)))
    assert found is not None
    assert found.undefined == 2
    assert all(np.isfinite(figure.value) for figure in found.distances.values())


def test_real_music_lies_in_its_own_control_and_other_music_does_not() -> None:
    real, others = vectors(normal(40, 0, 1)), vectors(normal(80, 0, 2))
    alike = compare_vectors(vectors(normal(20, 0, 3)), real, others)
    apart = compare_vectors(vectors(normal(20, 4, 4)), real, others)
    assert alike is not None
    assert apart is not None
    for distance in DISTANCES:
        near, far = alike.distances[distance.name], apart.distances[distance.name]
        assert near.control is not None
        assert near.control_low is not None
        assert near.control_high is not None
        assert near.control_low <= near.control <= near.control_high
        assert near.low <= near.value <= near.high
        if distance.higher:
            assert far.value < near.control_low
        else:
            assert far.value > near.control_high
    assert set(alike.figures()) >= {f"control/{d.name}" for d in DISTANCES}


def test_few_samples_have_wide_intervals() -> None:
    real = vectors(normal(40, 0, 1))

    def width(count: int) -> float:
        found = compare_vectors(vectors(normal(count, 0.5, 2)), real, None)
        assert found is not None
        figure = found.distances["interval_nearest_neighbour"]
        assert figure.control is None
        return figure.high - figure.low

    assert width(6) > 1.5 * width(40)


def test_the_interval_of_a_mean_covers_it_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(100):
        values = np.random.default_rng(seed).normal(0, 1, 12)
        low, high = find_interval(
            lambda rows, of=values: float(of[rows].mean()),
            float(values.mean()),
            12,
            (-np.inf, np.inf),
        )
        covered += low <= 0 <= high
    assert 0.87 <= covered / 100 <= 1
    assert stats.t.ppf(0.975, 5) > 2.5  # with 6 pieces the factor is not 1.96


def test_nothing_is_compared_with_a_single_piece() -> None:
    assert compare_vectors(vectors(normal(1, 0, 1)), vectors(normal(9, 0, 2)), None) is None


def test_equal_sets_have_equal_figures() -> None:
    sets = vectors(normal(6, 0, 1)), vectors(normal(20, 0, 2)), vectors(normal(20, 0, 3))
    assert compare_vectors(*sets) == compare_vectors(*sets)


def test_the_report_says_what_distances_rest_on() -> None:
    found = compare_vectors(vectors(normal(6, 0, 1)), vectors(normal(9, 0, 2)), None)
    assert found is not None
    words = " ".join(describe_sets(found))
    assert "6 samples are few" in words
    assert "There is no control" in words
    rows = distance_rows(found)
    assert len(rows) == len(DISTANCES)
    assert rows[0]["headline"]
    assert rows[0]["control"] == "–"


def piece(pitches: list[int], shift: int = 0) -> Piece:
    """Two tracks: quarter notes of some pitches, and a held low note."""
    notes = array(
        NOTE,
        onset=[*range(0, 4 * len(pitches), 4), 0],
        duration=[4] * len(pitches) + [4 * len(pitches)],
        pitch=np.array([*pitches, 48]) + shift,
        track=[0] * len(pitches) + [1],
    )
    return Piece("one", 4, sorted_notes(notes))


def test_intervals_are_counted_by_hand_and_do_not_change_by_transposing() -> None:
    features = count_intervals(piece([60, 62, 67]))
    assert features.shape == (FEATURES,)
    steps, pairs, above = features[:14] ** 2, features[14:26] ** 2, features[26:] ** 2
    assert steps[[2, 5]] == pytest.approx([0.5, 0.5])
    assert pairs[[0, 2, 7]] == pytest.approx([1 / 3] * 3)
    assert above == pytest.approx(pairs)
    assert count_intervals(piece([60, 62, 67], 5)) == pytest.approx(features)
