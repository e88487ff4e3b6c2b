"""What the benchmark of VAEs keeps of a run."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ostinato.config import compose
from ostinato.stages.compose import check_fit

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """benchmarks/vae/run.py; other benchmarks have a `run` of their own."""
    path = ROOT / "benchmarks" / "vae" / "run.py"
    spec = importlib.util.spec_from_file_location("vae_run", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def metrics(mean: float) -> dict[str, Any]:
    return {
        "segments": {"overlapping_area": 0.8, "control": 0.9},
        "latents": {
            "segments": 100,
            "reconstruction": {
                "exact": 0.95,
                "invented": 0.01,
                "segments": 0.7,
                "teacher_forced": 0.99,
            },
            "active_units": 30,
            "elbo_nats_per_token": 1.5,
            "kl_nats": 40.0,
            "prior_within_80": {
                "note_density": {"low": 1.0, "high": 2.0, "median": mean, "share": 0.9}
            },
            "attributes": {},
            "interpolation": {},
        },
    }


def test_a_row_says_whether_the_prior_is_within_the_middle(script: ModuleType) -> None:
    about = {"minutes": 12.345, "seed": 42}
    inside = script.figures(metrics(1.5), about)
    assert inside["reconstruction_exact"] == 0.95
    assert inside["active_units"] == 30
    assert inside["prior_within_80"]["note_density"]["within"] is True
    assert inside["minutes"] == 12.3
    outside = script.figures(metrics(2.5), about)
    assert outside["prior_within_80"]["note_density"]["within"] is False


def test_rows_replace_themselves_and_keep_their_order(script: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    for row, number in (("bach_2_bars", 1), ("essen_2_bars", 2), ("bach_2_bars", 3)):
        script.keep(row, {"active_units": number}, path)
    results = json.loads(path.read_text())
    assert list(results) == ["essen_2_bars", "bach_2_bars"]
    assert results["bach_2_bars"] == {"active_units": 3}


def test_every_row_composes(script: ModuleType) -> None:
    for words in script.ROWS.values():
        config = compose(list(words), ROOT / "conf")
        check_fit(config, ROOT / "conf")
