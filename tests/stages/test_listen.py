"""`ostinato listen`: runs from folders and from MLflow, and a sentence for each mistake."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from defaults import build
from ostinato import cli
from ostinato.listening.protocol import read_key
from ostinato.music.piece import Piece
from ostinato.music.writing import write_midi
from ostinato.tracking import client_of

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def here(project: Path, short_chorales: list[Piece], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with samples of three models, those of `prompted` continue two bars."""
    monkeypatch.chdir(project)
    for name, start in (("one", 0), ("two", 3), ("prompted", 6)):
        about = {"model": name} | (
            {"prompt": "test", "prompt_bars": 2} if name == "prompted" else {}
        )
        folder = project / "outputs" / "runs" / "day" / name / "samples"
        for number, piece in enumerate(short_chorales[start : start + 3], 1):
            write_midi(piece, folder / f"sample-{number:02d}.mid")
        (folder / "sampling.json").write_text(json.dumps(about))
    return project


def listen(*arguments: str) -> int:
    return cli.main(["listen", *(f"outputs/runs/day/{a}" if a.isalpha() else a for a in arguments)])


def refused(captured: Captured, *arguments: str, code: int = 1) -> str:
    assert listen(*arguments) == code
    err = captured.readouterr().err
    assert err.startswith("ostinato: ")
    assert err.count("\n") == 1
    return err


def only_test(project: Path) -> Path:
    [folder] = (project / "outputs" / "listening").iterdir()
    assert {path.name for path in folder.iterdir()} == {"test.html", "key.json"}
    return folder


def test_a_test_of_two_runs_is_a_page_and_its_key(here: Path, capsys: Captured) -> None:
    assert listen("one", "two", "--pairs", "4", "--seconds", "10") == 0
    assert "a test of 4 pairs of 2 systems: outputs/listening/" in capsys.readouterr().out
    key = read_key(only_test(here) / "key.json")
    assert [system.name for system in key.systems.values()] == ["one", "two"]
    assert [system.source for system in key.systems.values()] == [
        "outputs/runs/day/one/samples",
        "outputs/runs/day/two/samples",
    ]
    assert len(key.pairs) == 4


@pytest.mark.usefixtures("here")
def test_fewer_pairs_than_asked_for_are_said(capsys: Captured) -> None:
    assert listen("one", "two", "--pairs", "40", "--seconds", "10") == 0
    assert "there are no more than 9 pairs" in capsys.readouterr().out


@pytest.mark.usefixtures("here")
def test_options_and_runs_may_come_in_any_order(capsys: Captured) -> None:
    assert listen("--pairs", "2", "one", "--seconds", "10", "two", "tracking=off") == 0
    assert "a test of 2 pairs" in capsys.readouterr().out


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("words", [["listen"], ["votes"], ["listen", "--pairs", "x", "one"]])
def test_a_bad_command_line_is_one_sentence(words: list[str], capsys: Captured) -> None:
    assert cli.main(words) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_what_is_left_out_is_said(
    here: Path, short_chorales: list[Piece], capsys: Captured
) -> None:
    folder = here / "outputs" / "runs" / "day" / "two" / "samples"
    write_midi(short_chorales[0], folder / "sample-08.mid")
    (folder / "sample-09.mid").write_bytes(b"no music")
    assert listen("one", "two", "--pairs", "2", "--seconds", "10") == 0
    err = capsys.readouterr().err
    assert "left out: 1 piece that cannot be read" in err
    assert "left out: 1 pair of which one is the beginning of the other" in err
    assert read_key(only_test(here) / "key.json").left_out == {"identical": 1, "unreadable": 1}


def test_real_music_is_a_system_of_its_own(here: Path) -> None:
    assert cli.main(["preprocess"]) == 0
    assert cli.main(["split", "split.test=0.3", "split.train=0.6"]) == 0
    assert listen("one", "--real", "--pairs", "3", "--seconds", "10") == 0
    key = read_key(only_test(here) / "key.json")
    [real] = [id_ for id_, system in key.systems.items() if system.name == "real music"]
    test = json.loads((here / "outputs" / "split.json").read_text())["test"]
    assert {clip.piece for clip in key.clips.values() if clip.system == real} <= set(test)


def test_real_music_goes_on_from_the_prompt(here: Path, short_chorales: list[Piece]) -> None:
    assert cli.main(["preprocess"]) == 0
    assert cli.main(["split", "split.test=0.3", "split.train=0.6"]) == 0
    names = json.loads((here / "outputs" / "split.json").read_text())["test"][:3]
    folder = here / "outputs" / "runs" / "day" / "prompted" / "samples"
    for number, piece in enumerate((p for p in short_chorales if p.name in names), 1):
        notes = piece.notes.copy()
        notes["pitch"] += (notes["onset"] >= piece.barlines()[2]).astype("u1")
        write_midi(replace(piece, notes=notes), folder / f"sample-{number:02d}.mid")
    assert listen("prompted", "--real", "--seconds", "10") == 0
    key = read_key(only_test(here) / "key.json")
    samples = {f"sample-{number:02d}" for number in (1, 2, 3)}
    assert {clip.piece for clip in key.clips.values()} == {*samples, *names}


def test_a_run_of_the_projects_own_store_is_found_by_its_id(here: Path, capsys: Captured) -> None:
    client, experiment = client_of(build("tracking=local"), here)
    run = client.create_run(experiment, run_name="a training").info.run_id
    empty = client.create_run(experiment, run_name="empty").info.run_id
    client.log_artifacts(run, str(here / "outputs" / "runs" / "day" / "two" / "samples"), "samples")
    assert listen("one", run, "--pairs", "2", "--seconds", "10") == 0
    key = read_key(only_test(here) / "key.json")
    assert [s.source for s in key.systems.values()][1] == f"the MLflow run a training ({run})"
    capsys.readouterr()
    assert f"the MLflow run empty ({empty}) has no samples" in refused(capsys, "one", empty)
    assert "the same music as outputs/runs/day/two/samples" in refused(capsys, "two", run, code=2)
    unknown = "0" * 32
    assert f"no MLflow run {unknown} in the store of this project" in refused(
        capsys, "one", unknown
    )


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["one"], 2, "one system alone is no test: give a second run, or --real"),
        (["one", "nowhere/at/all"], 1, "is neither a folder of samples nor the id of an MLflow"),
        (["one", "params.yaml"], 1, "params.yaml is a file"),
        (["one", "conf"], 1, "has no samples (.mid)"),
        (["one", "one"], 2, "holds the same music as"),
        (["one", "prompted"], 1, "one has no prompt in common with prompted"),
        (["one", "two", "--pairs", "0"], 2, "--pairs 0 does not fit"),
        (["one", "two", "--seconds", "3"], 2, "--seconds 3 does not fit"),
        (["one", "--real"], 1, "run `ostinato preprocess` first"),
        (["one", "0" * 32, "tracking=off"], 1, "cannot be looked for with tracking=off"),
        (
            ["one", "0" * 32, "tracking.uri=http://127.0.0.1:9"],
            1,
            "the MLflow server http://127.0.0.1:9 does not answer",
        ),
    ],
)
def test_a_mistake_is_one_sentence(
    arguments: list[str], code: int, sentence: str, capsys: Captured
) -> None:
    words = ["./conf" if word == "conf" else word for word in arguments]
    assert sentence in refused(capsys, *words, code=code)
