"""A config that is shared holds no path and no password, and composes to the same values."""

from pathlib import Path

import pytest
import yaml

from ostinato.config import Config, compose
from ostinato.config.sharing import (
    apply_overrides,
    complete,
    dump_shared,
    find_missing,
    find_overrides,
    list_differences,
    missing_after,
    parse_config,
    read_shared,
)
from ostinato.errors import ConfigError

CONF = Path(__file__).parents[2] / "conf"
OFF = ["tracking=off"]


def shared(overrides: list[str]) -> str:
    return dump_shared(compose(overrides, CONF), {"commit": "0" * 40})


def written(overrides: list[str], folder: Path) -> Path:
    file = folder / "shared.yaml"
    file.write_text(shared(overrides), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    "overrides",
    [
        ["model=gru", "seed=3", "training.epochs=7"],
        ["experiment=bach_gan", "debug=smoke"],
        ["representation=pianoroll", "model=gru", "corpus.name='two words'"],
        ["evaluation.corpora=[jsb]"],
    ],
)
def test_a_shared_config_composes_to_what_was_run(overrides: list[str], tmp_path: Path) -> None:
    tree, made_by = read_shared(written(overrides, tmp_path))
    assert made_by == {"commit": "0" * 40}
    run = complete(tree, OFF, CONF)
    again = compose([*OFF, *find_overrides(run, CONF)], CONF)
    assert list_differences(run, again) == []
    config = compose(overrides, CONF)
    for key in ("corpus", "split", "representation", "model", "method", "training", "sampling"):
        assert again[key] == config[key]
    assert again["seed"] == config["seed"]


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("corpus.source.folder=/home/anna/music", "corpus.source.folder"),
        ("corpus.source.folder='C:\\music'", "corpus.source.folder"),
        ("corpus.source.folder=../music", "corpus.source.folder"),
        ("corpus.source.folder='~/music'", "corpus.source.folder"),
        ("sampling.soundfont=/usr/share/sound.sf2", "sampling.soundfont"),
        ("corpus.name='from /home/anna/music'", "corpus.name"),
    ],
)
def test_a_path_of_the_machine_is_left_to_whoever_runs_it(override: str, key: str) -> None:
    text = shared(["corpus=folder", override])
    value = override.partition("=")[2].strip("'")
    assert value not in text
    tree = yaml.safe_load(text)["config"]
    assert find_missing(tree) == [key]
    assert f"# Paths of the machine that wrote this are left out: {key}." in text
    assert list(missing_after([key], [f"{key}=here"])) == []
    assert list(missing_after([key], ["seed=1"])) == [key]


def test_an_address_of_the_web_is_shared() -> None:
    config = compose(["corpus=nottingham"], CONF)
    assert yaml.safe_load(dump_shared(config, {}))["config"]["corpus"] == config["corpus"]


def test_where_runs_are_recorded_is_not_shared() -> None:
    words = ["tracking.uri=http://inside.example.org:5000"]
    text = shared([*words, "corpus.mirror=http://mirror.example.org"])
    assert "example.org" not in text
    tree = yaml.safe_load(text)["config"]
    assert not {"tracking", "preprocess", "model_dir", "samples_dir"} & {*tree, *tree["choices"]}


def test_a_password_is_not_shared() -> None:
    config = compose(["corpus=folder", "corpus.name=mine"], CONF)
    address = "https://anna:secret@example.org/music.zip"
    config.tree["corpus"] = {**config["corpus"], "name": address}
    with pytest.raises(ConfigError) as error:
        dump_shared(config, {})
    assert "corpus.name holds a name or a password" in str(error.value)
    assert "secret" not in str(error.value)


def test_a_password_in_a_file_is_refused_and_not_shown(tmp_path: Path) -> None:
    file = written([], tmp_path)
    file.write_text(file.read_text().replace("name: bach", "name: https://anna:secret@x.org/a"))
    with pytest.raises(ConfigError) as error:
        read_shared(file)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("  seed: 42", "  sed: 42", "sed is unknown"),
        ("epochs: 2", "epochs: -2", "training.epochs=-2 does not fit"),
        ("  seed: 42", "  seed: 42\n  hydra: {run: {dir: /tmp/x}}", "hydra is unknown"),
        ("  seed: 42", "  seed: 42\n  hydra.run.dir: /tmp/x", "hydra.run.dir is unknown"),
        ("ostinato.models.recurrent.LSTM", "os.system", "is not allowed"),
    ],
)
def test_what_a_file_says_is_checked_before_it_is_composed(
    old: str, new: str, sentence: str, tmp_path: Path
) -> None:
    file = written(["debug=smoke"], tmp_path)
    text = file.read_text()
    assert text.count(f"\n{old}") or text.count(old)
    at = text.rindex(old)
    file.write_text(text[:at] + new + text[at + len(old) :])
    tree, _ = read_shared(file)
    with pytest.raises(ConfigError, match=sentence):
        complete(tree, OFF, CONF)


@pytest.mark.parametrize("text", ["", "[1]", "seed: 1", "config: 3", "config: {corpus: bach}"])
def test_a_file_that_is_no_config_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"x\.yaml is no config of a run: give a file that"):
        parse_config(text.encode(), "x.yaml")


def test_a_composed_config_serves_too(tmp_path: Path) -> None:
    config = compose(["model=gru"], CONF)
    config.save(tmp_path / "config.yaml")
    tree, made_by = read_shared(tmp_path / "config.yaml")
    assert (tree, made_by) == (config.tree, {})


def test_an_option_of_another_project_is_expressed_by_its_values() -> None:
    config = compose(["model=gru", "model.backbone.hidden_size=48"], CONF)
    choices = {**config["choices"], "experiment": "theirs", "model": "their_gru"}
    run = complete({**config.tree, "choices": choices}, OFF, CONF)
    again = compose([*OFF, *find_overrides(run, CONF)], CONF)
    assert again["model"] == config["model"]


def test_overrides_go_on_top() -> None:
    base = find_overrides(compose(["model=gru", "seed=3", "training.epochs=9"], CONF), CONF)
    kept = apply_overrides(base, ["training.epochs=2"], CONF)
    config = compose([*kept, "training.epochs=2"], CONF)
    assert (config["seed"], config["training.epochs"]) == (3, 2)
    assert config["choices.model"] == "gru"


def test_another_option_replaces_what_was_set_within_its_group() -> None:
    base = find_overrides(
        compose(["model=gru", "model.backbone.hidden_size=48", "seed=3"], CONF), CONF
    )
    kept = apply_overrides(base, ["model=rnn"], CONF)
    config = compose([*kept, "model=rnn"], CONF)
    plain = compose(["model=rnn"], CONF)
    assert config["model"] == plain["model"]
    assert config["seed"] == 3


def test_what_a_config_differs_in_is_named_by_value() -> None:
    old = compose(["seed=3", "tracking=off"], CONF)
    new = compose(["seed=4", "training.epochs=2", "corpus.path=data/other"], CONF)
    differences = list_differences(old, new)
    assert f"training.epochs=2 (there {old['training.epochs']})" in differences
    assert "seed=4 (there 3)" in differences
    assert len(differences) == 2
    assert list_differences(old, Config(old.tree)) == []
