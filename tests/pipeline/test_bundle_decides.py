"""A trained model decides what it can be told, whatever params.yaml says of the next training."""

import json
import re
import shlex
from pathlib import Path

import pytest

from ostinato import cli

Captured = pytest.CaptureFixture[str]

TINY = (
    "debug=smoke",
    "training.epochs=1",
    "training.max_pieces=6",
    "sampling.pieces=1",
    "tracking=off",
)
GAN = ("experiment=bach_gan", "model.size=tiny", *TINY)
LSTM = ("model.size=tiny", "model.backbone.hidden_size=16", *TINY)


@pytest.fixture
def here(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(project)
    return project


def run(*words: str) -> Path:
    """The folder of a run of these words."""
    before = set(Path("outputs/runs").glob("*/*"))
    assert cli.main(["run", *words]) == 0
    [folder] = set(Path("outputs/runs").glob("*/*")) - before
    return folder


def about(samples: Path) -> dict[str, object]:
    result = json.loads((samples / "sampling.json").read_text())
    assert isinstance(result, dict)
    return result


def last_command(captured: Captured) -> list[str]:
    """The command that a run ends with, as words."""
    [line] = re.findall(r"^more of it: (ostinato generate .*)$", captured.readouterr().out, re.M)
    return shlex.split(line)[1:]


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_a_gan_interpolates_where_params_name_an_lstm(capsys: Captured) -> None:
    folder = run(*GAN)
    command = last_command(capsys)
    assert cli.main(command) == 0
    assert about(Path("more"))["model"] == "gan"
    assert cli.main(["generate", "sampling=interpolate", "samples_dir=last", "tracking=off"]) == 0
    assert f"the model trained last is in {folder}/model" in capsys.readouterr().out
    assert about(Path("last"))["model"] == "gan"
    words = (f"model_dir={folder}/model", "tracking=off")
    assert cli.main(["generate", "sampling=interpolate", *words, "samples_dir=ways"]) == 0
    assert about(Path("ways"))["interpolation_steps"] == 8
    assert cli.main(["evaluate", *words, "samples_dir=ways"]) == 0
    assert "segments" in json.loads(Path("outputs/evaluation/metrics.json").read_text())
    folder = run(*LSTM)
    capsys.readouterr()
    assert cli.main(["evaluate", f"model_dir={folder}/model", "samples_dir=ways"]) == 1
    assert "the samples in ways are not of the model in" in capsys.readouterr().err
    assert cli.main(["generate", "sampling=continue", *words]) == 2
    assert "model=gan makes whole segments" in capsys.readouterr().err
    assert cli.main(["generate", "model=gru", *words, "samples_dir=more"]) == 0
    assert "model=gru has no effect" in capsys.readouterr().err


def test_the_model_of_the_project_decides_after_params_have_changed(here: Path) -> None:
    for stage in ("preprocess", "split", "train"):
        assert cli.main([stage, *LSTM]) == 0
    params = here / "params.yaml"
    params.write_text("experiment: bach_gan\ntracking: off\noverrides: [sampling.pieces=1]\n")
    assert (
        cli.main(
            ["generate", "sampling.min_bars=0", "sampling.max_bars=2", "sampling.prompt_bars=1"]
        )
        == 0
    )
    assert about(here / "outputs" / "samples")["model"] == "lstm"
    assert cli.main(["generate", "sampling=interpolate"]) == 2
    assert cli.main(["generate", "sampling=continue", "sampling.max_bars=5"]) == 0


@pytest.mark.parametrize(
    "words",
    [
        (*GAN, "model.given_bars=1", "sampling=continue", "sampling.prompt_bars=2"),
        (
            "experiment=article",
            "model.backbone.hidden_size=16",
            *TINY,
            "sampling.prompt_bars=1",
        ),
    ],
    ids=["gan", "sequence"],
)
def test_the_command_of_a_model_that_needs_a_prompt_has_one(
    words: tuple[str, ...], here: Path, capsys: Captured
) -> None:
    folder = run(*words)
    command = last_command(capsys)
    assert "sampling=continue" in command
    assert f"model_dir={folder}/model" in command
    assert not (here / "outputs" / "pieces").exists()
    assert cli.main([*command, "tracking=off", "sampling.pieces=1"]) == 0
    assert about(here / "more")["prompt"] == "test"


@pytest.mark.usefixtures("here")
@pytest.mark.slow
def test_the_command_of_a_run_works_under_params_that_ask_for_a_prompt(capsys: Captured) -> None:
    Path("params.yaml").write_text("experiment: article\n")
    run(*GAN, "sampling=ancestral")
    assert "sampling=ancestral" in last_command(capsys)


@pytest.mark.usefixtures("here")
def test_what_needs_a_prompt_is_refused_before_it_is_trained(capsys: Captured) -> None:
    assert cli.main(["run", "experiment=article", "sampling=ancestral"]) == 2
    assert "say sampling=continue or sampling.prompt=my.mid" in capsys.readouterr().err
