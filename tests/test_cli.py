"""What the command line says, and with which exit code it ends."""

import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ostinato import cli
from ostinato.config import compose
from ostinato.config.instantiate import configurable, description
from ostinato.stages.workspace import Workspace

Captured = pytest.CaptureFixture[str]

READ = {
    "fetch": ["corpus"],
    "compose": [],
    "preprocess": ["corpus"],
    "split": ["split"],
    "train": ["representation", "model", "training", "seed"],
    "generate": ["sampling", "seed"],
    "evaluate": ["evaluation"],
}


@pytest.fixture
def here(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Standing in a project folder."""
    monkeypatch.chdir(project)
    return project


def refused(arguments: list[str], captured: Captured, code: int = 2) -> str:
    """The one line that the command line prints when it refuses."""
    assert cli.main(arguments) == code
    err = captured.readouterr().err
    assert err.startswith("ostinato: ")
    assert err.count("\n") == 1
    return err


def test_help_shows_every_stage(capsys: Captured) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    for stage in (*READ, "run", "inspect", "ui"):
        assert f"\n    {stage}" in shown


def test_without_a_stage_the_help_is_shown(capsys: Captured) -> None:
    assert cli.main([]) == 2
    assert "usage: ostinato" in capsys.readouterr().out


@pytest.mark.parametrize("stage", READ)
def test_help_of_a_stage_shows_its_keys(stage: str, here: Path, capsys: Captured) -> None:
    assert cli.main([stage, "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: ostinato {stage} ")
    config = compose([], here / "conf")
    for group in READ[stage]:
        assert f"\n{group}=" in shown
        if not isinstance(config[group], dict):
            continue
        for key, cls in config.targets(group):
            for name, (hint, _) in configurable(cls).items():
                if name in config[key] and not isinstance(config[key][name], dict):
                    assert f"{key}.{name}=" in shown
                    assert description(hint), f"{key}.{name} says nothing of itself"
                    assert description(hint) in shown


@pytest.mark.usefixtures("here")
def test_help_shows_the_values_under_overrides(capsys: Captured) -> None:
    assert cli.main(["train", "model=gru", "training.epochs=77", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "model=gru" in shown
    assert "training.epochs=77" in shown


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "model=lstn"], "model=lstn is unknown: did you mean lstm?"),
        (["train", "training.learning_rat=1"], "did you mean training.learning_rate?"),
        (["train", "training.epochs=ten"], 'training.epochs="ten" does not fit'),
        (["train", "training.learning_rate=-1"], "training.learning_rate=-1 does not fit"),
        (["train", "split=predefined"], "split.file is missing: it must be set."),
        (["train", "model=onehot_lstm"], "cannot take representation=voices"),
        (["train", "model.head._target_=os.system"], "is not allowed"),
        (["compose", "split.train=0.9"], "train + validation + test is 1.1"),
        (["run", "model=lstn"], "model=lstn is unknown: did you mean lstm?"),
        (["run", "training.epochs=0"], "training.epochs=0 does not fit"),
        (["train", "--config", "nowhere.yaml"], "nowhere.yaml is not there"),
        (["train", "--config", "params.yaml"], "representation names no class"),
        (["train", "--config", "conf"], "conf is not there"),
        (["train", "--config", "params.yaml", "seed=1"], "give either --config or overrides"),
        (["sing"], "sing is no stage: there are fetch, compose,"),
        (["train", "--epochs", "3"], "unrecognized arguments: --epochs"),
        (["train", "--config"], "argument --config: expected one argument"),
        (["ui", "--port", "x"], "argument --port"),
        (["inspect"], "the following arguments are required: PATH"),
        (["run", "--from"], "argument --from: expected one argument"),
        (["run", "--from", "no/run"], "no/run is not there: give the folder of a run."),
        (["run", "--from", "params.yaml"], "params.yaml is a file: give the folder of a run"),
        (["run", "--from", "conf"], "conf/config.yaml is no config of a run"),
        (["run", "--from", "data"], "data holds no config.yaml: give the folder of a run"),
        (["run", "--from", "http://h/1"], "http://h/1 is no address of a run: give that of its"),
        (["run", "--from", "http://a:b@h/#/runs/1"], "--from holds a name or a password"),
        (["run", "--from", "x", "--config", "y"], "--config: not allowed with argument --from"),
        (["run", "--config", "no.yaml"], "no.yaml is not there: `ostinato config export RUN`"),
        (["run", "--config", "params.yaml"], "params.yaml is no config of a run: give a file"),
        (["config"], "the following arguments are required: export"),
        (["config", "export"], "the following arguments are required: RUN"),
        (["config", "export", "no/run"], "no/run is not there: give the folder of a run."),
    ],
)
def test_bad_command_line_is_one_sentence(
    arguments: list[str], sentence: str, here: Path, capsys: Captured
) -> None:
    assert sentence in refused(arguments, capsys)
    assert not (here / "outputs").exists()


@pytest.mark.parametrize(
    ("stage", "before"),
    [("split", "preprocess"), ("train", "preprocess"), ("generate", "train"), ("ui", "make repro")],
)
def test_stage_that_comes_too_early_says_what_comes_first(
    stage: str, before: str, here: Path, capsys: Captured
) -> None:
    assert before in refused([stage], capsys, code=1)
    assert list(here.glob("outputs/[a-z]*.json")) == []


def test_broken_params_are_one_sentence(here: Path, capsys: Captured) -> None:
    (here / "params.yaml").write_text("model: [\n")
    assert "params.yaml is not YAML" in refused(["compose"], capsys)


def test_the_real_command_ends_with_two_and_no_traceback(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ostinato", "train", "training.epochs=ten"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        'ostinato: training.epochs="ten" does not fit: it should be a valid integer.\n'
    )


def test_compose_writes_the_config_that_the_stages_take(here: Path, capsys: Captured) -> None:
    assert cli.main(["compose", "model=gru"]) == 0
    assert "composed outputs/config.yaml: corpus=bach, " in capsys.readouterr().out
    first = (here / "outputs" / "config.yaml").read_bytes()
    assert cli.main(["compose", "model=gru"]) == 0
    assert (here / "outputs" / "config.yaml").read_bytes() == first
    assert cli.main(["train", "--config", "outputs/config.yaml", "--help"]) == 0
    assert "model=gru" in capsys.readouterr().out


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "the disk is full at outputs/config.yaml"),
        (errno.EDQUOT, "the disk quota is used up"),
        (errno.EROFS, "the file system is read-only"),
        (errno.EACCES, "no permission at outputs/config.yaml"),
    ],
)
def test_what_the_disk_refuses_is_one_sentence(
    number: int, sentence: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number), "outputs/config.yaml")

    monkeypatch.setattr("ostinato.stages.compose.run", refuse)
    assert sentence in refused(["compose"], capsys, code=1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_one_sentence(
    here: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make_full(prefix: str, dir: Path) -> str:
        entry = dir / f"{prefix}full"
        entry.mkdir()
        (entry / "config.yaml").symlink_to("/dev/full")  # goes to a disk without room
        return str(entry)

    monkeypatch.setattr("tempfile.mkdtemp", make_full)
    assert "the disk is full" in refused(["compose"], capsys, code=1)
    assert list((here / "outputs").iterdir()) == []


@pytest.mark.usefixtures("here")
def test_any_other_error_of_the_system_keeps_its_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def break_down(*_: object) -> None:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr("ostinato.stages.compose.run", break_down)
    with pytest.raises(OSError, match="broken"):
        cli.main(["compose"])


@pytest.mark.usefixtures("here")
def test_interrupting_ends_with_130(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ostinato.stages.compose.run", interrupt)
    assert refused(["compose"], capsys, code=130) == "ostinato: interrupted.\n"


def test_workspace_is_the_project_also_from_below(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project / "data" / "bach")
    workspace = Workspace.here()
    assert workspace.root == project.resolve()
    assert workspace.config == project.resolve() / "outputs" / "config.yaml"


def test_outside_a_project_the_shipped_configs_serve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Workspace.here().root == tmp_path
    assert cli.main(["compose"]) == 0
    assert (tmp_path / "outputs" / "config.yaml").exists()


def test_queued_experiments_share_the_caches_of_the_main_checkout(tmp_path: Path) -> None:
    copy = tmp_path / "main" / ".dvc" / "tmp" / "exps" / "copy"
    copy.mkdir(parents=True)
    workspace = Workspace(copy, copy / "outputs")
    assert workspace.home == tmp_path / "main"
    assert workspace.cache == tmp_path / "main" / "outputs" / "cache"
    assert workspace.pieces == copy / "outputs" / "pieces"


@pytest.mark.parametrize(
    ("folder", "reason"),
    [
        (".", "it holds the folder in which this command was started"),
        ("..", "it holds the folder in which this command was started"),
        ("/", "it holds the folder in which this command was started"),
        ("conf", r"files that ostinato did not write there \(config.yaml, "),
        ("data", r"files that ostinato did not write there \(bach/"),
        ("data/bach", "files that ostinato did not write there"),
        ("mine", r"files that ostinato did not write there \(sample-01.wav\)"),
        (".git", r"files that ostinato did not write there \(HEAD\)"),
        ("link", "it is a link to"),
        ("params.yaml", "it is a file"),
    ],
)
def test_samples_never_replace_what_is_not_samples(
    here: Path, capsys: Captured, folder: str, reason: str
) -> None:
    for name in ("mine/sample-01.wav", ".git/HEAD"):
        (here / name).parent.mkdir()
        (here / name).write_text("mine")
    (here / "link").symlink_to(here / "mine")
    before = {path: path.is_file() and path.read_bytes() for path in here.rglob("*")}
    sentence = refused(["generate", f"samples_dir={folder}"], capsys)
    assert re.search(f"samples_dir=.*{reason}", sentence)
    assert {path: path.is_file() and path.read_bytes() for path in here.rglob("*")} == before


@pytest.mark.parametrize(
    ("folder", "code", "reason"),
    [
        (".", 2, "it holds the folder in which this command was started"),
        ("conf", 1, r"files that fetch does not write \(config.yaml, "),
        ("mine", 1, r"files that fetch does not write \(notes.txt\)"),
        ("own", 1, r"files that fetch does not write \(mine.mid\)"),
        ("link", 2, "it is a link to"),
        ("params.yaml", 2, "it is a file"),
    ],
)
def test_fetch_never_replaces_what_it_did_not_write(
    here: Path, capsys: Captured, folder: str, code: int, reason: str
) -> None:
    (here / "music").mkdir()
    for name in ("mine/notes.txt", "own/mine.mid", "music/new.mid"):
        (here / name).parent.mkdir(exist_ok=True)
        (here / name).write_text("mine")
    (here / "link").symlink_to(here / "own")
    before = {path: path.is_file() and path.read_bytes() for path in here.rglob("*")}
    words = ["corpus=folder", "corpus.source.folder=music", f"corpus.path={folder}"]
    assert cli.main(["fetch", *words]) == code
    assert re.search(f"ostinato: .*{reason}", capsys.readouterr().err)
    assert {path: path.is_file() and path.read_bytes() for path in here.rglob("*")} == before
