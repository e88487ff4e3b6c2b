"""A bundle is all that generating needs, and runs nobody's code."""

import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor

from defaults import node_of
from ostinato.config import Config
from ostinato.errors import ConfigError, UserError
from ostinato.folders import MANIFEST, atomic_folder
from ostinato.models.bundle import (
    Bundle,
    build_network,
    bundle_fingerprint,
    load_bundle,
    save_bundle,
)
from ostinato.music.piece import Piece
from ostinato.music.piece_defaults import PieceDefaults
from small_gans import gan_config, gan_of
from small_networks import BACKBONES, OTHERS, config_of, network_of
from small_vaes import vae_config, vae_of

SETTING = PieceDefaults(96.0, 3, 4, (52, 0, 1, 2), ("Soprano", "Alto", "Tenor", "Bass"))
FILES = [MANIFEST, "config.yaml", "setting.json", "vocabulary.tsv", "weights.safetensors"]


def made(representation: str = "voices", backbone: str = "GRU") -> Bundle:
    config = config_of(representation, backbone)
    network = network_of(representation, backbone=backbone)
    return Bundle(config, config.build("representation"), network, SETTING)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    save_bundle(made(), tmp_path / "model")
    return tmp_path / "model"


def logits(network: Any, features: int) -> Tensor:
    tokens = torch.arange(24).reshape(2, 12) % 100
    with torch.no_grad():
        said: Tensor = network(tokens, torch.zeros(2, 12, features, dtype=torch.long))[0]
    return said


@pytest.mark.parametrize("backbone", [*BACKBONES, *OTHERS])
@pytest.mark.parametrize("representation", ["voices", "event", "pitch"])
def test_a_loaded_bundle_says_the_same(representation: str, backbone: str, tmp_path: Path) -> None:
    original = made(representation, backbone)
    save_bundle(original, tmp_path / "model")
    loaded = load_bundle(tmp_path / "model")
    features = len(original.representation.position_features)
    assert torch.equal(logits(original.network, features), logits(loaded.network, features))
    assert loaded.setting == SETTING
    assert (
        loaded.config.tree
        == original.config.only("representation", "model", "method", "choices").tree
    )
    assert loaded.representation.size == original.representation.size
    assert not loaded.network.training


@pytest.mark.parametrize("backbone", [*BACKBONES, *OTHERS])
def test_the_same_bundle_gives_the_same_bytes(backbone: str, tmp_path: Path) -> None:
    for name in ("once", "again"):
        save_bundle(made(backbone=backbone), tmp_path / name)
    for name in FILES:
        once, again = (tmp_path / folder / name for folder in ("once", "again"))
        assert once.read_bytes() == again.read_bytes()
    assert bundle_fingerprint(tmp_path / "once") == bundle_fingerprint(tmp_path / "again")
    save_bundle(load_bundle(tmp_path / "once"), tmp_path / "loaded")
    assert bundle_fingerprint(tmp_path / "loaded") == bundle_fingerprint(tmp_path / "once")


def test_any_change_of_a_bundle_changes_its_fingerprint(bundle: Path) -> None:
    before = bundle_fingerprint(bundle)
    with (bundle / "setting.json").open("a") as file:
        file.write("\n")
    assert bundle_fingerprint(bundle) != before


def test_a_bundle_holds_no_pickle(bundle: Path) -> None:
    assert sorted(path.name for path in bundle.iterdir()) == FILES
    for path in bundle.iterdir():
        assert not zipfile.is_zipfile(path)  # what torch.save writes
        assert not path.read_bytes().startswith(b"\x80")  # how a pickle begins
        assert not path.stat().st_mode & 0o111


def test_the_vocabulary_can_be_read(bundle: Path) -> None:
    rows = (bundle / "vocabulary.tsv").read_text(encoding="utf-8").splitlines()
    assert rows[0] == "token\tmeaning"
    assert "60\tnote C4 (60)" in rows
    assert rows[-1] == "130\tend"


def test_a_bundle_replaces_the_one_before(bundle: Path) -> None:
    with atomic_folder(bundle, "model") as part:
        (part / "left_over.txt").write_text("old")
    save_bundle(made(backbone="LSTM"), bundle)
    assert sorted(path.name for path in bundle.iterdir()) == FILES
    assert "LSTM" in (bundle / "config.yaml").read_text()


