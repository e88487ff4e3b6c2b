"""Every config that is shipped composes, fits, and is what it was when it was last looked at."""

import re
from pathlib import Path

import pytest
import torch

from ostinato.config import Config, compose, group_options
from ostinato.config.composition import BUILT
from ostinato.config.instantiate import read_yaml
from ostinato.errors import ConfigError
from ostinato.models.bundle import build_network
from ostinato.stages.compose import check_fit, fits

ROOT = Path(__file__).parents[2]
CONF = ROOT / "conf"
GOLDEN = ROOT / "tests" / "golden"

EXPERIMENTS = group_options(CONF, "experiment")
CHOICES = [(group, option) for group in BUILT for option in group_options(CONF, group)]
NEEDED = {("split", "predefined"): ["split.file=splits/mine.json"]}  # what the user must say
FITTING = {"onehot_lstm": ["representation=pitch"]}


def composed(overrides: list[str]) -> Config:
    config = compose(overrides, CONF)
    check_fit(config, CONF)
    return config


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_experiment_is_as_it_was_last_seen(experiment: str, update_golden: bool) -> None:
    text = composed([f"experiment={experiment}"]).text()
    golden = GOLDEN / f"{experiment}.yaml"
    if update_golden:
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    assert golden.exists(), (
        f"{golden} is missing; write it with OSTINATO_UPDATE_GOLDEN=1 pytest tests/config"
    )
    assert text == golden.read_text(encoding="utf-8"), (
        f"experiment={experiment} composes to something new; if that is meant, rewrite the "
        "snapshots with OSTINATO_UPDATE_GOLDEN=1 pytest tests/config and look at their diff"
    )


def test_every_snapshot_has_its_experiment() -> None:
    snapshots = [path.relative_to(GOLDEN).with_suffix("") for path in GOLDEN.rglob("*.yaml")]
    assert sorted(path.as_posix() for path in snapshots) == EXPERIMENTS


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_experiment_builds_a_network(experiment: str) -> None:
    config = composed([f"experiment={experiment}"])
    with torch.device("meta"):
        network = build_network(config, config.build("representation"))
    assert sum(p.numel() for p in network.parameters()) > 0


@pytest.mark.parametrize(("group", "option"), CHOICES)
def test_every_option_goes_with_the_default_experiment(group: str, option: str) -> None:
    more = NEEDED.get((group, option), []) + FITTING.get(option, [])
    config = compose([f"{group}={option}", *more], CONF)
    assert config["choices"][group] == option
    assert fits(config)
    for key in BUILT:
        if key != "model":
            config.build(key)


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["model=onehot_lstm"], "model=onehot_lstm cannot take representation=pianoroll: the .*"),
        (["model.frame_head=null"], "model=lstm as it is set cannot take .* lstm.*"),
        (["representation.velocity=true"], ".* how loud .*: say representation.velocity=false."),
        (
            ["training.label_weighting=0.5"],
            ".* weighs tokens, .* say training.label_weighting=0.0.",
        ),
    ],
)
def test_what_frames_do_not_go_with_is_refused(overrides: list[str], sentence: str) -> None:
    composed(["representation=pianoroll"])
    with pytest.raises(ConfigError, match=f"^{sentence}$"):
        composed(["representation=pianoroll", *overrides])


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["representation=event"], "model=gan cannot take representation=event: the .*"),
        (["training.devices=2"], "model=gan is trained on one device, .*devices=1 .*"),
        (["training.precision=16-mixed"], "model=gan is trained .*: say .*bf16-mixed."),
        (["sampling=continuation"], "sampling.prompt=test does not fit: .*: say .*prompt=null."),
        (["sampling=vary"], r"sampling=vary begins with given .* \(test\), .*: say model=vae\."),
    ],
)
def test_what_segments_do_not_go_with_is_refused(overrides: list[str], sentence: str) -> None:
    composed(["model=gan"])
    with pytest.raises(ConfigError, match=f"^{sentence}$"):
        composed(["model=gan", *overrides])


