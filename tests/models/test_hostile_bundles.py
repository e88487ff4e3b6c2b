"""A bundle of a stranger is opened in bounded time and memory, or refused in a sentence."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file, save_file

from ostinato.errors import UserError
from ostinato.models.bundle import Bundle, bundle_fingerprint, load_bundle, save_bundle
from ostinato.music.piece_defaults import PieceDefaults
from ostinato.stages.inspect import inspect
from ostinato.stages.workspace import Workspace
from small_networks import config_of, network_of

FILES = ("config.yaml", "weights.safetensors", "setting.json")
SETTING = {
    "qpm": 96.0,
    "numerator": 3,
    "denominator": 4,
    "programs": [52, 0],
    "track_names": ["Soprano", "Bass"],
}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    config = config_of("voices", "GRU")
    setting = PieceDefaults(96.0, 3, 4, (52, 0), ("Soprano", "Bass"))
    made = Bundle(config, config.build("representation"), network_of("voices"), setting)
    save_bundle(made, tmp_path / "model")
    return tmp_path / "model"


def refusal(bundle: Path, inspected: bool = True) -> str:
    """The sentence with which a bundle is neither opened nor inspected."""
    with pytest.raises(UserError) as opened:
        load_bundle(bundle)
    if inspected:
        with pytest.raises(UserError):
            inspect(bundle, None, Workspace(bundle.parent, bundle.parent / "outputs"))
    sentence = str(opened.value)
    assert "\n" not in sentence
    assert len(sentence) < 700
    assert sentence.isprintable()
    return sentence


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"qpm": 0}, "qpm=0"),
        ({"qpm": -5.0}, "qpm=-5.0"),
        ({"qpm": 0.001}, "qpm=0.001 does not fit, it should be greater than or equal to 3.5"),
        ({"qpm": 1e9}, "qpm=1000000000.0"),
        ({"qpm": float("nan")}, "qpm=NaN does not fit, it should be a finite number"),
        ({"qpm": float("inf")}, "qpm=Infinity"),
        ({"qpm": "fast"}, 'qpm="fast"'),
        ({"qpm": None}, "qpm"),
        ({"numerator": 0}, "numerator=0"),
        ({"numerator": 256}, "numerator=256"),
        ({"numerator": 3.5}, "numerator=3.5"),
        ({"denominator": 0}, "denominator=0 does not fit, it should be 1, 2, 4, 8, 16, 32 or 64"),
        ({"denominator": 3}, "denominator=3"),
        ({"programs": [999, 0]}, r"programs\.0=999 does not fit, .* less than or equal to 127"),
        ({"programs": [-1, 0]}, r"programs\.0=-1"),
        ({"programs": [0] * 5000}, "programs does not fit"),
        ({"programs": [0]}, "it has 1 programs and 2 names of tracks"),
        ({"programs": 3}, "programs=3"),
        ({"track_names": [1, 2]}, r"track_names\.0=1"),
        ({"track_names": ["x" * 20_000, ""]}, r"track_names\.0="),
        ({"more": 1}, "more=1 does not fit"),
    ],
)
def test_a_setting_that_no_music_has_is_refused(
    changed: dict[str, Any], reason: str, bundle: Path
) -> None:
    (bundle / "setting.json").write_text(json.dumps(SETTING | changed))
    with pytest.raises(UserError, match=rf"setting\.json is damaged: .*{reason}.*train the model"):
        load_bundle(bundle)
    refusal(bundle)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 20_000, "", "null", '{"qpm": 1' + "0" * 100_000 + "}"]
)
def test_a_setting_that_is_no_setting_is_refused(text: str, bundle: Path) -> None:
    (bundle / "setting.json").write_text(text)
    assert "setting.json is damaged" in refusal(bundle)


def test_names_that_a_terminal_would_obey_are_shown_without(bundle: Path) -> None:
    names = ["\x1b[2JSoprano", "Bass\n\r"]
    (bundle / "setting.json").write_text(json.dumps(SETTING | {"track_names": names}))
    assert load_bundle(bundle).setting.track_names == (" [2JSoprano", "Bass  ")


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def pipe(path: Path) -> None:
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.mkdir()


def sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 2**40)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("make", [device, pipe, folder, sparse])
def test_what_is_no_regular_file_of_a_sensible_size_is_not_read(
    make: Callable[[Path], None], name: str, bundle: Path
) -> None:
    (bundle / name).unlink()
    make(bundle / name)
    sentence = refusal(bundle, inspected=name != FILES[1] or make is sparse)
    assert name in sentence
    assert any(w in sentence for w in ("no regular file", "too large", "MiB", "is not there"))


@pytest.mark.timeout(60)
def test_what_lies_beside_a_bundle_is_not_read(bundle: Path) -> None:
    before = bundle_fingerprint(bundle)
    pipe(bundle / "pipe")
    device(bundle / "device")
    sparse(bundle / "sparse")
    assert bundle_fingerprint(bundle) == before
    load_bundle(bundle)


def changed_config(bundle: Path, key: str, value: Any) -> None:
    path = bundle / "config.yaml"
    tree = yaml.safe_load(path.read_text())
    node = tree
    *parts, last = key.split(".")
    for part in parts:
        node = node[part]
    node[last] = value
    path.write_text(yaml.safe_dump(tree))


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("model.backbone.hidden_size", 10**9, "hidden_size=1000000000 does not fit: it should be"),
        ("model.backbone.hidden_size", 16384, "weights.safetensors does not fit the model in its"),
        ("model.backbone.layers", 64, "weights.safetensors does not fit the model in its config"),
        (
            "model.voices.input.embedding_size",
            8192,
            "weights.safetensors does not fit the model in its",
        ),
        ("representation._target_", "ostinato.training.settings.Training", "must be a Repres"),
        ("representation._target_", "ostinato.files.Path", "is not a class of ostinato"),
        ("model._target_", "ostinato.models.recurrent.LSTM", "must be a Network"),
        ("model.backbone._target_", "ostinato.models.heads.softmax.Softmax", "does not fit"),
        ("model", "lstm", "it has no model"),
        ("choices", ["a"], "it has no choices"),
        ("choices.model", {"a": 1}, "choices.model is not the name of an option"),
        ("choices.model", "x" * 1000, "choices.model is not the name of an option"),
        ("model.backbone.hidden_size", 10**30, "more than 64 bits"),
    ],
)
def test_a_config_that_does_not_belong_to_its_weights_is_refused(
    key: str, value: Any, reason: str, bundle: Path
) -> None:
    changed_config(bundle, key, value)
    assert reason in refusal(bundle, inspected=False)


@pytest.mark.parametrize(
    "text",
    [
        "model: &a [*a]\n",
        "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)),
        "a: " + "[" * 100_000,
        "a: 2020-01-01\n1: 2\n",
        "a: !!binary aGk=\n",
        "x: " + "y" * 300_000,
        "\x00",
    ],
    ids=["itself", "aliases", "nesting", "keys", "bytes", "length", "zero"],
)
def test_yaml_that_is_no_config_is_refused(text: str, bundle: Path) -> None:
    (bundle / "config.yaml").write_text(text)
    assert "config.yaml" in refusal(bundle)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers_are_refused(value: float, bundle: Path) -> None:
    weights = load_file(bundle / "weights.safetensors")
    name = sorted(weights)[3]
    weights[name].flat[0] = value
    save_file(weights, bundle / "weights.safetensors")
    sentence = refusal(bundle, inspected=False)
    assert f"holds values that are no numbers (NaN or infinite) in {name}" in sentence


def header(entries: dict[str, Any], length: int | None = None) -> bytes:
    text = json.dumps(entries).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text


@pytest.mark.parametrize(
    "data",
    [
        header({}, length=2**63),
        header({}, length=2**40),
        header({"a": {"dtype": "F32", "shape": [2**60], "data_offsets": [0, 4]}}) + bytes(4),
        header({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 2**50]}}) + bytes(4),
        header({"a" * 1000: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}) + bytes(4),
        header(
            {f"a{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(20_000)}
        ),
        b"[" * 100_000,
        b"",
    ],
    ids=["2^63", "2^40", "shape", "offsets", "name", "many", "brackets", "empty"],
)
def test_headers_of_weights_that_lie_are_refused(data: bytes, bundle: Path) -> None:
    (bundle / "weights.safetensors").write_bytes(data)
    assert "weights.safetensors does not fit" in refusal(bundle, inspected=False)


@pytest.mark.slow
def test_nothing_hostile_fills_the_memory(bundle: Path) -> None:
    """A network of 16,384 units is refused before any of it is made."""
    changed_config(bundle, "model.backbone.hidden_size", 16384)
    changed_config(bundle, "model.backbone.layers", 64)
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from ostinato.models.bundle import load_bundle\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: load_bundle(Path(sys.argv[1]))\n"
        "except Exception as error: print(type(error).__name__)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(bundle)], capture_output=True, text=True, check=True
    )
    kind, grown = done.stdout.split()
    assert kind == "UserError"
    assert int(grown) < 256 * 1024  # KiB
