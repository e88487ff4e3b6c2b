"""Every config that is shipped composes, fits, and is what it was when it was last looked at.

So is every row of the table of likelihoods.
"""

import re
import shlex
from functools import cache
from pathlib import Path

import pytest
import torch
from rows import read_rows

from ostinato.config import Config, compose, group_options
from ostinato.config.composition import CHOSEN
from ostinato.config.instantiate import read_yaml
from ostinato.config.renamed import RENAMED, describe_renamed
from ostinato.config.sizes import model_sizes
from ostinato.errors import ConfigError
from ostinato.models.adversarial.gan import GAN
from ostinato.models.bundle import build_network
from ostinato.stages.compose import check_compatibility, compose_values, is_compatible

ROOT = Path(__file__).parents[2]
CONF = ROOT / "conf"
GOLDEN = ROOT / "tests" / "golden"

EXPERIMENTS = group_options(CONF, "experiment")
ROWS = read_rows()
RECIPES = {name: [f"experiment={name}"] for name in EXPERIMENTS} | {
    f"likelihood/{row}": words for row, words in ROWS.items() if row not in EXPERIMENTS
}
CHOICES = [(group, option) for group in CHOSEN for option in group_options(CONF, group)]
NEEDED = {("split", "predefined"): ["split.file=splits/mine.json"]}  # what the user must say
SIZED = [(model, size) for model, sizes in model_sizes(CONF).items() for size in sizes]
FITTING = {"onehot_lstm": ["representation=pitch"]}


def composed(overrides: list[str]) -> Config:
    """Return the config of overrides, of which several tests ask for the same."""
    return _composed(tuple(overrides))


@cache
def _composed(overrides: tuple[str, ...]) -> Config:
    config = compose(list(overrides), CONF)
    check_compatibility(config, CONF)
    return config


@pytest.mark.parametrize("recipe", RECIPES)
def test_recipe_is_as_it_was_last_seen(recipe: str, update_golden: bool) -> None:
    text = composed(RECIPES[recipe]).text()
    golden = GOLDEN / f"{recipe}.yaml"
    if update_golden:
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    assert golden.exists(), (
        f"{golden} is missing; write it with OSTINATO_UPDATE_GOLDEN=1 pytest tests/config"
    )
    assert text == golden.read_text(encoding="utf-8"), (
        f"{' '.join(RECIPES[recipe])} composes to something new; if that is meant, rewrite the "
        "snapshots with OSTINATO_UPDATE_GOLDEN=1 pytest tests/config and look at their diff"
    )


def test_every_snapshot_has_its_recipe() -> None:
    snapshots = [path.relative_to(GOLDEN).with_suffix("") for path in GOLDEN.rglob("*.yaml")]
    assert sorted(path.as_posix() for path in snapshots) == sorted(RECIPES)


def test_an_experiment_with_the_name_of_a_row_is_that_row() -> None:
    files = {name for name in EXPERIMENTS if name in ROWS}
    assert files == {name for name, words in ROWS.items() if words == [f"experiment={name}"]}


@pytest.mark.parametrize("word", [word for word in RENAMED if "=" in word])
def test_an_option_of_before_is_refused_with_what_to_write_now(word: str) -> None:
    with pytest.raises(ConfigError) as refused:
        compose([word], CONF)
    assert str(refused.value) == describe_renamed(word)
    *_, row = RENAMED[word].strip("`").rpartition("ROW=")
    now = ROWS[row] if row in ROWS else shlex.split(RENAMED[word])
    compose([new for new in now if not new.startswith("sweep.") and "choice(" not in new], CONF)


@pytest.mark.parametrize("recipe", RECIPES)
def test_recipe_builds_a_network(recipe: str) -> None:
    config = composed(RECIPES[recipe])
    with torch.device("meta"):
        network = build_network(config, config.build("representation"))
    assert sum(p.numel() for p in network.parameters()) > 0


@pytest.mark.parametrize(("group", "option"), CHOICES)
def test_every_option_goes_with_the_default_experiment(group: str, option: str) -> None:
    more = NEEDED.get((group, option), []) + FITTING.get(option, [])
    config = compose([f"{group}={option}", *more], CONF)
    assert config["choices"][group] == option
    assert is_compatible(config)
    for key in CHOSEN:
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
        (["sampling=continue"], "sampling.prompt=test does not fit: .*: say .*prompt=null."),
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


@pytest.mark.parametrize(
    "given",
    [["model.bars=4", "model.given_bars=2"], ["model.given_voice=0"]],
    ids=["bars", "voice"],
)
def test_what_is_made_to_something_needs_it(given: list[str]) -> None:
    composed(["model=gan", *given, "sampling=continue"])
    with pytest.raises(ConfigError, match=r"^model=gan makes music to what is given: say .*"):
        composed(["model=gan", *given])


