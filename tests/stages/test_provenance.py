"""The report says where it comes from, and says so where that is not known."""

import html
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ostinato.config import Config, conf_folder
from ostinato.config.composition import compose
from ostinato.errors import UserError
from ostinato.stages import evaluate, generate, preprocess, split, train
from ostinato.stages.compose import compose_config
from ostinato.stages.workspace import Workspace
from projects import commit, run

WORDS = [
    "debug=smoke",
    "model=gru",
    "model.size=tiny",
    "model.backbone.hidden_size=16",
    "training.max_pieces=8",
    "training.transpose=[-1,2]",
    "training.early_stopping=null",
    "corpus.name='two words'",
    "sampling.min_bars=0",
    "sampling.max_bars=2",
    "seed=3",
]
UNCOUNTED = ["preprocess.processes=1", "tracking=off"]


@pytest.fixture(scope="module")
def trained(
    project_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Config, Workspace]]:
    """A tiny model with samples, in a folder of a run: read only."""
    project = tmp_path_factory.mktemp("provenance") / "project"
    shutil.copytree(project_template, project)
    run(project, "git", "init", "-q")
    for key, value in (("name", "A Musician"), ("email", "musician@example.org")):
        run(project, "git", "config", f"user.{key}", value)
    commit(project, "as it is")
    workspace = Workspace(project, project / "outputs" / "runs" / "2026-01-31" / "12-00-00")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        config = compose_config([*WORDS, *UNCOUNTED], project)
        workspace.outputs.mkdir(parents=True)
        config.save(workspace.config)
        for stage in (preprocess, split, train, generate):
            stage.run(config, workspace)
        yield config, workspace


@pytest.fixture
def evaluated(
    trained: tuple[Config, Workspace], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Config, Workspace]:
    """A copy of it, to change."""
    config, workspace = trained
    root = Path(shutil.copytree(workspace.root, tmp_path / "copy", symlinks=True))
    monkeypatch.chdir(root)
    return config, Workspace(root, root / workspace.outputs.relative_to(workspace.root))


def page_of(config: Config, workspace: Workspace) -> str:
    evaluate.run(config, workspace)
    return html.unescape((workspace.evaluation / "report.html").read_text(encoding="utf-8"))


def command_of(page: str) -> list[str]:
    [command] = re.findall(r'<pre class="command">(.*?)</pre>', page)
    program, stage, *words = shlex.split(command)
    assert (program, stage) == ("ostinato", "run")
    return words


def test_the_command_of_the_report_composes_to_its_config(
    evaluated: tuple[Config, Workspace],
) -> None:
    config, workspace = evaluated
    page = page_of(config, workspace)
    words = command_of(page)
    again = compose_config([*words, *UNCOUNTED], workspace.root)
    assert again.tree == config.tree
    assert compose([*words, *UNCOUNTED], conf_folder(workspace.root)).tree == config.tree
    assert "Music like that of two words: " in page
    assert "transposed by -1 to 2 semitones" in page
    for key, value in (("seed of the samples", "3"), ("training.max_pieces", "8")):
        assert f'<th scope="row">{key}</th><td>{value}</td>' in page


@pytest.mark.slow
def test_a_run_of_its_own_names_the_commit(evaluated: tuple[Config, Workspace]) -> None:
    config, workspace = evaluated
    clean = re.search(
        r">commit of the code</th><td>([0-9a-f]{40})</td>", page_of(config, workspace)
    )
    assert clean
    with (workspace.root / "params.yaml").open("a") as file:
        file.write("\n# changed\n")
    assert f"<td>{clean[1]}, and changes</td>" in page_of(config, workspace)


@pytest.mark.slow
def test_a_page_that_dvc_hashes_does_not_change_with_commits(
    evaluated: tuple[Config, Workspace],
) -> None:
    config, own = evaluated
    shutil.copytree(own.outputs, own.root / "outputs", dirs_exist_ok=True)
    workspace = Workspace(own.root, own.root / "outputs")
    before = page_of(config, workspace)
    with (workspace.root / "params.yaml").open("a") as file:
        file.write("\n# changed\n")
    commit(workspace.root, "changed")
    assert page_of(config, workspace) == before
    assert command_of(before)


@pytest.mark.slow
def test_a_run_evaluated_again_has_its_own_curves_and_command(
    evaluated: tuple[Config, Workspace],
) -> None:
    config, own = evaluated
    workspace = Workspace(own.root, own.root / "outputs")
    folders = {"model_dir": str(own.model), "samples_dir": str(own.samples)}
    other = compose_config(["training.epochs=7", "tracking=off"], own.root)
    other = Config({**other.tree, **folders, "evaluation": config["evaluation"]})
    workspace.curves.write_text("epoch,train,validation\n99,1.0,1.0\n")
    page = page_of(other, workspace)
    assert command_of(page) == command_of(page_of(config, own))
    assert "validation was best after epoch 99" not in page
    assert re.search(r"validation was best after epoch [12]\.", page)


@pytest.mark.slow
def test_samples_that_were_drawn_otherwise_are_named(evaluated: tuple[Config, Workspace]) -> None:
    config, workspace = evaluated
    sampling = {**config["sampling"], "temperature": 0.5}
    generate.run(Config({**config.tree, "sampling": sampling, "seed": 4}), workspace)
    page = page_of(config, workspace)
    assert "The samples were drawn afterwards, by `ostinato generate` with seed=4, " in page
    assert "temperature=0.5" in page


@pytest.mark.parametrize("changed", [{"training": {"epochs": 9}}, {"model": {"backbone": None}}])
def test_a_config_that_may_not_be_that_of_the_training_gives_no_command(
    evaluated: tuple[Config, Workspace], changed: dict[str, dict[str, object]]
) -> None:
    config, own = evaluated
    shutil.copytree(own.outputs, own.root / "outputs", dirs_exist_ok=True)
    workspace = Workspace(own.root, own.root / "outputs")
    [(group, values)] = changed.items()
    Config({**config.tree, group: {**config[group], **values}}).save(workspace.config)
    page = page_of(config, workspace)
    assert f"outputs/config.yaml says otherwise of {group} than this evaluation" in page
    assert "<pre" not in page


def test_without_a_config_the_command_is_not_known(evaluated: tuple[Config, Workspace]) -> None:
    config, workspace = evaluated
    workspace.config.unlink()
    page = page_of(config, workspace)
    assert "config.yaml is not there, so that the command that made this is not known" in page
    assert "<pre" not in page


def test_a_model_from_elsewhere_has_no_command(
    evaluated: tuple[Config, Workspace], tmp_path: Path
) -> None:
    config, own = evaluated
    theirs = Path(shutil.copytree(own.outputs, tmp_path / "theirs"))
    folders = {"model_dir": str(theirs / "model"), "samples_dir": str(theirs / "samples")}
    page = page_of(Config({**config.tree, **folders}), own)
    assert "The model is from elsewhere" in page
    assert "<pre" not in page


def test_samples_of_another_model_are_refused(evaluated: tuple[Config, Workspace]) -> None:
    config, workspace = evaluated
    with (workspace.model / "vocabulary.tsv").open("a") as file:
        file.write("\n")
    with pytest.raises(UserError, match="are not of the model"):
        evaluate.run(config, workspace)