@pytest.mark.parametrize("key", ["representation", "model", "model.head", "model.backbone"])
@pytest.mark.parametrize("target", ["os.system", "subprocess.Popen", "ostinato.files.Path"])
def test_a_bundle_that_names_foreign_code_is_refused(bundle: Path, key: str, target: str) -> None:
    path = bundle / "config.yaml"
    tree = yaml.safe_load(path.read_text())
    node = tree
    for part in key.split("."):
        node = node[part]
    node["_target_"] = target
    path.write_text(yaml.safe_dump(tree))
    with pytest.raises(ConfigError, match=rf"{key}._target_={target} "):
        load_bundle(bundle)


def test_a_bundle_does_not_choose_the_readers_plugins(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "strangers.py").write_text("raise SystemExit('was imported')\n")
    path = bundle / "config.yaml"
    tree = yaml.safe_load(path.read_text())
    tree["plugins"] = ["strangers"]
    tree["model"]["_target_"] = "strangers.Model"
    path.write_text(yaml.safe_dump(tree))
    with pytest.raises(ConfigError, match="is not allowed"):
        load_bundle(bundle)


@pytest.mark.parametrize("name", ["config.yaml", "weights.safetensors", "setting.json"])
def test_a_missing_part_is_named(bundle: Path, name: str) -> None:
    (bundle / name).unlink()
    with pytest.raises(UserError, match=f"it has no {name}"):
        load_bundle(bundle)


def test_a_run_leads_to_its_model_or_says_that_it_has_none(bundle: Path, tmp_path: Path) -> None:
    run = tmp_path / "12-00-00"
    run.mkdir()
    for name in ("config.yaml", "split.json"):
        (run / name).write_text("{}")
    for folder in (run, run / "model"):
        with pytest.raises(UserError, match=f"^the run in {run} has no trained model: .*copied"):
            load_bundle(folder)
    shutil.copytree(bundle, run / "model")
    with pytest.raises(UserError, match=f"its model is in it: give model_dir={run / 'model'}.$"):
        load_bundle(run)
    (run / "model" / "setting.json").unlink()
    with pytest.raises(UserError, match=r"it has no setting\.json"):
        load_bundle(run / "model")


def test_a_missing_bundle_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="run `ostinato train`"):
        load_bundle(tmp_path / "nothing")


@pytest.mark.parametrize("kept", [0, 5, 100, -1])
def test_damaged_weights_are_refused(bundle: Path, kept: int) -> None:
    path = bundle / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UserError, match=r"weights\.safetensors does not fit the model") as caught:
        load_bundle(bundle)
    assert "\n" not in str(caught.value)


def test_weights_of_another_network_are_refused(bundle: Path, tmp_path: Path) -> None:
    save_bundle(made(backbone="LSTM"), tmp_path / "other")
    shutil.copy(tmp_path / "other" / "weights.safetensors", bundle)
    with pytest.raises(UserError, match="does not fit the model"):
        load_bundle(bundle)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"programs": 3, "track_names": []}'])
def test_a_damaged_setting_is_refused(bundle: Path, text: str) -> None:
    (bundle / "setting.json").write_text(text)
    with pytest.raises(UserError, match=r"setting\.json is damaged"):
        load_bundle(bundle)


@pytest.fixture
def learned(short_chorales: list[Piece], tmp_path: Path) -> Path:
    """The bundle of a representation that learned byte pairs."""
    node = node_of("representation=remi", vocabulary=800)
    config = Config({**config_of().tree, "representation": node})
    representation = config.build("representation")
    representation.train(short_chorales[:4])
    network = build_network(config, representation)
    save_bundle(Bundle(config, representation, network, SETTING), tmp_path / "learned")
    return tmp_path / "learned"


def test_what_was_learned_travels_in_the_bundle(
    learned: Path, short_chorales: list[Piece], tmp_path: Path
) -> None:
    bundle = load_bundle(learned)
    assert bundle.representation.size == 800
    assert bundle.representation.encode(short_chorales[9]).max() > 700
    save_bundle(bundle, tmp_path / "again")
    assert bundle_fingerprint(tmp_path / "again") == bundle_fingerprint(learned)


def test_a_bundle_without_what_was_learned_is_refused(learned: Path) -> None:
    (learned / "learned.json").unlink()
    with pytest.raises(UserError, match=r"has no learned\.json, which holds the state of remi"):
        load_bundle(learned)


