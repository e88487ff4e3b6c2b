"""Only classes that are allowed are built, and only from values that fit."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from defaults import node_of
from ostinato.config import Config
from ostinato.config.instantiate import configurable, description, did_you_mean
from ostinato.errors import ConfigError
from ostinato.models.heads.softmax import Softmax
from ostinato.models.sequence import SequenceModel
from ostinato.models.steps import SequenceSpec
from ostinato.sampling.settings import Sampling
from ostinato.training.settings import Training

LSTM = node_of("model=lstm.backbone", hidden_size=8)
SOFTMAX = node_of("model=lstm.head", dropout=0.25)
EMBEDDING = node_of("model=lstm.input", embedding_size=4)
MODEL = {
    "_target_": "ostinato.models.sequence.SequenceModel",
    "input": EMBEDDING,
    "backbone": LSTM,
    "head": SOFTMAX,
}

PLUGIN = """
import subprocess
from dataclasses import dataclass

@dataclass(frozen=True)
class Mine:
    size: int = 3

    def __post_init__(self):
        if self.size == 13:
            raise ValueError("size=13 brings bad luck.")

def function():
    raise SystemExit("was called")
"""


def refusal(tree: dict[str, Any], key: str = "part") -> str:
    """The sentence with which `check` and `build` both refuse a node."""
    config = Config(tree)
    with pytest.raises(ConfigError) as checked:
        config.check(key)
    with pytest.raises(ConfigError) as built:
        config.build(key)
    assert str(checked.value) == str(built.value)
    assert "\n" not in str(checked.value)
    assert checked.value.exit_code == 2
    return str(checked.value)


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package of somebody else's, on the path."""
    name = "somebodys_models"
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    sys.modules.pop(name, None)


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "builtins.eval",
        "subprocess.Popen",
        "torch.nn.Linear",
        "ostinatoes.Class",
        "ostinato",
        "Training",
        "",
        ".",
    ],
)
def test_targets_outside_ostinato_are_refused(target: str) -> None:
    sentence = refusal({"part": {"_target_": target}})
    assert sentence.startswith(f"part._target_={target} is not allowed: only classes of ostinato")


@pytest.mark.parametrize(
    "target",
    [
        "ostinato.files.shutil.rmtree",
        "ostinato.files.tempfile.TemporaryDirectory",
        "ostinato.files.shutil",
        "ostinato.files.Path",
        "ostinato.files.write_text",
        "ostinato.files.atomic_file",
        "ostinato.config.instantiate.importlib.import_module",
        "ostinato.console.out",
        "ostinato.training.settings.Literal",
        "ostinato.nowhere.Class",
        "ostinato.files.Nothing",
        "ostinato..files",
        "ostinato.cli.main",
        "ostinato.__main__.main",
    ],
)
def test_what_ostinato_merely_holds_is_refused(target: str) -> None:
    assert refusal({"part": {"_target_": target}}).startswith(f"part._target_={target} ")


def test_refused_package_is_not_even_imported(plugin: str) -> None:
    refusal({"part": {"_target_": f"{plugin}.Mine"}})
    assert plugin not in sys.modules


@pytest.mark.parametrize("node", [None, 3, "ostinato.training.settings.Training", [], {}, {"a": 1}])
def test_node_without_a_class_is_refused(node: Any) -> None:
    assert refusal({"part": node}) == "part names no class: it needs a `_target_`."


@pytest.mark.parametrize(
    "target",
    ["corpora.sources.source.Source", "models.heads.base.Head", "models.recurrent.Recurrent"],
)
def test_abstract_class_is_refused(target: str) -> None:
    assert "is abstract" in refusal({"part": {"_target_": f"ostinato.{target}"}})


def test_part_of_the_wrong_class_is_refused() -> None:
    assert refusal({"model": {**MODEL, "head": LSTM}}, "model") == (
        "model.head._target_=ostinato.models.recurrent.LSTM does not fit: it must be a Head."
    )


def test_wrong_value_of_a_nested_part_is_named_with_its_whole_key() -> None:
    wrong = {**MODEL, "backbone": {**LSTM, "layers": 0}}
    assert refusal({"model": wrong}, "model").startswith("model.backbone.layers=0 does not fit")


