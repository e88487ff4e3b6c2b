"""The command that a run is given composes its config again."""

import shlex
from pathlib import Path

import pytest

from ostinato.config import compose
from ostinato.config.command import find_command, to_override
from ostinato.config.composition import without_overridden
from ostinato.config.experiments import FREE

CONF = Path(__file__).parents[2] / "conf"
ODD = "it's a \"test\" \\' of $HOME and ${seed} \\"


def words_of(text: str) -> list[str]:
    """What a shell makes of a command: its overrides."""
    program, stage, *words = shlex.split(text)
    assert (program, stage) == ("ostinato", "run")
    return words


@pytest.mark.parametrize(
    ("overrides", "command"),
    [
        ([], "experiment=bach_lstm"),
        (["model=gru", "seed=3"], "experiment=bach_lstm model=gru seed=3"),
        (["training.transpose=[-2,3]"], "experiment=bach_lstm 'training.transpose=[-2,3]'"),
        (["training.gradient_clip=null"], "experiment=bach_lstm training.gradient_clip=null"),
        (["corpus.name='two words'"], "experiment=bach_lstm \"corpus.name='two words'\""),
        (["experiment=bach_gan", "model.bars=4"], "experiment=bach_gan model.bars=4"),
        (["experiment=mirex", "seed=2"], "experiment=mirex seed=2"),
        (
            ["debug=smoke", "training.epochs=7"],
            "experiment=bach_lstm debug=smoke training.epochs=7",
        ),
        (
            ["model=gru", "representation=pianoroll", "model/frame_head=bernoulli"],
            "experiment=bach_lstm representation=pianoroll model=gru model/frame_head=bernoulli",
        ),
        (["model=transformer", "model.size=small", "~experiment"], None),
        (["model=gru", "model.size=tiny"], "experiment=bach_lstm model=gru model.size=tiny"),
        (
            ["model.size=tiny", "model.backbone.hidden_size=9"],
            "experiment=bach_lstm model.size=tiny model.backbone.hidden_size=9",
        ),
        (["experiment=bach_vae", "sampling=interpolate", "split=published"], None),
        (["corpus=folder", "corpus.name='null'", "corpus.path='data/1 (2)'"], None),
        ([to_override("corpus.name", ODD)], None),
    ],
)
def test_the_command_composes_to_the_same_config(overrides: list[str], command: str | None) -> None:
    config = compose(overrides, CONF)
    found = find_command(config, CONF)
    assert found.unexpressed == ()
    assert compose(words_of(found.text), CONF).tree == config.tree
    if command is not None:
        assert found.text == f"ostinato run {command}"


@pytest.mark.parametrize(
    "params",
    [
        ["experiment=bach_gan", "model=tcn", "training.epochs=3"],
        ["experiment=bach_lstm", "seed=9", "sampling.temperature=0.5"],
    ],
)
def test_the_command_holds_whatever_params_yaml_says(params: list[str]) -> None:
    config = compose(["model=gru", "seed=3"], CONF)
    found = find_command(config, CONF, params)
    words = words_of(found.text)
    for given in (without_overridden(params, words), []):
        assert compose([*given, *words], CONF).tree == config.tree


def test_what_makes_no_figure_is_left_to_the_project() -> None:
    config = compose(["tracking=off", "preprocess.processes=1", "seed=3"], CONF)
    found = find_command(config, CONF)
    assert found.text == "ostinato run experiment=bach_lstm seed=3"
    again = compose(words_of(found.text), CONF)
    assert {key for key in config.tree if config[key] != again[key]} <= {*FREE, "choices"}


@pytest.mark.parametrize(
    "value", [ODD, "", "yes", "1e3", "a,b", "é", "\\\\", ["a b", None, 1.5], 2e-05]
)
def test_a_value_is_the_same_once_it_is_read(value: object) -> None:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from omegaconf import OmegaConf

    read = OverridesParser.create().parse_override(to_override("key", value)).value()
    assert OmegaConf.to_container(OmegaConf.create({"key": read}), resolve=True) == {"key": value}


def test_what_no_override_can_say_is_named() -> None:
    config = compose([], CONF)
    changed = type(config)({**config.tree, "unheard_of": {"strange key": 1}})
    assert find_command(changed, CONF).unexpressed == ("unheard_of.strange key",)