@pytest.mark.parametrize("words", [["representation=pianoroll"], ["experiment=bach_vae"]])
def test_a_least_length_is_nothing_to_models_that_do_not_read_it(words: list[str]) -> None:
    assert composed([*words, "sampling.max_bars=3"])["sampling.max_bars"] == 3


def test_a_way_is_between_segments_alone() -> None:
    composed(["model=gan", "sampling=interpolate"])
    with pytest.raises(
        ConfigError, match=r"^sampling.interpolation_steps=8 does not fit: model=lstm"
    ):
        composed(["model=lstm", "sampling=interpolate"])
    with pytest.raises(ConfigError, match="prompt=test does not go with interpolation_steps=8"):
        compose(["sampling=interpolate", "sampling.prompt=test"], CONF)


def test_the_head_of_frames_is_chosen_as_a_group_within_the_model() -> None:
    chosen = composed(["model=gru", "representation=pianoroll", "model/frame_head=bernoulli"])
    assert chosen.target("model.frame_head").__name__ == "Bernoulli"
    with pytest.raises(ConfigError, match="frame_head=bernouli is unknown: did you mean bernoulli"):
        composed(["model/frame_head=bernouli"])


def parameters_of(network: torch.nn.Module) -> str:
    return f"{sum(p.numel() for p in network.parameters()):,}"


@pytest.mark.parametrize(("model", "size"), SIZED)
def test_a_model_of_each_size_has_the_parameters_that_its_file_says(model: str, size: str) -> None:
    text = (CONF / "model" / f"{model}.yaml").read_text(encoding="utf-8")
    [comment] = re.findall(rf"  # (.*)\n  {size}: ", text)
    config = composed([f"model={model}", f"model.size={size}", "representation=voices"])
    with torch.device("meta"):
        network = build_network(config, config.build("representation"))
        counted = [parameters_of(network)]
        if isinstance(network, GAN):
            counted.append(parameters_of(network.new_critic()))
    assert re.findall(r"[\d,]*\d", comment) == counted


@pytest.mark.parametrize("model", [model for model, _ in SIZED])
def test_small_is_the_size_that_is_meant_where_none_is_chosen(model: str) -> None:
    assert compose([f"model={model}"], CONF).tree == (
        compose([f"model={model}", "model.size=small"], CONF).tree
    )


def test_a_value_that_is_set_goes_before_the_size() -> None:
    for overrides in (
        ["model.size=tiny", "model.backbone.hidden_size=7"],
        ["model.backbone.hidden_size=7", "model.size=tiny"],
    ):
        config = compose(overrides, CONF)
        assert config["model.backbone.hidden_size"] == 7
        assert config["model.input.embedding_size"] == 32
        assert not {"size", "sizes"} & set(config["model"])


def test_an_experiment_and_params_choose_a_size_too(project: Path) -> None:
    file = project / "conf" / "experiment" / "comparison.yaml"
    file.write_text(file.read_text(encoding="utf-8") + "model: {size: base}\n", encoding="utf-8")
    config = compose(["experiment=comparison"], project / "conf")
    assert config["model.backbone.hidden_size"] == 800
    (project / "params.yaml").write_text("overrides: [model.size=tiny]\n", encoding="utf-8")
    assert compose_values([], project)["model.backbone.hidden_size"] == 56


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (
            ["model.size=tny"],
            "model.size=tny is unknown: did you mean tiny? the sizes of model=lstm are tiny, "
            "small, base.",
        ),
        (["model=vae", "model.size=base"], ".* the sizes of model=vae are tiny, small."),
        (["model.size=null"], "model.size=None is unknown: .*"),
        (
            ["model=onehot_lstm", "model.size=tiny"],
            "model.size does not fit: this model comes in one size; those with several are gan, "
            "gru, lstm, masked, masked_cnn, masked_transformer, rnn, tcn, transformer, vae, "
            "wavenet.",
        ),
    ],
)
def test_a_size_that_there_is_not_is_refused(overrides: list[str], sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        composed(overrides)
    assert re.fullmatch(sentence.replace("?", r"\?"), str(refused.value))


@pytest.mark.parametrize("debug", group_options(CONF, "debug"))
@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_debug_goes_with_every_experiment(experiment: str, debug: str) -> None:
    config = composed([f"debug={debug}", f"experiment={experiment}"])
    assert config["choices.debug"] == debug
    for group, values in read_yaml(CONF / "debug" / f"{debug}.yaml").items():
        read = [name for name in values if f"{group}.{name}" not in config.left_out]
        assert {name: config[group][name] for name in read} == {n: values[n] for n in read}


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
        if is_compatible(compose([f"model={model}", f"representation={representation}"], CONF))
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
