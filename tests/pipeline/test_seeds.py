"""What `seed` changes, and what it must not."""

import shutil
from pathlib import Path

import pytest

from ostinato import cli
from ostinato.config import compose
from projects import bytes_of

TINY = (
    "debug=smoke",
    "training.epochs=1",
    "training.max_pieces=4",
    "model.size=tiny",
    "model.backbone.hidden_size=16",
    "tracking=off",
)


def test_seeds_are_tested_on_the_same_pieces_and_end_in_other_weights(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    assert cli.main(["preprocess"]) == 0
    outputs = project / "outputs"
    splits, models = [], []
    for seed in (1, 2, 42):
        for stage in ("split", "train"):
            assert cli.main([stage, *TINY, f"seed={seed}"]) == 0
        splits.append((outputs / "split.json").read_bytes())
        models.append(bytes_of(outputs / "model")["weights.safetensors"])
        shutil.rmtree(outputs / "model")
    assert splits[0] == splits[1] == splits[2]
    assert models[0] != models[1]
    assert cli.main(["split", "split.seed=1"]) == 0
    assert (outputs / "split.json").read_bytes() != splits[0]


def test_the_split_of_a_config_does_not_depend_on_its_seed(project: Path) -> None:
    one, other = (compose([f"seed={seed}"], project / "conf") for seed in (1, 2))
    assert one["split"] == other["split"]
