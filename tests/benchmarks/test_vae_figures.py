"""What the benchmark of VAEs keeps of a run."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from defaults import build
from ostinato.config import compose
from ostinato.evaluation.likelihood import nll_of_pieces
from ostinato.representations.monophonic import HOLD, REST
from ostinato.stages.compose import check_compatibility
from small_networks import network_of

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "benchmarks" / "vae"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """benchmarks/vae/run.py; other benchmarks have a `run` of their own."""
    return loaded("run")


@pytest.fixture
def sequences(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """benchmarks/vae/sequences.py."""
    monkeypatch.setitem(sys.modules, "run", script)
    return loaded("sequences")


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"vae_{name}", FOLDER / f"{name}.py")
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
        check_compatibility(config, ROOT / "conf")


def test_rows_and_sequence_models_leave_each_other_alone(
    script: ModuleType, tmp_path: Path
) -> None:
    path = tmp_path / "results.json"
    script.keep_sequence_model("bach_2_bars", {"nats_per_token": 1.0}, path)
    script.keep("bach_2_bars", {"active_units": 64}, path)
    script.keep_sequence_model("essen_2_bars", {"nats_per_token": 2.0}, path)
    results = json.loads(path.read_text())
    assert list(results) == ["bach_2_bars", "sequence_model"]
    assert results["sequence_model"] == {
        "bach_2_bars": {"nats_per_token": 1.0},
        "essen_2_bars": {"nats_per_token": 2.0},
    }


def test_a_sequence_model_scores_each_segment_alone(sequences: ModuleType) -> None:
    melody = build("representation=pitch", steps_per_quarter=1)
    rows = np.array([[60, HOLD, REST, 62], [72, 71, HOLD, HOLD], [REST, REST, 50, 50]])
    store = sequences.stored(rows, melody)
    assert store.piece(1).tolist() == [melody.end, 72, 71, HOLD, HOLD]
    assert (store.lowest.tolist(), store.highest.tolist()) == ([60, 71, 50], [62, 72, 50])
    torch.manual_seed(0)
    network = network_of("pitch", steps_per_quarter=1)
    told = nll_of_pieces(network, store, np.arange(3), batch_size=2)
    for row, nats in zip(rows, told, strict=True):
        before = torch.tensor([[melody.end, *row[:-1]]])
        positions = torch.arange(4)[None, :, None]
        alone = network.nll(before, positions, torch.from_numpy(row[None]))
        assert nats == pytest.approx(float(alone.detach().sum()), abs=1e-4)
