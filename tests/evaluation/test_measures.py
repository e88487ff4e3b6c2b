"""Measures of pieces and of sets of pieces."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostinato.errors import UserError
from ostinato.evaluation import measures, sets
from ostinato.evaluation.distributions import overlapping_area
from ostinato.evaluation.measures import measure
from ostinato.evaluation.registry import metrics, register
from ostinato.music import conversion
from ostinato.music.piece import NOTE, TIME_SIGNATURE, Piece, array

Values = dict[str, float]
OF_PITCHES = [metric.name for metric in metrics("piece") if metric.group == "pitch"]
OF_DRUMS = {"drum_in_pattern_rate", "drum_pattern_consistency"}
OF_LONG_PIECES = {"bar_similarity_8", "bar_similarity_16"}
OF_VOICES = {metric.name for metric in metrics("piece") if metric.group == "voice leading"}
samples = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50)


@pytest.fixture(scope="module")
def measured(chorales: list[Piece]) -> list[Values]:
    return [measure(piece) for piece in chorales]


def piece(onsets: Any, duration: Any = 4, pitch: Any = 60, **columns: Any) -> Piece:
    notes = array(NOTE, onset=onsets, duration=duration, pitch=pitch, velocity=80, **columns)
    return Piece("x", 4, notes)


@pytest.mark.parametrize(
    ("name", "mean", "sd"),
    [
        ("pitch_class_entropy", 2.978, 0.111),
        ("scale_consistency", 0.936, 0.034),
        ("polyphony", 4.005, 0.341),
        ("n_pitches_used", 27.5, 3.6),
        ("pitch_range", 35.5, 3.6),
    ],
)
def test_bachs_chorales_measure_as_they_are_known_to(
    measured: list[Values], name: str, mean: float, sd: float
) -> None:
    values = np.array([values[name] for values in measured])
    assert len(values) == 408
    assert values.mean() == pytest.approx(mean, rel=2e-3)
    assert values.std() == pytest.approx(sd, rel=2e-2)


def test_empty_rates_and_groove_equal_muspys_where_it_counts_no_phantom_bar() -> None:
    import muspy

    random = np.random.default_rng(5)
    for _ in range(20):
        onsets = np.append(2 * random.integers(0, 79, 25), 158)
        stopping = piece(onsets, 1)  # ends a step before the barline, and no note ends on a beat
        music = conversion.to_muspy(stopping)
        values = measure(stopping)
        assert values["empty_bar_rate"] == pytest.approx(muspy.empty_measure_rate(music, 16))
        assert values["empty_quarter_rate"] == pytest.approx(muspy.empty_beat_rate(music))
        full = measure(piece(onsets, np.append(np.ones(25, int), 2)))
        assert full["groove_similarity"] == pytest.approx(muspy.groove_consistency(music, 16))


def test_a_full_last_bar_is_the_last() -> None:
    values = measure(piece([0, 16], 16))
    assert values["empty_bar_rate"] == 0
    assert values["empty_quarter_rate"] == 0


def test_rests_of_a_bar_and_a_quarter_are_counted() -> None:
    values = measure(piece([0, 4, 32], 4))
    assert values["empty_bar_rate"] == pytest.approx(1 / 3)
    assert values["empty_quarter_rate"] == pytest.approx(6 / 9)


def test_a_note_held_over_a_barline_fills_both_bars() -> None:
    values = measure(piece([0, 12], [2, 8]))
    assert values["empty_bar_rate"] == 0


def test_a_repeated_bar_is_all_groove_and_its_opposite_is_none() -> None:
    assert measure(piece(np.arange(0, 64, 4)))["groove_similarity"] == 1
    alternating = np.concatenate([np.arange(0, 16, 2), np.arange(17, 32, 2)])
    assert measure(piece(alternating, 1))["groove_similarity"] == 0


def test_a_pickup_is_not_compared_with_a_whole_bar() -> None:
    onsets = np.concatenate([[0, 2], np.arange(4, 36, 4)])
    notes = array(NOTE, onset=onsets, duration=4, pitch=60, velocity=80)
    signatures = array(TIME_SIGNATURE, onset=[0, 4], numerator=[1, 4], denominator=4)
    assert measure(Piece("x", 4, notes, time_signatures=signatures))["groove_similarity"] == 1


def test_measures_do_not_depend_on_the_resolution_of_the_file(chorales: list[Piece]) -> None:
    for chorale in chorales[::50]:
        on_grid = chorale.quantised(4) if chorale.resolution % 4 == 0 else chorale.at_resolution(4)
        assert measure(on_grid.at_resolution(480)) == pytest.approx(measure(on_grid))


def test_density_and_duration_are_in_quarter_notes() -> None:
    values = measure(piece([0, 0, 8], [8, 8, 4], [60, 64, 67]))
    assert values["note_density"] == 1.0
    assert values["mean_duration"] == pytest.approx(5 / 3)
    assert values["length"] == 3.0


def test_nothing_is_said_of_silence() -> None:
    assert measure(Piece("silence", 4, np.zeros(0, NOTE))) == {}


def test_nothing_is_said_of_the_pitches_of_drums() -> None:
    values = measure(piece([0, 4, 16], drum=True))
    assert not set(values) & {*OF_PITCHES, *OF_VOICES}
    assert values["note_density"] == pytest.approx(0.6)


def test_drums_do_not_change_what_is_said_of_pitches(chorales: list[Piece]) -> None:
    chorale = chorales[0]
    notes = array(NOTE, onset=0, duration=1, pitch=127, velocity=80, drum=True, track=5)
    both = Piece("x", chorale.resolution, np.concatenate([chorale.notes, notes]))
    for name in OF_PITCHES:
        assert measure(both)[name] == measure(chorale)[name]


def test_every_measure_is_explained_and_finite(measured: list[Values]) -> None:
    names = [metric.name for metric in metrics("piece")]
    for values in measured:
        assert list(values) == [name for name in names if name in values]
        assert all(math.isfinite(value) for value in values.values())
        # what a chorale may lack: drums, voices, and so many bars
        missing = set(names) - set(values) - OF_LONG_PIECES
        assert missing - OF_VOICES == OF_DRUMS
        assert missing & OF_VOICES in (set(), {"wide_spacing"}, OF_VOICES)
    assert sum(set(values) >= OF_VOICES for values in measured) > 390
    for metric in metrics("piece"):
        assert metric.unit
        assert metric.description
        assert metric.source
        assert metric.group != "other"


@pytest.mark.usefixtures("restored_metrics")
def test_a_metric_of_ones_own_is_measured_after_the_others() -> None:
    @register("piece", unit="share", description="notes that are long")
    def long_notes(piece: measures.PieceViews) -> float | None:
        notes = piece.grid.notes
        return float(np.mean(notes["duration"] >= 8)) if len(notes) > 1 else None

    values = measure(piece([0, 8], [8, 4]))
    assert list(values)[-1] == "long_notes"
    assert values["long_notes"] == 0.5
    assert "long_notes" not in measure(piece([0]))


@pytest.mark.usefixtures("restored_metrics")
def test_an_infinite_value_is_refused_in_a_sentence() -> None:
    @register("piece", unit="share", description="one over nothing")
    def endless(piece: measures.PieceViews) -> float:
        del piece
        return math.inf

    with pytest.raises(UserError, match="the metric endless of x is inf: it should be a finite"):
        measure(piece([0, 8]))


@given(samples, samples)
def test_overlap_is_symmetric_and_between_0_and_1(a: list[float], b: list[float]) -> None:
    ours, theirs = np.array(a), np.array(b)
    overlap = overlapping_area(ours, theirs)
    assert 0 <= overlap <= 1 + 1e-9
    assert overlap == pytest.approx(overlapping_area(theirs, ours))


@given(samples)
def test_a_set_overlaps_fully_with_itself(a: list[float]) -> None:
    assert overlapping_area(np.array(a), np.array(a)) == pytest.approx(1)


@pytest.mark.parametrize("shift", [0.0, 0.5, 1.0, 2.0, 4.0])
def test_overlap_of_two_normal_distributions_is_the_known_area(shift: float) -> None:
    random = np.random.default_rng(0)
    a, b = random.normal(size=20_000), random.normal(size=20_000) + shift
    known = math.erfc(shift / 2 / math.sqrt(2))
    assert overlapping_area(a, b) == pytest.approx(known, abs=0.02)


def test_disjoint_sets_do_not_overlap() -> None:
    assert overlapping_area(np.arange(20.0), np.arange(20.0) + 1000) < 0.01
    assert overlapping_area(np.zeros(3), np.ones(3)) == 0


def test_two_halves_of_the_chorales_are_alike(measured: list[Values]) -> None:
    comparison = sets.compare(measured[::2], measured[1::2])
    assert set(comparison) == {metric.name for metric in metrics("piece")} - OF_DRUMS
    for name, values in comparison.items():
        assert values.overlap > 0.85, name
        if name not in OF_VOICES | OF_LONG_PIECES:
            assert (values.generated.count, values.test.count) == (204, 204)


def test_a_measure_that_one_set_lacks_is_not_compared() -> None:
    comparison = sets.compare([{"a": 1.0}], [{"a": 1.0, "b": 2.0}])
    assert list(comparison) == ["a"]


def test_degrees_stay_in_every_key(chorales: list[Piece]) -> None:
    shares = sets.degree_histogram(chorales[:20])
    assert shares.sum() == pytest.approx(1)
    up = sets.degree_histogram(chorale.transposed(5) for chorale in chorales[:20])
    assert up == pytest.approx(shares)
    tonic, third, fifth = (shares[sets.DEGREES.index(degree)] for degree in ("1", "3", "5"))
    assert fifth > third
    assert tonic > 0.15


def test_durations_are_counted_in_quarter_notes() -> None:
    shares = sets.duration_histogram([piece([0, 1, 3, 7], [1, 2, 4, 40])])
    found = {kind: share for kind, share in zip(sets.DURATIONS, shares, strict=True) if share}
    assert found == {"0.25": 0.25, "0.5": 0.25, "1": 0.25, "longer": 0.25}


def test_drums_and_silence_have_no_shares() -> None:
    drums = [piece([0, 4], drum=True), Piece("silence", 4, np.zeros(0, NOTE))]
    assert sets.degree_histogram(drums).tolist() == [0] * 12
    assert sets.duration_histogram(drums).tolist() == [0] * len(sets.DURATIONS)
