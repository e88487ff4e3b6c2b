"""A config that does not fit is refused with one sentence: the key, the value, what is right."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from ostinato.config import Config, compose, conf_folder, group_options
from ostinato.config.completion import completions
from ostinato.config.composition import params_overrides, without_overridden
from ostinato.errors import ConfigError
from ostinato.stages.compose import compose_config

ROOT = Path(__file__).parents[2]
PIANOROLL_BY_BITS = ["representation=pianoroll", "model/frame_head=bernoulli"]
CONF = ROOT / "conf"


def refusal(overrides: Sequence[str], root: Path = ROOT) -> str:
    """The sentence with which these overrides are refused."""
    with pytest.raises(ConfigError) as caught:
        compose_config(overrides, root)
    sentence = str(caught.value)
    assert caught.value.exit_code == 2
    assert "\n" not in sentence
    assert "  " not in sentence
    assert sentence == sentence.strip()
    return sentence


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """A copy of conf/ to spoil."""
    return Path(shutil.copytree(CONF, tmp_path / "conf"))


def test_unknown_option_lists_the_options() -> None:
    assert refusal(["model=lstn"]) == (
        "model=lstn is unknown: did you mean lstm? "
        f"the options of model are {', '.join(group_options(CONF, 'model'))}."
    )


@pytest.mark.parametrize(
    "group",
    [
        "experiment",
        "corpus",
        "split",
        "representation",
        "model",
        "training",
        "sampling",
        "evaluation",
        "tracking",
        "debug",
    ],
)
def test_every_group_lists_its_options(group: str) -> None:
    sentence = refusal([f"{group}=zzzz"])
    assert sentence.startswith(f"{group}=zzzz is unknown")
    assert all(option in sentence for option in group_options(CONF, group))


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        (
            "training.learning_rat=0.1",
            "training.learning_rat is unknown: did you mean training.learning_rate?",
        ),
        ("trainning.epochs=1", "trainning.epochs is unknown: did you mean training.epochs?"),
        ("trainning=cpu", "trainning is unknown: did you mean training?"),
        ("sead=3", "sead is unknown: did you mean seed?"),
        ("+sead=3", "sead is unknown: did you mean seed?"),
        ("zzz=3", "zzz is unknown: nothing is called like it."),
        ("model.backbone.layer=3", "did you mean model.backbone.layers?"),
    ],
)
def test_unknown_key_names_the_nearest(override: str, sentence: str) -> None:
    assert sentence in refusal([override])


def test_unknown_key_that_is_added_lists_what_there_is() -> None:
    sentence = refusal(["+model.head.droput=0.1"])
    assert sentence == (
        "model.head.droput is unknown: did you mean dropout? model.head takes dropout."
    )


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("training.epochs=ten", 'training.epochs="ten" does not fit: it should be a valid integer'),
        ("training.epochs=1.5", "training.epochs=1.5 does not fit: it should be a valid integer"),
        ("training.epochs=true", "training.epochs=true does not fit: it should be a valid integer"),
        ("training.epochs=", 'training.epochs="" does not fit'),
        ("training.transpose=5", "training.transpose=5 does not fit"),
        ("training.transpose=[1]", "training.transpose.1 is missing"),
        ("training.transpose=[-1,0,1]", "training.transpose=[-1, 0, 1] does not fit"),
        ("sampling.prompt=5", "sampling.prompt=5 does not fit: it should be a valid string"),
        ("split.train=null", "split.train=null does not fit: it should be a valid number"),
        ("split.group_alike=1", "split.group_alike=1 does not fit: it should be a valid boolean"),
        ("model_dir=3", "model_dir=3 does not fit: it should be a folder"),
        ("samples_dir=[a]", 'samples_dir=["a"] does not fit: it should be a folder'),
        ("plugins=numpy", 'plugins="numpy" does not fit: it should be a list of packages'),
        ("plugins=[3]", "plugins=[3] does not fit: it should be a list of packages"),
        ("model.head=softmax", 'model.head="softmax" does not fit: it should name a class'),
        ("model.head=null", "model.head=null does not fit: it should name a class"),
    ],
)
def test_wrong_type(override: str, sentence: str) -> None:
    assert sentence in refusal([override])


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        (
            "training.epochs=0",
            "training.epochs=0 does not fit: it should be greater than or equal to 1.",
        ),
        (
            "training.learning_rate=-1",
            "training.learning_rate=-1 does not fit: it should be greater than 0.",
        ),
        ("training.learning_rate=11", "it should be less than or equal to 10."),
        ("model.backbone.dropout=1.0", "model.backbone.dropout=1.0 does not fit"),
        ("representation.steps_per_quarter=65", "representation.steps_per_quarter=65 does not fit"),
        ("corpus.programs=[1,200]", "corpus.programs.1=200 does not fit"),
        ("corpus.programs=[]", "corpus.programs=[] does not fit"),
    ],
)
def test_out_of_range(override: str, sentence: str) -> None:
    assert sentence in refusal([override])


@pytest.mark.parametrize("key", ["training.gradient_clip", "sampling.temperature", "split.train"])
@pytest.mark.parametrize(("value", "shown"), [("nan", "NaN"), ("inf", "Infinity")])
def test_neither_nan_nor_infinity(key: str, value: str, shown: str) -> None:
    assert f"{key}={shown} does not fit" in refusal([f"{key}={value}"])


def test_wrong_choice_lists_the_choices() -> None:
    assert refusal(["training.optimizer=sgd"]) == (
        "training.optimizer=\"sgd\" does not fit: it should be 'adam' or 'adamw'."
    )


@pytest.mark.parametrize("rate", [4000, 10000, 20000, 30000, 50000, 64000, 88200, 96000])
def test_a_sample_rate_that_no_sound_file_takes_lists_those_that_do(rate: int) -> None:
    assert refusal([f"sampling.sample_rate={rate}"]) == (
        f"sampling.sample_rate={rate} does not fit: it should be 8000, 11025, 12000, 16000, 22050, "
        "24000, 32000, 44100 or 48000."
    )


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["split=predefined"], "split.file is missing: it must be set."),
        (["training.window=???"], "training.window is missing: it must be set."),
        (["~model.head"], "model.head is missing: it must be set."),
        (["~model"], "model is missing from the config: choose one with model=…."),
        (["training.epochs=${nope}"], "training.epochs refers to nope, which is not there."),
    ],
)
def test_missing(overrides: list[str], sentence: str) -> None:
    assert refusal(overrides) == sentence


@pytest.mark.parametrize("seed", ["-1", "4294967296", "1.5", "abc", "null", "true"])
def test_seed_is_a_whole_number_of_32_bits(seed: str) -> None:
    sentence = refusal([f"seed={seed}"])
    assert sentence.startswith("seed=")
    assert sentence.endswith("does not fit: it should be a whole number from 0 to 2³²-1.")


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["split.train=0.9"], "split: train + validation + test is 1.1: it must be 1."),
        (["training.transpose=[3,1]"], "training: transpose=[3, 1] does not fit"),
        (
            ["sampling.prompt=test", "sampling.prompt_bars=99"],
            "sampling: prompt_bars=99 leaves nothing to compose",
        ),
        (["corpus.quantise=7"], "corpus: quantise=7 does not divide resolution=24"),
        (["corpus.path=/etc"], "corpus: path=/etc must stay inside the project"),
    ],
)
def test_values_that_do_not_fit_each_other(overrides: list[str], sentence: str) -> None:
    assert sentence in refusal(overrides)


@pytest.mark.parametrize("override", ["training.epochs", "a b", "=", "training={a: 1", "model=3"])
def test_what_is_no_override_is_refused(override: str) -> None:
    assert refusal([override])


@pytest.mark.parametrize("override", ["model=lstm,gru", "model=[lstm,gru]", "seed=1,2"])
def test_several_values_are_for_sweeps(override: str) -> None:
    sentence = refusal([override])
    assert sentence.endswith("names several: give one, or sweep over them with `ostinato run -m`.")


def test_what_is_no_override_is_named() -> None:
    assert refusal(["training.epochs"]) == (
        "'training.epochs' is no override: write key=value, for example model=gru."
    )


def test_architecture_that_cannot_take_the_representation() -> None:
    assert refusal(["model=onehot_lstm"]) == (
        "model=onehot_lstm cannot take representation=voices: the models that can are gan, "
        "gru, lstm, masked, masked_cnn, masked_transformer, rnn, tcn, "
        "transformer, vae, vae_hierarchical, wavenet."
    )


def test_byte_pairs_are_not_to_be_transposed() -> None:
    learning = ["representation=remi", "representation.vocabulary=1000"]
    assert refusal(learning) == (
        "representation=remi cannot be transposed as it is set, as byte pairs would be other "
        "tokens then: say training.transpose=[0,0]."
    )
    compose_config([*learning, "training.transpose=[0,0]"], ROOT)


def test_compound_words_have_no_byte_pairs() -> None:
    assert refusal(["representation=cpword", "representation.vocabulary=1000"]) == (
        "representation: vocabulary=1000 does not fit: MidiTok trains no byte pairs of compound "
        "words; it must be null."
    )


def test_unknown_key_in_a_file_names_the_nearest(conf: Path) -> None:
    (conf / "experiment" / "mine.yaml").write_text(
        "# @package _global_\ntraining:\n  learning_rat: 0.1\n"
    )
    sentence = refusal(["experiment=mine"], conf.parent)
    assert "training.learning_rat is unknown: did you mean learning_rate?" in sentence


def test_unknown_top_level_key_in_a_file(conf: Path) -> None:
    (conf / "experiment" / "mine.yaml").write_text("# @package _global_\nsede: 3\n")
    assert refusal(["experiment=mine"], conf.parent) == "sede is unknown: did you mean seed?"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("defaults:\n  - override /modle: lstm\n", "modle"),
        ("defaults:\n  - override /model: lstn\n", "model=lstn is unknown: did you mean lstm?"),
        ("training: [\n", "mine.yaml"),
        ("training: 3\n", "training"),
    ],
)
def test_file_that_does_not_compose(conf: Path, text: str, expected: str) -> None:
    (conf / "experiment" / "mine.yaml").write_text(f"# @package _global_\n{text}")
    assert expected in refusal(["experiment=mine"], conf.parent)


def write_params(root: Path, text: str) -> Path:
    path = root / "params.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("modle: lstm", "params.yaml: modle is unknown: did you mean model?"),
        ("seed: 3", "params.yaml: seed is unknown"),
        ("overrides: seed=1", 'params.yaml: overrides should be a list such as ["seed=1"].'),
        ("overrides: [3]", 'params.yaml: overrides should be a list such as ["seed=1"].'),
        ("[model, lstm]", "params.yaml should map"),
        ("model: [lstm, gru]", 'params.yaml: model=["lstm", "gru"] does not fit'),
        ("model: 3", "params.yaml: model=3 does not fit"),
        ("model: {", "params.yaml is not YAML"),
    ],
)
def test_params_that_cannot_be_used(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        params_overrides(write_params(tmp_path, text))
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_params_switch_tracking_off(tmp_path: Path) -> None:
    path = write_params(tmp_path, "tracking: off\noverrides: [seed=7]\nmodel: null\n")
    overrides = params_overrides(path)
    assert overrides == ["tracking=off", "seed=7"]
    config = compose(overrides, CONF)
    assert config["tracking.enabled"] is False
    assert config["choices.tracking"] == "off"
    assert config["seed"] == 7


def test_empty_params_mean_the_defaults(tmp_path: Path) -> None:
    assert params_overrides(write_params(tmp_path, "")) == []


def test_command_line_goes_before_params(project: Path) -> None:
    write_params(project, "model: rnn\noverrides: [seed=7, training.epochs=3]\n")
    config = compose_config(["model=gru", "training.epochs=4"], project)
    assert (config["choices.model"], config["seed"], config["training.epochs"]) == ("gru", 7, 4)


def test_later_override_replaces_the_earlier() -> None:
    assert without_overridden(["model=rnn", "seed=1", "+a=2"], ["model=lstm,gru", "a=3"]) == [
        "seed=1"
    ]


def test_composing_again_gives_the_same_bytes() -> None:
    assert compose(["model=gru"], CONF).text() == compose(["model=gru"], CONF).text()


def test_saved_config_loads_as_it_was(tmp_path: Path) -> None:
    config = compose([], CONF)
    config.save(tmp_path / "config.yaml")
    assert Config.load(tmp_path / "config.yaml").tree == config.tree


def test_values_are_plain_and_resolved() -> None:
    assert "${" not in compose([], CONF).text()
    assert "hydra" not in compose([], CONF).tree


def test_conf_is_found_from_a_folder_below_the_project(project: Path) -> None:
    assert conf_folder(project / "data" / "bach") == project.resolve() / "conf"


def test_completions_offer_options_and_keys() -> None:
    assert completions("model=", CONF) == [f"model={o}" for o in group_options(CONF, "model")]
    assert completions("training.learning", CONF) == ["training.learning_rate="]
    assert "seed=" in completions("se", CONF)
    assert "model/frame_head=" in completions("model/", CONF)
    assert "model/frame_head=bernoulli" in completions("model/frame_head=", CONF)
    assert "model.size=" in completions("model.s", CONF)
    assert completions("model.size=", CONF) == [
        f"model.size={s}" for s in ("base", "small", "tiny")
    ]


def test_composing_inside_a_run_of_hydra_leaves_that_run_alone() -> None:
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir

    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        assert compose(["model=gru"], CONF)["choices.model"] == "gru"
        assert hydra_compose("config", ["seed=5"]).seed == 5


def test_a_value_whose_change_dvc_would_not_notice_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"model\.head\.size needs another name"):
        compose(["+model.head.size=3"])


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (
            ["model=gan", "training.learning_rate=0.1"],
            "training.learning_rate is not read by model=gan: set training.generator_rate and "
            "training.critic_rate instead.",
        ),
        (
            ["model=gan", "training.gradient_clip=0.1"],
            "training.gradient_clip is not read by model=gan: set model.objective.penalty instead.",
        ),
        (
            ["experiment=bach_vae", "training.window=64"],
            "training.window is not read by model=vae: set model.bars instead.",
        ),
        (
            ["training.generator_rate=0.1"],
            "training.generator_rate is not read by model=lstm: set training.learning_rate "
            "instead.",
        ),
        (
            ["experiment=bach_gan", "sampling.top_p=0.9"],
            "sampling.top_p is not read by model=gan: leave it out.",
        ),
        (
            ["experiment=bach_gan", "evaluation.smoothing=1.0"],
            "evaluation.smoothing is not read by model=gan: leave it out.",
        ),
        (
            ["representation=pianoroll", "sampling.repetition_penalty=1.5"],
            "sampling.repetition_penalty is not read by model=lstm: leave it out.",
        ),
        *(
            (words, f"sampling.{name} is not read by model={model}: leave it out.")
            for model, words, name in [
                ("lstm", ["representation=pianoroll", "sampling.candidates=2"], "candidates"),
                ("lstm", ["representation=pianoroll", "sampling.min_bars=0"], "min_bars"),
                (
                    "lstm",
                    [*PIANOROLL_BY_BITS, "sampling.pitch_temperature=0.5"],
                    "pitch_temperature",
                ),
                ("lstm", [*PIANOROLL_BY_BITS, "sampling.pitch_top_p=0.5"], "pitch_top_p"),
                ("gan", ["model=gan", "sampling.pitch_temperature=0.5"], "pitch_temperature"),
                ("gan", ["model=gan", "sampling.pitch_top_p=0.5"], "pitch_top_p"),
                ("gan", ["model=gan", "sampling.candidates=2"], "candidates"),
                ("gan", ["model=gan", "sampling.min_bars=0"], "min_bars"),
                ("vae", ["model=vae", "sampling.candidates=2"], "candidates"),
            ]
        ),
        *(
            (
                [f"representation={chosen}", f"{key}=8"],
                f"{key} is not read by {where}: leave it out.",
            )
            for chosen, key in [
                ("voices", "model.input.embedding_size"),
                ("event", "model.voices.backbone.layers"),
                ("event", "model.frame_input.embedding_size"),
                ("pianoroll", "model.voices.head.reach"),
                ("pianoroll", "model.input.embedding_size"),
            ]
            for where in [f"model=lstm on representation={chosen}"]
        ),
        (
            ["experiment=bach_gan", "training.averaging=1.0"],
            "training.averaging=1.0 does not fit: it should be less than 1.",
        ),
        (
            ["experiment=bach_gan", "training.betas=[0.5]"],
            "training.betas.1 is missing: training.betas should have more values.",
        ),
    ],
)
def test_a_setting_that_has_no_effect_is_refused(overrides: list[str], sentence: str) -> None:
    assert refusal(overrides) == sentence


def test_plain_parts_serve_voices_where_there_are_no_others() -> None:
    config = compose_config(["model.voices=null", "model.input.embedding_size=8"], CONF.parent)
    assert config["model.input.embedding_size"] == 8


def test_settings_of_pitches_are_read_where_pitches_are_drawn_one_by_one() -> None:
    for words in (["representation=pianoroll"], ["representation=event"], []):
        config = compose([*words, "sampling.pitch_temperature=0.5"], CONF)
        assert config["sampling.pitch_temperature"] == 0.5


def test_what_an_experiment_sets_for_another_model_is_left_out(conf: Path) -> None:
    (conf / "experiment" / "mine.yaml").write_text(
        "# @package _global_\ntraining:\n  learning_rate: 0.1\n  epochs: 3\n"
    )
    config = compose_config(["experiment=mine", "model=gan"], conf.parent)
    assert config.left_out == ("training.learning_rate",)
    assert "learning_rate" not in config["training"]
    assert config["training.epochs"] == 3


def test_a_model_must_say_its_method(conf: Path) -> None:
    (conf / "model" / "mine.yaml").write_text(
        "# Mine.\n_target_: ostinato.models.sequence.SequenceModel\n"
    )
    assert refusal(["model=mine"], conf.parent).startswith("method is missing from the config: the")


def test_a_method_trains_its_own_networks(conf: Path) -> None:
    text = (conf / "model" / "gan.yaml").read_text()
    (conf / "model" / "gan.yaml").write_text(text.replace("adversarial\n", "variational\n", 1))
    assert refusal(["model=gan"], conf.parent) == (
        "method=Variational does not fit: it trains a VAE, and model=gan is a GAN."
    )


@pytest.mark.parametrize(
    ("typed", "new"),
    [
        ("training.transposed=0.5", "training.transpose_probability"),
        ("+training.transposed=0.5", "training.transpose_probability"),
        ("sampling.steps=7", "sampling.interpolation_steps"),
        ("sampling.from=a.mid", "sampling.start"),
    ],
)
def test_an_old_key_is_answered_with_the_new_one(typed: str, new: str) -> None:
    old = typed.lstrip("+").partition("=")[0]
    with pytest.raises(ConfigError, match=rf"^{old} is called {new} now: write that instead\.$"):
        compose([typed], CONF)
