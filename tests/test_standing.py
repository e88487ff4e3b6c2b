"""Where one stands: paths of the project are the project's, and what is printed exists."""

import os
import re
import shutil
from pathlib import Path

import pytest
import yaml

from ostinato import cli, console

Captured = pytest.CaptureFixture[str]

TINY = (
    "debug=smoke",
    "training.epochs=1",
    "training.max_pieces=4",
    "model.size=tiny",
    "model.backbone.hidden_size=16",
    "sampling.min_bars=0",
    "sampling.max_bars=2",
    "sampling.prompt_bars=1",
    "tracking=off",
)


@pytest.fixture
def docs(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Standing in a folder of a project."""
    (project / "docs").mkdir()
    monkeypatch.chdir(project / "docs")
    return project / "docs"


def composed(project: Path) -> dict[str, object]:
    tree = yaml.safe_load((project / "outputs" / "config.yaml").read_text())
    assert isinstance(tree, dict)
    return tree


def printed_paths(text: str) -> list[str]:
    return re.findall(r"(?:\.\./|/)?[\w./-]*outputs/[\w./-]*\w", text)


@pytest.mark.slow
def test_a_run_from_a_folder_of_the_project_writes_to_its_outputs(
    docs: Path, capsys: Captured
) -> None:
    assert cli.main(["run", *TINY]) == 0
    assert list(docs.iterdir()) == []
    assert len(list(docs.parent.glob("outputs/runs/*/*/model/weights.safetensors"))) == 1
    shown = capsys.readouterr()
    paths = printed_paths(shown.out + shown.err)
    assert len(paths) >= 4
    for path in paths:
        assert Path(path).exists(), f"{path} does not exist as it is printed"


def test_a_stage_from_a_folder_of_the_project_prints_a_path_that_exists(
    docs: Path, capsys: Captured
) -> None:
    assert cli.main(["compose"]) == 0
    assert "composed ../outputs/config.yaml: " in capsys.readouterr().out
    assert Path("../outputs/config.yaml").exists()
    assert list(docs.iterdir()) == []
    assert cli.main(["preprocess"]) == 0
    assert Path.cwd() == docs


def test_a_checkout_is_left_alone_from_a_folder_above_it(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ostinato.config.location.__file__", str(project / "src" / "a" / "b" / "c"))
    monkeypatch.chdir(tmp_path)
    assert cli.main(["compose", "seed=7"]) == 0
    assert not (project / "outputs").exists()
    assert composed(tmp_path)["seed"] == 7


def test_typed_paths_are_seen_from_where_one_stands(docs: Path) -> None:
    shutil.copy(next((docs.parent / "data" / "bach").iterdir()), docs / "mine.mid")
    words = ("sampling.prompt=mine.mid", "model_dir=../given", "split=predefined")
    assert cli.main(["compose", *words, "split.file=parts.json"]) == 0
    config = composed(docs.parent)
    assert config["sampling"]["prompt"] == "docs/mine.mid"  # type: ignore[index]
    assert config["split"]["file"] == "docs/parts.json"  # type: ignore[index]
    assert config["model_dir"] == "given"
    assert cli.main(["compose", "sampling=continue", "corpus.mirror=https://a.org/b"]) == 0
    config = composed(docs.parent)
    assert config["sampling"]["prompt"] == "test"  # type: ignore[index]
    assert config["corpus"]["mirror"] == "https://a.org/b"  # type: ignore[index]
    assert cli.main(["compose", "samples_dir=../../elsewhere"]) == 0
    assert composed(docs.parent)["samples_dir"] == str(docs.parent.parent / "elsewhere")


def test_paths_of_params_are_seen_from_the_project(docs: Path) -> None:
    params = docs.parent / "params.yaml"
    shutil.copy(next((docs.parent / "data" / "bach").glob("*.mid")), docs.parent / "mine.mid")
    params.write_text('overrides: ["sampling.prompt=mine.mid"]\n')
    assert cli.main(["compose"]) == 0
    assert composed(docs.parent)["sampling"]["prompt"] == "mine.mid"  # type: ignore[index]


@pytest.mark.usefixtures("docs")
@pytest.mark.parametrize("name", ["here", "it's, here"])
def test_folders_of_hydra_are_seen_from_where_one_stands(name: str, capsys: Captured) -> None:
    assert cli.main(["run", f'hydra.run.dir="{name}"', "--cfg", "hydra"]) == 0
    [line] = [
        line for line in capsys.readouterr().out.splitlines() if line.startswith("    dir: d")
    ]
    assert yaml.safe_load(line) == {"dir": f"docs/{name}"}


@pytest.mark.parametrize("words", [["--config", "mine.yaml"], ["--config", "../docs/mine.yaml"]])
def test_a_composed_config_is_seen_from_where_one_stands(words: list[str], docs: Path) -> None:
    assert cli.main(["compose"]) == 0
    shutil.move(docs.parent / "outputs" / "config.yaml", docs / "mine.yaml")
    assert cli.main(["preprocess", *words]) == 0
    assert (docs.parent / "outputs" / "pieces").is_dir()


def test_inspecting_is_of_what_one_sees(docs: Path, capsys: Captured) -> None:
    shutil.copy(next((docs.parent / "data" / "bach").iterdir()), docs / "mine.mid")
    assert cli.main(["inspect", "mine.mid", "--picture", "mine.png"]) == 0
    assert (docs / "mine.png").exists()
    assert "the picture is mine.png" in capsys.readouterr().out


def test_a_folder_that_is_gone_is_one_sentence(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert cli.main(["compose"]) == 1
    assert capsys.readouterr().err.startswith("ostinato: the folder that you stand in is gone")
    os.chdir(tmp_path)


def test_where_a_path_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project, below = tmp_path / "project", tmp_path / "project" / "docs"
    below.mkdir(parents=True)
    monkeypatch.chdir(project)
    assert console.where(project / "outputs") == "outputs"
    assert console.where(tmp_path / "other") == str(tmp_path / "other")
    with console.seen_from(below):
        assert console.where(Path("outputs/model")) == "../outputs/model"
        assert console.where(below / "a.mid") == "a.mid"
        assert console.where(tmp_path / "other") == str(tmp_path / "other")