@pytest.mark.parametrize("partial", [False, 1, "yes", None])
def test_part_that_the_program_completes_must_be_partial(partial: Any) -> None:
    wrong = {**MODEL, "head": {**SOFTMAX, "_partial_": partial}}
    assert refusal({"model": wrong}, "model").startswith("model.head needs `_partial_: true`")


def test_settings_cannot_be_partial() -> None:
    node = {"_target_": "ostinato.training.settings.Training", "_partial_": True}
    assert "part._partial_ does not fit" in refusal({"part": node})


def test_what_the_program_supplies_cannot_be_set() -> None:
    wrong = {**MODEL, "steps": 9}
    assert refusal({"model": wrong}, "model") == (
        "model.steps is unknown: model takes input, backbone, head, frame_input, frame_head, "
        "voices."
    )


def test_network_is_built_with_its_values() -> None:
    network = Config({"model": MODEL}).build("model", spec=SequenceSpec("tokens", 7, {"step": 4}))
    assert isinstance(network, SequenceModel)
    assert isinstance(network.head, Softmax)
    assert network.head.dropout.p == 0.25
    assert network.backbone.output_size == 8
    assert isinstance(network.input.token, nn.Embedding)
    assert network.input.token.weight.shape == (7, 4)


def test_checking_builds_no_network() -> None:
    huge = {**MODEL, "backbone": {**LSTM, "hidden_size": 16384, "layers": 64}}
    Config({"model": huge}).check("model")  # 137 billion parameters would not fit anywhere


def test_lists_become_tuples_where_the_hint_says_so() -> None:
    node = node_of("training=cpu method=likelihood", transpose=[-2, 3])
    assert Config({"training": node}).build("training").transpose == (-2, 3)


def test_whole_numbers_serve_as_fractions_but_not_the_other_way() -> None:
    node = node_of("sampling=ancestral", temperature=1)
    assert Config({"sampling": node}).build("sampling").temperature == 1.0
    assert "sampling.pieces=1.0" in refusal({"sampling": {**node, "pieces": 1.0}}, "sampling")


def test_plugins_allow_a_package(plugin: str) -> None:
    node = {"_target_": f"{plugin}.Mine", "size": 5}
    assert Config({"plugins": [plugin], "part": node}).build("part").size == 5


def test_plugins_values_are_checked_too(plugin: str) -> None:
    node = {"_target_": f"{plugin}.Mine", "size": "big"}
    tree = {"plugins": [plugin], "part": node}
    assert refusal(tree) == 'part.size="big" does not fit: it should be a valid integer.'
    node["size"] = 13  # type: ignore[assignment]
    assert refusal(tree) == "part: size=13 brings bad luck."


@pytest.mark.parametrize("name", ["function", "subprocess.Popen", "subprocess", "dataclass"])
def test_plugins_give_classes_of_their_own_alone(plugin: str, name: str) -> None:
    assert refusal({"plugins": [plugin], "part": {"_target_": f"{plugin}.{name}"}})


def test_reader_decides_on_plugins_not_the_tree(plugin: str) -> None:
    config = Config({"plugins": [plugin], "part": {"_target_": f"{plugin}.Mine"}}, plugins=())
    with pytest.raises(ConfigError, match="is not allowed"):
        config.build("part")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a: [1", "is not YAML"),
        (b"\xff\xfe\x00", "is not YAML"),
        (b"a: !!python/object/apply:os.system ['true']", "is not YAML"),
        (b"- a", "is not a composed config"),
        (b"", "is not a composed config"),
    ],
)
def test_file_that_is_no_config_is_refused(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        Config.load(path)
    assert expected in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "config.yaml", tmp_path):
        with pytest.raises(ConfigError, match="is not there: run `ostinato compose`"):
            Config.load(path)


@pytest.mark.parametrize("key", ["nothing", "a.nothing", "a.b.nothing"])
def test_missing_key_is_named(key: str) -> None:
    with pytest.raises(ConfigError, match=f"{key} is missing"):
        Config({"a": {"b": 3}})[key]


def test_every_setting_has_a_description() -> None:
    for cls in (Training, Sampling, Softmax):
        for name, (hint, _) in configurable(cls).items():
            assert description(hint), f"{cls.__name__}.{name}"


def test_nearest_word_is_offered_only_where_it_is_near() -> None:
    assert did_you_mean("epohcs", ["epochs", "window"]) == "did you mean epochs? "
    assert did_you_mean("zzz", ["epochs", "window"]) == ""
