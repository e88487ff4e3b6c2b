"""An experiment is named where it is run as its file says, and a corpus by its own name."""

from pathlib import Path

import pytest

from ostinato.config import compose
from ostinato.stages.compose import compose_config

ROOT = Path(__file__).parents[2]
CONF = ROOT / "conf"


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["experiment=bach_gan"],
        [
            "experiment=bach_gan",
            "seed=7",
            "tracking=off",
            "samples_dir=x",
            "preprocess.backend=dask",
        ],
        ["experiment=bach_gan", "model=gan", "training.epochs=14"],
        ["experiment=bach_lstm", "corpus.mirror=here", "tracking.experiment=ours"],
        ["experiment=bach_lstm", "hydra/launcher=basic", "model=lstm"],
    ],
)
def test_an_experiment_is_named_where_it_is_what_its_file_says(overrides: list[str]) -> None:
    expected = dict(override.split("=") for override in overrides).get("experiment", "bach_lstm")
    assert compose(overrides, CONF)["choices.experiment"] == expected


@pytest.mark.parametrize(
    "overrides",
    [
        ["model=gru"],
        ["experiment=bach_gan", "training.epochs=13"],
        ["experiment=bach_lstm", "debug=smoke"],
        ["experiment=bach_lstm", "corpus=folder"],
        ["experiment=bach_lstm", "split.seed=7"],
        ["experiment=bach_lstm", "sampling.pieces=12"],
        ["~experiment"],
    ],
)
def test_a_config_that_is_no_experiments_names_none(overrides: list[str]) -> None:
    assert compose(overrides, CONF)["choices.experiment"] is None


def test_params_that_change_the_experiment_name_none(project: Path) -> None:
    assert compose_config([], project)["choices.experiment"] == "bach_lstm"
    (project / "params.yaml").write_text("experiment: bach_lstm\nmodel: gru\n")
    assert compose_config([], project)["choices.experiment"] is None
    (project / "params.yaml").write_text("experiment: bach_lstm\noverrides: [seed=1]\n")
    assert compose_config([], project)["choices.experiment"] == "bach_lstm"


def test_an_experiment_that_was_edited_is_still_itself(project: Path) -> None:
    overrides = ["experiment=bach_gan", "training.epochs=13"]
    assert compose(overrides, project / "conf")["choices.experiment"] is None
    file = project / "conf" / "experiment" / "bach_gan.yaml"
    file.write_text(file.read_text().replace("epochs: 14", "epochs: 13"))
    assert compose(overrides, project / "conf")["choices.experiment"] == "bach_gan"
