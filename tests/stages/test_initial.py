"""A training that starts from the weights of another model."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from ostinato import cli
from ostinato.config import Config
from ostinato.errors import ConfigError, UserError
from ostinato.models.bundle import bundle_fingerprint
from ostinato.stages import preprocess, split, train
from ostinato.stages.compose import compose_config
from ostinato.stages.initial import find_initial
from ostinato.stages.train import name_training
from ostinato.stages.workspace import Workspace
from ostinato.tracking import BUNDLE_TAG, INITIAL_TAG
from projects import TINY_EVENTS
from stopping import stopped_in_epoch

TINY = [*TINY_EVENTS]
BYTE_PAIRS = [
    "representation=remi",
    "representation.vocabulary=760",
    "training.transpose=[0,0]",
    "evaluation.transpose=[0,0]",
]
STILL = "training.learning_rate=1e-9"  # so that weights stay as they began


def run_stages(words: list[str], root: Path, outputs: Path) -> tuple[Config, Workspace]:
    """Train in a project; returns the config and the workspace."""
    config, workspace = compose_config(words, root), Workspace(root, outputs)
    for stage in (preprocess, split, train):
        stage.run(config, workspace)
    return config, workspace


@pytest.fixture(scope="module")
def started(project_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project with a model in outputs/model, and other chorales as corpus `other`: read only."""
    project = tmp_path_factory.mktemp("initial") / "project"
    shutil.copytree(project_template, project)
    files = sorted((project / "data" / "bach").iterdir())
    (project / "data" / "other").mkdir()
    for file in files[:12]:
        shutil.copy(file, project / "data" / "other")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        run_stages([*TINY, "tracking=off"], project, project / "outputs")
        yield project


