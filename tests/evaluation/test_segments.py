"""Features of segments are what one counts by hand."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.evaluation.segments import (
    FEATURES,
    MONITORED,
    SET_METRICS,
    diversity,
    empty_bars,
    features,
    overlap,
    overlaps,
    qualified,
    rests,
    set_statistics,
)
from ostinato.representations.monophonic import REST
from ostinato.representations.voice_roll import VoiceRoll
from voice_rolls import voice_roll

C, D, E, F, G = 60, 62, 64, 65, 67
R = REST


def feature(name: str, *segments: list[list[int]], **more: Any) -> list[float]:
    return features(voice_roll(*segments, **more))[name].tolist()


def test_every_feature_is_of_every_segment() -> None:
    values = features(voice_roll([[C, C], [E, E]], [[C, D], [R, R]]))
    assert list(values) == list(FEATURES)
    assert all(len(each) == 2 for each in values.values())


def test_notes_and_their_lengths() -> None:
    line = [[C, C, D, D, D, R, R, C]]
    assert feature("notes", line) == [3]
    assert feature("mean_length", line) == [1.0]  # 2, 3 and 1 steps of half a quarter note
    assert feature("notes", line, again=[(0, 0, 1)]) == [4]
    assert feature("mean_length", line, again=[(0, 0, 1)]) == [0.75]


def test_pitch_classes_are_counted_by_the_notes_that_begin() -> None:
    assert feature("pitch_classes", [[C, C, D, C + 12]], [[C, C, C, C]]) == [2, 1]
    assert feature("pitch_class_entropy", [[C, D, C, D]], [[C, C, C, C]]) == [1, 0]


def test_scale_consistency_is_that_of_the_best_major_scale() -> None:
    white, foreign = [[C, D, E, F, G, 69, 71, 72]], [[C, C + 1, C + 2, C + 3]]
    assert feature("scale_consistency", white) == [1.0]
    assert feature("scale_consistency", foreign) == [0.75]  # D flat, E flat and C in A flat major


def test_a_jump_is_within_a_voice() -> None:
    assert feature("jump", [[C, D, D, C], [C, R, C + 12, C + 12]]) == [pytest.approx(16 / 3)]


def test_tonal_distance_is_of_the_outer_voices() -> None:
    same, fifth = [[C, C], [D, D], [C - 12, C - 12]], [[G, G], [D, D], [C, C]]
    tritone = [[C + 6, C + 6], [D, D], [C, C]]
    near, far = feature("tonal_distance", same, fifth, tritone)[1:]
    assert feature("tonal_distance", same) == [0]
    assert 0 < near < far
    expected = [
        r * (f(7 * a) - f(0))
        for r, a in ((1, 7 * math.pi / 6), (1, 3 * math.pi / 2), (0.5, 2 * math.pi / 3))
        for f in (math.sin, math.cos)
    ]
    assert near == pytest.approx(math.hypot(*expected))
    assert "tonal_distance" not in features(voice_roll([[C, C]]))


def test_what_is_undefined_is_no_number() -> None:
    silent = features(voice_roll([[R] * 4, [R] * 4]))
    assert silent["notes"].tolist() == [0]
    for name in set(FEATURES) - {"notes", "pitch_classes"}:
        assert np.isnan(silent[name]).all(), name


def test_alike_sets_overlap_and_unlike_ones_do_not() -> None:
    random = np.random.default_rng(1)
    a, b = (voice_roll(*random.integers(55, 70, (200, 2, 8)).tolist()) for _ in range(2))
    far = voice_roll(*[[[C] * 8, [C] * 8]] * 3)
    assert overlap(overlaps(a, a)) == pytest.approx(1.0)
    assert overlap(overlaps(a, b)) > 0.9
    assert overlap(overlaps(a, far)) < 0.2
    silent = voice_roll([[R] * 8, [R] * 8])
    assert overlaps(a, silent)["jump"] == 0.0


def test_a_feature_to_look_at_changes_no_figure_that_chooses_weights() -> None:
    random = np.random.default_rng(2)
    a, b = (voice_roll(*random.integers(55, 70, (20, 2, 8)).tolist()) for _ in range(2))
    areas = overlaps(a, b)
    assert set(areas) == MONITORED == set(FEATURES)
    assert overlap({**areas, "contour": 0.0}) == overlap(areas)


def test_shares_by_hand() -> None:
    made = voice_roll([[C, C, D, E, R, R, R, R]], [[C, C, D, D, D, D, D, D]], beat=4)
    assert diversity(made) == 5 / 8
    assert qualified(made) == 3 / 5  # two steps of four are an eighth note
    assert empty_bars(made) == 1 / 4
    assert rests(made) == 4 / 16
    assert list(set_statistics(made)) == list(SET_METRICS)


def test_one_segment_has_no_diversity() -> None:
    assert diversity(voice_roll([[C, D]])) == 0.0


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 6))
@settings(max_examples=30, deadline=None)
def test_whatever_is_measured_is_within_its_bounds(seed: int, voices: int, count: int) -> None:
    random = np.random.default_rng(seed)
    pitch = random.choice([R, C, D, E, G], (count, voices, 8))
    made = voice_roll(*pitch.tolist(), again=[tuple(random.integers(0, s) for s in pitch.shape)])
    made = VoiceRoll(made.pitch, made.onset & made.sounding, 2, 4)
    assert made.durations.sum() == made.sounding.sum()
    assert ((made.durations > 0) == made.onset).all()
    assert all(0 <= share <= 1 for share in set_statistics(made).values())
    assert all(0 <= area <= 1 + 1e-9 for area in overlaps(made, made).values())