@pytest.mark.parametrize("damaged", ["", "{}", '{"merges": [[1, 4000]]}', '{"merges": [[1]]}'])
def test_damage_to_what_was_learned_is_told(learned: Path, damaged: str) -> None:
    (learned / "learned.json").write_text(damaged)
    with pytest.raises(UserError, match=r"learned\.json is damaged, .*: train the model again"):
        load_bundle(learned)


def test_pairs_of_another_model_do_not_fit_its_weights(learned: Path) -> None:
    (learned / "learned.json").write_text('{"merges": [[1, 2]]}')
    with pytest.raises(UserError, match="does not fit the model"):
        load_bundle(learned)


@pytest.mark.parametrize("kind", ["gan", "vae"])
def test_a_bundle_of_before_parts_were_renamed_is_read(tmp_path: Path, kind: str) -> None:
    gan = gan_of(leap_penalty=0.4, unison_penalty=0.3, offbeat_bias=0.2)
    network = gan if kind == "gan" else vae_of()
    config = vae_config()
    if kind == "gan":
        config = gan_config(leap_penalty=0.4, unison_penalty=0.3, offbeat_bias=0.2)
    bundle = Bundle(config, config.build("representation"), network, SETTING)
    save_bundle(bundle, tmp_path / "model")
    tree = yaml.safe_load((tmp_path / "model" / "config.yaml").read_text())
    model = tree["model"]
    if kind == "gan":
        weights = ("leap_penalty", "unison_penalty", "offbeat_bias")
        for old, new in zip(("nearness", "apart", "quick"), weights, strict=True):
            model["generator"][old] = model["generator"].pop(new)
        del model["objective"]["noise_scale"]
        model["objective"]["chance"] = [0.9, 0.1]
    else:
        model["objective"]["_target_"] = "ostinato.models.variational.evidence.Evidence"
    (tmp_path / "model" / "config.yaml").write_text(yaml.safe_dump(tree))
    loaded: Any = load_bundle(tmp_path / "model").network
    noise = network.noise(3, torch.Generator().manual_seed(1))
    assert torch.equal(loaded.draw(noise).sound, network.draw(noise).sound)
    if kind == "gan":
        assert loaded.objective.noise_scale == (0.9, 0.1)


def test_a_bundle_of_before_there_were_methods_is_read(tmp_path: Path) -> None:
    config, network = gan_config(), gan_of()
    bundle = Bundle(config, config.build("representation"), network, SETTING)
    save_bundle(bundle, tmp_path / "model")
    tree = yaml.safe_load((tmp_path / "model" / "config.yaml").read_text())
    del tree["method"]
    tree["model"]["objective"] |= {"generator_rate": 0.001, "averaging": 0.99, "samples_every": 5}
    tree["representation"] |= {"history": [], "repeats": []}
    (tmp_path / "model" / "config.yaml").write_text(yaml.safe_dump(tree))
    loaded = load_bundle(tmp_path / "model")
    assert type(loaded.config.build("method")).__name__ == "Adversarial"
    noise = network.noise(3, torch.Generator().manual_seed(1))
    assert torch.equal(loaded.network.draw(noise).sound, network.draw(noise).sound)  # type: ignore[operator, union-attr]


@pytest.mark.parametrize("gone", ["orderless.Orderless", "adversarial.muse.MuseGenerator"])
def test_a_bundle_whose_network_is_gone_is_to_be_trained_again(tmp_path: Path, gone: str) -> None:
    config = config_of()
    bundle = Bundle(config, config.build("representation"), network_of(), SETTING)
    save_bundle(bundle, tmp_path / "model")
    tree = yaml.safe_load((tmp_path / "model" / "config.yaml").read_text())
    tree["model"]["_target_"] = f"ostinato.models.{gone}"
    (tmp_path / "model" / "config.yaml").write_text(yaml.safe_dump(tree))
    with pytest.raises(UserError, match=r"an earlier version .* train the model again\.$"):
        load_bundle(tmp_path / "model")


def test_a_bundle_of_before_there_were_controls_is_read(tmp_path: Path) -> None:
    save_bundle(made("voices"), tmp_path / "model")
    tree = yaml.safe_load((tmp_path / "model" / "config.yaml").read_text())
    del tree["model"]["voices"]["controls"]
    (tmp_path / "model" / "config.yaml").write_text(yaml.safe_dump(tree))
    loaded: Any = load_bundle(tmp_path / "model").network
    assert loaded.controls is None