def test_measuring_in_other_keys_needs_a_representation_that_can_be_transposed() -> None:
    pairs = ["representation=remi", "representation.vocabulary=750", "training.transpose=[0,0]"]
    composed(pairs)
    with pytest.raises(ConfigError, match=r"^evaluation\.transpose=\[-1, 1\] does not fit: repr"):
        composed([*pairs, "evaluation.transpose=[-1,1]"])


@pytest.mark.parametrize("model", ["gan_continue", "gan_accompany"])
def test_what_is_made_to_something_needs_it(model: str) -> None:
    composed([f"model={model}", "sampling=continuation"])
    with pytest.raises(ConfigError, match=f"^model={model} makes music to what is given: say .*"):
        composed([f"model={model}"])


def test_a_way_is_between_segments_alone() -> None:
    composed(["model=gan", "sampling=interpolate"])
    with pytest.raises(ConfigError, match=r"^sampling.steps=8 does not fit: model=lstm makes no"):
        composed(["model=lstm", "sampling=interpolate"])
    with pytest.raises(ConfigError, match="prompt=test does not go with steps=8"):
        compose(["sampling=interpolate", "sampling.prompt=test"], CONF)


def test_the_head_of_frames_is_chosen_as_a_group_within_the_model() -> None:
    chosen = composed(["model=gru", "representation=pianoroll", "model/frame_head=bernoulli"])
    assert chosen.target("model.frame_head").__name__ == "Bernoulli"
    with pytest.raises(ConfigError, match="frame_head=bernouli is unknown: did you mean bernoulli"):
        composed(["model/frame_head=bernouli"])


@pytest.mark.parametrize("model", [m for m in group_options(CONF, "model") if "_" in m])
def test_a_sized_model_has_the_parameters_that_its_file_says(model: str) -> None:
    opening = (CONF / "model" / f"{model}.yaml").read_text(encoding="utf-8").split("\n")[0]
    said = re.search(r"([\d,]+) parameters on (\w+)", opening)
    if said is None:
        assert not model.endswith(("_tiny", "_base"))
        return
    config = composed([f"model={model}", f"representation={said[2]}"])
    with torch.device("meta"):
        network = build_network(config, config.build("representation"))
    assert f"{sum(p.numel() for p in network.parameters()):,}" == said[1]


@pytest.mark.parametrize("debug", group_options(CONF, "debug"))
@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_debug_goes_with_every_experiment(experiment: str, debug: str) -> None:
    config = composed([f"debug={debug}", f"experiment={experiment}"])
    assert config["choices.debug"] == debug
    for group, values in read_yaml(CONF / "debug" / f"{debug}.yaml").items():
        assert {name: config[group][name] for name in values} == values


def test_smoke_is_two_epochs_and_two_short_pieces() -> None:
    smoke = read_yaml(CONF / "debug" / "smoke.yaml")
    assert (smoke["training"]["epochs"], smoke["training"]["max_pieces"]) == (2, 16)
    assert (smoke["sampling"]["pieces"], smoke["sampling"]["max_bars"]) == (2, 4)


def test_a_value_of_the_command_line_goes_before_debug() -> None:
    config = composed(["experiment=bach_gan", "debug=smoke", "training.epochs=1"])
    assert config["training.epochs"] == 1


def test_classic_input_is_for_the_classic_representation_alone() -> None:
    fitting = {
        (model, representation)
        for model in ("lstm", "onehot_lstm")
        for representation in group_options(CONF, "representation")
        if fits(compose([f"model={model}", f"representation={representation}"], CONF))
    }
    assert ("onehot_lstm", "pitch") in fitting
    assert ("onehot_lstm", "voices") not in fitting
    assert ("onehot_lstm", "event") not in fitting
    assert {("lstm", "pitch"), ("lstm", "voices"), ("lstm", "event")} <= fitting


def test_every_shipped_value_is_written_down() -> None:
    """A YAML file lists all that its class takes, so that reading it shows what can be set."""
    from ostinato.config.instantiate import configurable

    config = compose([], CONF)
    for group in ("training", "sampling", "evaluation", "tracking", "corpus"):
        settable = set(configurable(config.target(group)))
        assert settable == set(config[group]) - {"_target_"}, group


@pytest.mark.parametrize("path", sorted(CONF.rglob("*.yaml")), ids=lambda path: path.stem)
def test_config_file_opens_with_what_it_is(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("# ")