@pytest.fixture
def here(started: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that project to stand in."""
    project = Path(shutil.copytree(started, tmp_path / "copy"))
    monkeypatch.chdir(project)
    return project


def other(*words: str) -> list[str]:
    """Overrides for a training on the other corpus from outputs/model."""
    return [
        *TINY,
        "corpus=folder",
        "corpus.path=data/other",
        "training.initial=outputs/model",
        *words,
    ]


def furthest(one: Path, two: Path) -> float:
    """Return the largest difference between the weights of two bundles."""
    first, second = (load_file(folder / "weights.safetensors") for folder in (one, two))
    assert first.keys() == second.keys()
    return max(float(abs(first[name] - second[name]).max()) for name in first)


def test_training_starts_from_the_weights_of_the_bundle(here: Path) -> None:
    model = here / "outputs" / "model"
    _, tuned = run_stages(other(STILL, "seed=7", "tracking=off"), here, here / "tuned")
    assert furthest(model, tuned.model) < 1e-6
    alone = [word for word in other(STILL, "seed=7", "tracking=off") if "initial" not in word]
    _, scratch = run_stages(alone, here, here / "scratch")
    assert furthest(model, scratch.model) > 0.01


def test_low_rank_matrices_change_each_weight_by_a_little_and_are_gone_from_the_bundle(
    here: Path,
) -> None:
    model = here / "outputs" / "model"
    words = other(
        "training.lora_rank=2", "training.learning_rate=0.01", "training.epochs=2", "tracking=off"
    )
    _, tuned = run_stages(words, here, here / "tuned")
    before, after = (load_file(d / "weights.safetensors") for d in (model, tuned.model))
    assert before.keys() == after.keys()
    for name, weight in before.items():
        change = (after[name] - weight).reshape(len(weight), -1).astype(float)
        if weight.ndim > 1:
            values = np.linalg.svd(change, compute_uv=False)
            assert values[2] < 1e-5 * values[0], name
        else:
            assert not change.any(), name
    with stopped_in_epoch(2):
        run_stages(words, here, here / "again")
    _, again = run_stages(words, here, here / "again")
    assert furthest(tuned.model, again.model) == 0, "it goes on as if it had not stopped"


@pytest.mark.slow
def test_the_run_says_what_it_started_from(here: Path) -> None:
    from mlflow import MlflowClient

    _, tuned = run_stages(other(), here, here / "tuned")
    [run] = MlflowClient(f"sqlite:///{here}/outputs/mlflow/mlflow.db").search_runs(["1"])
    start = bundle_fingerprint(here / "outputs" / "model")
    assert run.data.tags[INITIAL_TAG] == run.data.params["initial_bundle"] == start
    assert run.data.params["training.initial"] == "outputs/model"
    assert run.data.tags[BUNDLE_TAG] == bundle_fingerprint(tuned.model) != start
    assert "training.initial=outputs/model" in run.data.tags["ostinato.command"]


def test_what_a_tokenizer_has_learned_is_kept(here: Path) -> None:
    """The other corpus would give other byte pairs."""
    _, source = run_stages([*TINY, *BYTE_PAIRS, "tracking=off"], here, here / "source")
    words = [word for word in other(*BYTE_PAIRS, "tracking=off") if "initial" not in word]
    _, scratch = run_stages(words, here, here / "scratch")
    learned = (source.model / "learned.json").read_bytes()
    assert (scratch.model / "learned.json").read_bytes() != learned
    words = [*words, "training.initial=source/model"]
    _, tuned = run_stages(words, here, here / "tuned")
    assert (tuned.model / "learned.json").read_bytes() == learned
    vocabulary = (source.model / "vocabulary.tsv").read_bytes()
    assert (tuned.model / "vocabulary.tsv").read_bytes() == vocabulary


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["representation.steps_per_quarter=12"],
            r"representation\.steps_per_quarter is 8 there and 12 here",
        ),
        (["representation=remi"], r"_target_ is .* \(and \d+ more\); that model .*=event: set"),
        (
            ["model.backbone.hidden_size=24"],
            r"(backbone|head)\S* is .* there and .* in this network: set",
        ),
        (["model=gru"], r"model\.backbone\._target_ is .*LSTM\" there and .*GRU\" here"),
        (["training.initial=nowhere"], r"training\.initial=nowhere is not there: give the folder"),
        (["training.initial=models:/bach"], r"it should be models:/NAME@ALIAS or models:/NAME/V"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence_before_anything_is_read(
    words: list[str], sentence: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [w for w in other() if not any(w.startswith(f"{o.partition('=')[0]}=") for o in words)]
    assert cli.main(["run", *given, *words]) == 2
    [said] = [line for line in capsys.readouterr().err.splitlines() if line.strip()]
    assert said.startswith("ostinato: training")
    assert re.search(sentence, said)
    assert not (here / "outputs" / "cache" / "pieces").exists()


def test_dropout_may_be_another(here: Path) -> None:
    config = compose_config(other("model.head.dropout=0.4", "tracking=off"), here)
    initial = find_initial(config, Workspace(here, here / "tuned"))
    assert initial is not None
    initial.check(config)


def test_a_bundle_of_another_vocabulary_is_refused(here: Path) -> None:
    config = compose_config(other("tracking=off"), here)
    file = here / "outputs" / "model" / "vocabulary.tsv"
    file.write_text(file.read_text().replace("\t", " \t"))
    initial = find_initial(config, Workspace(here, here / "tuned"))
    assert initial is not None
    with pytest.raises(ConfigError, match=r"vocabulary\.tsv is of an earlier version of event"):
        initial.prepare(config.build("representation"))


def test_a_folder_that_is_no_model_is_refused(here: Path) -> None:
    config = compose_config([*other("tracking=off")[:-1], "training.initial=data/bach"], here)
    with pytest.raises(UserError, match="data/bach is not a trained model"):
        find_initial(config, Workspace(here, here / "tuned"))


def test_other_weights_at_the_same_path_are_another_training(here: Path) -> None:
    """An interrupted training goes on only from what it began with."""
    workspace = Workspace(here, here / "outputs")
    config = compose_config(other("tracking=off"), here)
    before = find_initial(config, workspace)
    name = name_training(config, workspace, before)
    assert name == name_training(config, workspace, find_initial(config, workspace))
    file = workspace.model / "weights.safetensors"
    weights: dict[str, Any] = load_file(file)
    first = min(weights)
    weights[first] = weights[first] + 1
    save_file(weights, file)
    after = find_initial(config, workspace)
    assert before is not None
    assert after is not None
    assert after.fingerprint != before.fingerprint
    assert name_training(config, workspace, after) != name
    moved = replace(before, folder=here / "elsewhere")
    assert name_training(config, workspace, moved) == name


def test_the_composed_config_keeps_the_path_as_seen_from_the_project(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(here / "outputs")
    assert cli.main(["compose", *TINY, "training.initial=model"]) == 0
    composed = Config.load(here / "outputs" / "config.yaml")
    assert composed["training.initial"] == "outputs/model"
    assert json.dumps(composed["training"]).count("models:/") == 0
