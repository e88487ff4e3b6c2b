"""Figures of the GAN are kept once for each length and seed, and shown beside real music's."""

import json
from pathlib import Path
from typing import Any

import pytest
from gan_tables import add_figures, add_sequence, read_results, write_page

SHARES = {"diversity": 0.9, "qualified_notes": 0.95, "empty_bars": 0.0, "rests": 0.0}


def figures(area: float, **more: Any) -> dict[str, Any]:
    """What a training came to, as the benchmark hands it over."""
    table = {
        "empty_bars": [0.0, 0.25],
        "pitch_classes": [3.0, 4.0],
        "qualified_notes": [1.0, 0.75],
        "polyphonicity": 0.5,
        "tonal_distance": {"1-2": None},
    }
    return {
        "validation": area + 0.01,
        "epoch": 3,
        "epochs": 8,
        "minutes": 2.5,
        "overlapping_area": area,
        "control": 0.93,
        "features": {"notes": area, "jump": 0.5},
        "generated": {**SHARES, "unisons": 0.04},
        "test": {**SHARES, "unisons": 0.06},
        "nearest": {"generated": 0.4, "test": 0.3},
        "musegan": {"training": table, "generated": {**table, "polyphonicity": area}},
        **more,
    }


def test_figures_are_lists_of_seeds_and_a_seed_is_replaced(tmp_path: Path) -> None:
    for bars, seed, area in ((4, 1, 0.6), (2, 3, 0.8), (2, 1, 0.7), (2, 3, 0.9)):
        add_figures(bars, seed, figures(area), tmp_path)
    results = json.loads((tmp_path / "results.json").read_text())
    assert results == read_results(tmp_path)
    assert list(results) == ["bars_2", "bars_4"]
    two = results["bars_2"]
    assert two["seeds"] == [1, 3]
    assert two["overlapping_area"] == [0.7, 0.9]
    assert two["qualified"] == [0.95, 0.95]
    assert {"control", "diversity", "rests", "unisons", "empty_bars", "nearest"} <= set(two)
    assert two["real_unisons"] == [0.06, 0.06]


def test_the_page_shows_seeds_and_real_music_side_by_side(tmp_path: Path) -> None:
    write_page(tmp_path)
    assert "None yet." in (tmp_path / "RESULTS.md").read_text()
    add_figures(2, 1, figures(0.7), tmp_path)
    add_figures(2, 2, figures(0.8), tmp_path)
    write_page(tmp_path)
    page = (tmp_path / "RESULTS.md").read_text()
    assert "None yet." not in page
    assert "## Segments of 2 bars" in page
    assert "Median overlapping area 0.750 of 2 seeds; training against test 0.930." in page
    assert (
        "| 1 | 0.700 | 0.950 | 0.900 | 0.000 | 0.040 | 0.000 | 0.400 | 0.710 | 3 of 8 | 2.5 |"
        in page
    )
    assert "| real | 0.930 | 0.950 | 0.900 | 0.000 | 0.060 | 0.000 | 0.300 at the 1st" in page
    assert "| steps in which three pitches or more sound | 0.50 | 0.75 |" in page
    assert "| bars in which nothing sounds, by track | 0.00 0.25 | 0.00 0.25 |" in page


def test_sequence_models_stand_below_the_gan(tmp_path: Path) -> None:
    add_figures(2, 1, figures(0.7), tmp_path)
    add_figures(4, 1, figures(0.6), tmp_path)
    add_sequence(2, "lstm", figures(0.6), tmp_path)
    add_sequence(2, "lstm", figures(0.85), tmp_path)
    write_page(tmp_path)
    two, four = (tmp_path / "RESULTS.md").read_text().split("## Segments of 4 bars")
    assert "| `lstm` | 0.850 | 0.950 | 0.900 | 0.000 | 0.040 | 0.000 | 0.400 |" in two
    assert "lstm" not in four


@pytest.mark.parametrize("missing", ["nearest", "musegan"])
def test_a_figure_that_is_not_there_is_an_error(missing: str, tmp_path: Path) -> None:
    given = figures(0.7)
    del given[missing]
    with pytest.raises(KeyError):
        add_figures(2, 1, given, tmp_path)
    assert read_results(tmp_path) == {}
