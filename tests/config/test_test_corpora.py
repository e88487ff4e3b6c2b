"""Corpora to score a model on are composed as if it were trained on them."""

from pathlib import Path

import pytest

from ostinato.config import compose, conf_folder
from ostinato.config.launching import name_swept_corpora
from ostinato.errors import ConfigError, UserError
from ostinato.stages import compose as stage
from ostinato.stages.compose import check_compatibility
from ostinato.stages.workspace import Workspace

CONF = Path(__file__).parents[2] / "conf"
CROSS = "experiment=cross_corpus"


def test_a_corpus_to_test_on_is_what_a_run_on_it_would_read_and_divide() -> None:
    shared = [CROSS, "corpus.quantise=4", "split.seed=7", "split.test=0.2", "split.train=0.7"]
    found = compose([*shared, "corpus=bach"], CONF)
    for name in ("bach", "essen", "ryans_mammoth"):
        own = compose([*shared, f"corpus={name}"], CONF)
        assert found["test_corpora"][name] == {"corpus": own["corpus"], "split": own["split"]}
        assert own["test_corpora"] == found["test_corpora"], "a sweep tests all alike"


def test_what_says_which_music_the_own_corpus_is_says_nothing_of_others() -> None:
    words = ["corpus=folder", "corpus.path=data/ours", "corpus.name=ours", "corpus.min_notes=9"]
    found = compose([*words, "evaluation.corpora=[folder,essen]"], CONF)["test_corpora"]
    assert found["folder"]["corpus"]["path"] == "data/ours"
    assert found["essen"]["corpus"]["path"] == "data/essen"
    assert found["essen"]["corpus"]["name"] == "essen"
    assert found["essen"]["corpus"]["min_notes"] == 9


def test_no_corpora_are_tested_on_unless_they_are_named() -> None:
    config = compose([], CONF)
    assert config["evaluation.corpora"] == []
    assert config["test_corpora"] == {}


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["evaluation.corpora=[esen]"], r"names esen, and corpus=esen .*: did you mean essen\?"),
        (["evaluation.corpora=essen"], r"evaluation\.corpora=\S*essen\S* does not fit: "),
        (["evaluation.corpora=['']"], r"evaluation\.corpora\.0=\"\" does not fit: "),
        (
            ["evaluation.corpora=[bach,essen]", "corpus.name=essen"],
            "names bach and essen, which are both called essen",
        ),
        (["+test_corpora={}"], "test_corpora is unknown"),
    ],
)
def test_corpora_that_do_not_compose_are_refused(overrides: list[str], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        compose(overrides, CONF)


@pytest.mark.parametrize("model", ["gan", "vae"])
def test_a_model_without_likelihood_is_refused(model: str) -> None:
    words = [f"model={model}", "representation=pitch"]
    check_compatibility(compose(words, CONF), CONF)
    with pytest.raises(ConfigError, match=rf"model={model} gives no likelihood of a piece: .*lstm"):
        check_compatibility(compose([*words, "evaluation.corpora=[bach]"], CONF), CONF)


def test_music_that_is_not_there_is_said_before_anything_is_trained(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    config = stage.compose_config(["evaluation.corpora=[bach,palestrina]"], project)
    with pytest.raises(UserError, match=r"data/palestrina is not there, .* fetch corpus=palest"):
        stage.run(config, Workspace(project, project / "outputs"))
    assert not (project / "outputs" / "config.yaml").exists()


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        ([CROSS, "corpus=bach,jsb", "seed=1,2"], ["evaluation.corpora=[bach,jsb]"]),
        ([CROSS, "corpus=choice(bach,jsb)"], ["evaluation.corpora=[bach,jsb]"]),
        ([CROSS, "corpus=bach,jsb", "evaluation.corpora=[essen]"], []),
        ([CROSS, "corpus=jsb"], []),
        ([CROSS, "seed=1,2"], []),
        (["corpus=bach,jsb"], []),
    ],
)
def test_a_sweep_over_corpora_tests_on_those_it_is_over(
    overrides: list[str], named: list[str]
) -> None:
    assert name_swept_corpora(overrides, conf_folder()) == named
