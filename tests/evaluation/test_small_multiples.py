"""Small panels show samples and real music on one axis, for the metrics in which they differ."""

import re

import numpy as np
import pytest

from ostinato.evaluation.measures import MODULES
from ostinato.evaluation.registry import metrics
from ostinato.evaluation.small_multiples import (
    HEIGHT,
    HELD_OUT,
    MOST,
    MOST_MARKS,
    SAMPLES,
    TRAINING,
    WIDTH,
    choose_metrics,
    draw_panels,
)

GROUPS = {module.__name__.rpartition(".")[2] for module in MODULES}  # which register metrics
GROUP = {metric.name: metric.group for metric in metrics("piece")}


def points(path: str) -> list[tuple[float, float]]:
    """The points of a path of straight lines."""
    return [tuple(map(float, point.split())) for point in re.split("[ML]", path)[1:]]


def shifted(gap: float, count: int = 20) -> dict[str, list[float]]:
    """Samples so many standard deviations away from held-out music."""
    real = np.random.default_rng(0).normal(size=count)
    real = (real - real.mean()) / real.std()
    return {SAMPLES: list(real + gap), HELD_OUT: list(real), TRAINING: list(real)}


def test_the_farthest_metrics_of_each_group_have_a_panel() -> None:
    values = {name: shifted(place) for place, name in enumerate(GROUP)}
    chosen = choose_metrics(values)
    assert len(chosen) == MOST
    assert chosen == [name for name in GROUP if name in chosen], "in the order of the table"
    assert {name.replace(" ", "_") for name in GROUP.values()} == GROUPS
    for group in set(GROUP.values()):
        farthest = [name for name in GROUP if GROUP[name] == group][-2:]
        assert set(farthest) <= set(chosen)


def test_what_is_the_same_for_all_pieces_has_no_panel() -> None:
    same = {SAMPLES: [1.0, 1.0], HELD_OUT: [1.0, 1.0, 1.0]}
    single = {SAMPLES: [1.0], HELD_OUT: [1.0, 2.0]}
    unlike = {SAMPLES: [0.0, 0.0], HELD_OUT: [1.0, 1.0]}
    values = {"polyphony": same, "pitch_range": single, "empty_bar_rate": unlike}
    assert choose_metrics(values) == ["empty_bar_rate"]
    assert choose_metrics({}) == []


def test_curves_of_a_panel_share_an_axis_and_peak_where_the_values_are() -> None:
    [panel] = draw_panels({"pitch_range": {SAMPLES: [10.0] * 9 + [11.0], HELD_OUT: [20.0] * 10}})
    peaks = {
        name: min(points(path), key=lambda point: point[1]) for name, path in panel.curves.items()
    }
    assert peaks[SAMPLES][0] < WIDTH / 10
    assert peaks[HELD_OUT][0] > WIDTH * 9 / 10
    for path in panel.curves.values():
        assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points(path))
    assert (panel.low, panel.unit, panel.high) == ("10", "semitones", "20")
    assert panel.words == (
        "pitch range: samples 10.1 ± 0.300, held-out music 20.0 ± 0.000 (semitones)"
    )


@pytest.mark.parametrize(("samples", "marks"), [(3, 3), (1000, MOST_MARKS)])
def test_a_stroke_is_a_sample_and_many_do_not_swell_the_page(samples: int, marks: int) -> None:
    values = {"pitch_range": {SAMPLES: list(range(samples)), HELD_OUT: list(range(1000))}}
    [panel] = draw_panels(values)
    assert panel.marks.count("M") == marks
    assert len(str(panel)) < 3000


def test_a_metric_of_a_plug_in_has_a_panel_too() -> None:
    [panel] = draw_panels({"own_metric": shifted(1)})
    assert (panel.name, panel.unit) == ("own metric", "")
