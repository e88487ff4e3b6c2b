"""What the program prints: our words alone, paths that exist, advice that works."""

import re
import shutil
from pathlib import Path

import pytest

from defaults import build
from ostinato import __version__, cli
from ostinato.config import group_options
from ostinato.config.composition import GROUPS
from ostinato.errors import ConfigError, UserError
from ostinato.stages.compose import compose_config

ROOT = Path(__file__).parents[1]
Captured = pytest.CaptureFixture[str]
TINY = (
    "debug=smoke",
    "training.epochs=1",
    "model.size=tiny",
    "model.backbone.hidden_size=16",
    "sampling.min_bars=0",
    "sampling.max_bars=3",
    "tracking=off",
)


@pytest.fixture
def here(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Standing in a project folder."""
    monkeypatch.chdir(project)
    return project


def test_what_stops_a_run_is_our_sentence_alone(here: Path, capsys: Captured) -> None:
    shutil.rmtree(here / "data" / "bach")
    assert cli.main(["run", "tracking=off"]) == 1
    assert capsys.readouterr().err == (
        "ostinato: data/bach is not there: run `ostinato fetch` or `dvc pull`.\n"
    )


def test_what_stops_a_sweep_is_our_sentences_alone(here: Path, capsys: Captured) -> None:
    shutil.rmtree(here / "data" / "bach")
    assert cli.main(["run", "-m", "seed=1,2", "tracking=off"]) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line]
    assert len(lines) == 3
    assert all(line.startswith("warning: this run of the sweep failed: ") for line in lines[:2])
    assert lines[2].startswith("ostinato: 2 runs of the sweep failed: ")


def test_help_of_run_is_our_own(here: Path, capsys: Captured) -> None:
    assert cli.main(["run", "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("usage: ostinato run [-m] [key=value ...]")
    assert "powered by hydra" not in shown.lower()
    for group in GROUPS:
        assert f"\n  {group}=" in shown
        assert all(option in shown for option in group_options(here / "conf", group))
    for word in ("--multirun", "--cfg job", "--info", "hydra/launcher", "joblib", "examples"):
        assert word in shown
    assert max(map(len, shown.splitlines())) <= 100


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("words", [["--cfg", "job"], ["--info", "defaults"]])
def test_flags_of_hydra_still_work(words: list[str], capsys: Captured) -> None:
    assert cli.main(["run", "model=gru", *words]) == 0
    assert "gru" in capsys.readouterr().out.lower()


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("stage", ["generate", "evaluate"])
def test_help_of_what_takes_a_model_names_its_folders(stage: str, capsys: Captured) -> None:
    assert cli.main([stage, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "\nmodel_dir=null " in shown
    assert "\nsamples_dir=null " in shown


def test_the_version_is_said(capsys: Captured) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"ostinato {__version__}\n"


def test_a_temperature_of_nothing_names_what_is_meant() -> None:
    with pytest.raises(ConfigError, match=r"temperature=0 does not fit: say sampling\.top_k=1"):
        compose_config(["sampling.temperature=0"], ROOT)
    assert compose_config(["sampling.top_k=1"], ROOT)["sampling.top_k"] == 1


def test_a_server_that_does_not_answer_is_one_sentence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from ostinato.tracking import client_of

    with pytest.raises(UserError, match="does not answer"):
        client_of(build("tracking=local", uri="http://127.0.0.1:9"), tmp_path)
    assert [record for record in caplog.records if record.name.startswith("urllib3")] == []


def test_a_reject_is_explained_where_it_is_said(here: Path, capsys: Captured) -> None:
    (here / "docs").mkdir()
    (here / "data" / "bach" / "words.mid").write_text("This is no music.")
    assert cli.main(["preprocess"]) == 0
    [path] = re.findall(r"1 rejected \(reasons in (.*)\)", capsys.readouterr().out)
    assert "words.mid" in Path(path).read_text()


@pytest.mark.slow
def test_a_corpus_of_one_piece_is_told_what_works(here: Path, capsys: Captured) -> None:
    first, *others = sorted((here / "data" / "bach").iterdir())
    for path in others:
        path.unlink()
    assert first.exists()
    assert cli.main(["preprocess"]) == 0
    assert "1 piece read, 0 rejected" in capsys.readouterr().out
    assert cli.main(["split"]) == 1
    words = re.findall(r"split\.\w+=[\w.]*\w", capsys.readouterr().err)
    assert words == ["split.train=1", "split.validation=0", "split.test=0"]
    assert cli.main(["run", *TINY, *words]) == 0
    shown = capsys.readouterr().out
    assert " on 1 piece as voices" in shown
    assert not re.search(r"\b1 (pieces|files|notes|tracks|samples)\b", shown)
