"""Every config that is shipped composes, fits, and is what it was when it was last looked at."""

from pathlib import Path

import pytest

from ostinato.config import Config, compose, group_options
from ostinato.config.composing import BUILT
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
FRAMES = ["pianoroll"]  # representations that no model takes


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
    small = ["model.backbone.hidden_size=8", "model.backbone.layers=1"]
    config = composed([f"experiment={experiment}", *small])
    network = build_network(config, config.build("representation"))
    assert sum(p.numel() for p in network.parameters()) > 0


@pytest.mark.parametrize(("group", "option"), CHOICES)
def test_every_option_goes_with_the_default_experiment(group: str, option: str) -> None:
    more = NEEDED.get((group, option), []) + FITTING.get(option, [])
    config = compose([f"{group}={option}", *more], CONF)
    assert config["choices"][group] == option
    assert fits(config) == (option not in FRAMES)
    for key in BUILT:
        if key != "model":
            config.build(key)


@pytest.mark.parametrize("representation", FRAMES)
def test_frames_are_refused_where_every_model_takes_tokens(representation: str) -> None:
    said = (
        f"no model in conf/model takes representation={representation}, whose steps are frames: "
        r"model=lstm takes cpword, event, .*voices\."
    )
    with pytest.raises(ConfigError, match=said):
        composed([f"representation={representation}"])


@pytest.mark.parametrize("debug", group_options(CONF, "debug"))
@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_debug_goes_with_every_experiment(experiment: str, debug: str) -> None:
    config = composed([f"experiment={experiment}", f"debug={debug}"])
    assert config["choices.debug"] == debug


def test_classic_input_is_for_the_classic_representation_alone() -> None:
    fitting = {
        (model, representation)
        for model in group_options(CONF, "model")
        for representation in group_options(CONF, "representation")
        if fits(compose([f"model={model}", f"representation={representation}"], CONF))
    }
    assert ("onehot_lstm", "pitch") in fitting
    assert ("onehot_lstm", "voices") not in fitting
    assert ("onehot_lstm", "event") not in fitting
    assert {("lstm", "pitch"), ("lstm", "voices"), ("lstm", "event")} <= fitting


def test_every_shipped_value_is_written_down() -> None:
    """A YAML file lists all that its class takes, so that reading it shows what can be set."""
    from ostinato.config.building import configurable

    config = compose([], CONF)
    for group in ("training", "sampling", "evaluation", "tracking", "corpus"):
        settable = set(configurable(config.target(group)))
        assert settable == set(config[group]) - {"_target_"}, group


@pytest.mark.parametrize("path", sorted(CONF.rglob("*.yaml")), ids=lambda path: path.stem)
def test_config_file_opens_with_what_it_is(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("# ")
