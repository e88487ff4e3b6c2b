"""Registered models: made from runs, found by address, and answering requests."""

import base64
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ostinato import cli
from ostinato.config.registered import ModelAddress, parse_address
from ostinato.errors import ConfigError
from ostinato.models.bundle import bundle_fingerprint
from ostinato.music.reading import read_midi
from ostinato.registry import fetch_bundle
from ostinato.serving import Composer, RequestError, _load_pyfunc
from ostinato.tracking import BUNDLE_TAG, Tracking
from projects import TINY_EVENTS

Captured = pytest.CaptureFixture[str]
TINY = [*TINY_EVENTS]
LOCAL = Tracking(True, None, "ostinato")
SHORT = {"max_bars": 3, "seed": 5}
NOTES = [
    {"onset": 0, "duration": 1, "pitch": 60},
    {"onset": 1, "duration": 0.5, "pitch": 64},
    {"onset": 1.5, "duration": 0.5, "pitch": 67},
]


@pytest.fixture(scope="module")
def registered(project_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project in which the model of outputs/model is registered as bach: read only."""
    project = tmp_path_factory.mktemp("registered") / "project"
    shutil.copytree(project_template, project)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        for stage in ("preprocess", "split", "train"):
            assert cli.main([stage, *TINY]) == 0
        assert cli.main(["register", "outputs", "--name", "bach", "--alias", "champion"]) == 0
        yield project


@pytest.fixture
def here(registered: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Standing in that project."""
    monkeypatch.chdir(registered)
    return registered


@pytest.fixture(scope="module")
def composer(registered: Path) -> Composer:
    """What MLflow loads to answer requests."""
    bundle = fetch_bundle("models:/bach/1", LOCAL, registered, registered / "outputs" / "cache")
    return _load_pyfunc(str(bundle.parent))


def client_of(project: Path) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{project}/outputs/mlflow/mlflow.db")


def piece_of(answer: dict[str, Any], folder: Path) -> Any:
    """Return the piece of an answer."""
    file = folder / "answer.mid"
    file.write_bytes(base64.b64decode(answer["midi"], validate=True))
    return read_midi(file)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("models:/bach@champion", ModelAddress("bach", "champion", None)),
        ("models:/my bach/12", ModelAddress("my bach", None, "12")),
    ],
)
def test_an_address_is_read(text: str, parts: ModelAddress) -> None:
    assert parse_address(text) == parts


@pytest.mark.parametrize(
    "text", ["models:/bach", "models:/", "models:/bach/latest", "models:/a@b/1", "models:/bach/0"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="models:/NAME@ALIAS or models:/NAME/VERSION"):
        parse_address(text)


def test_the_version_holds_the_bundle_of_the_run_and_no_pickle(here: Path) -> None:
    client = client_of(here)
    version = client.get_model_version_by_alias("bach", "champion")
    own = bundle_fingerprint(here / "outputs" / "model")
    bundle = fetch_bundle("models:/bach@champion", LOCAL, here, here / "outputs" / "cache")
    assert bundle_fingerprint(bundle) == own == version.tags[BUNDLE_TAG]
    assert client.get_run(version.run_id).data.tags[BUNDLE_TAG] == own
    files = {path.suffix for path in bundle.parents[2].rglob("*") if path.is_file()}
    assert not files & {".pkl", ".pickle", ".pt", ".py"}


def test_registering_again_keeps_the_version_and_moves_the_alias(
    here: Path, capsys: Captured
) -> None:
    client = client_of(here)
    [run] = client.search_runs(["1"])
    words = ["register", run.info.run_id, "--name", "bach", "--alias", "second"]
    assert cli.main(words) == 0
    assert "already version 1 of bach" in capsys.readouterr().out
    assert len(client.search_model_versions("name = 'bach'")) == 1
    assert set(client.get_registered_model("bach").aliases) == {"champion", "second"}


def test_music_is_generated_from_an_address_and_recorded_on_the_run(
    here: Path, tmp_path: Path, capsys: Captured
) -> None:
    words = ["sampling.pieces=1", "sampling.max_bars=4", f"samples_dir={tmp_path}/new"]
    assert cli.main(["generate", "model_dir=models:/bach@champion", *words]) == 0
    assert (tmp_path / "new" / "sample-01.mid").exists()
    assert "models:/bach@champion is in outputs/mlflow/" in capsys.readouterr().out
    client = client_of(here)
    [run] = client.search_runs(["1"])
    listed = {file.path for file in client.list_artifacts(run.info.run_id, "samples")}
    assert "samples/sample-01.mid" in listed


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["generate", "model_dir=models:/bach@nobody"],
            r"the versions of bach are 1, its aliases champion",
        ),
        (["generate", "model_dir=models:/handel/1"], r"no model is registered as handel \(there"),
        (["generate", "model_dir=models:/bach"], r"^ostinato: model_dir=models:/bach does not fit"),
        (["train", *TINY, "training.initial=models:/bach/7"], "versions of bach are 1, its alias"),
        (["register", "nothing", "--name", "bach"], "there is no run nothing: give the id"),
        (["register", "outputs", "--name", "a/b"], "--name 'a/b' does not fit"),
        (["register", "outputs", "--name", "b", "--alias", "v2"], "--alias 'v2' does not fit"),
        (["register", "a", "b", "--name", "b"], "register takes one RUN"),
        (["register", "outputs"], "--name"),
    ],
)
@pytest.mark.usefixtures("here")
def test_what_does_not_fit_is_one_sentence(
    words: list[str], sentence: str, capsys: Captured
) -> None:
    assert cli.main(words) == 2
    [said] = [line for line in capsys.readouterr().err.splitlines() if line.strip()]
    assert said.startswith("ostinato: ")
    assert re.search(sentence, said)


def test_a_run_without_a_model_is_refused(here: Path, capsys: Captured) -> None:
    client = client_of(here)
    run = client.create_run("1", run_name="unfinished")
    try:
        assert cli.main(["register", run.info.run_id, "--name", "other"]) == 2
        assert "the run unfinished has no model" in capsys.readouterr().err
        assert not client.search_registered_models("name = 'other'")
    finally:
        client.delete_run(run.info.run_id)


@pytest.mark.usefixtures("here")
def test_fine_tuning_starts_from_an_address(capsys: Captured) -> None:
    words = [*TINY, "training.initial=models:/bach@champion", "tracking=off", "seed=3"]
    assert cli.main(["compose", *words]) == 0
    bad = [*words, "representation.steps_per_quarter=12"]
    capsys.readouterr()
    assert cli.main(["compose", *bad]) == 2
    assert "models:/bach@champion does not fit: representation" in capsys.readouterr().err


def test_a_registered_model_moves_with_its_project(registered: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(registered, tmp_path / "moved"))
    bundle = fetch_bundle("models:/bach/1", LOCAL, moved, moved / "outputs" / "cache")
    assert bundle.is_relative_to(moved)


def test_a_version_that_holds_no_bundle_is_refused(here: Path) -> None:
    client = client_of(here)
    version = client.get_model_version("bach", "1")
    client.create_registered_model("empty")
    client.create_model_version("empty", version.source.replace("served", "curves"), version.run_id)
    with pytest.raises(ConfigError, match="models:/empty/1 holds no model of ostinato"):
        fetch_bundle("models:/empty/1", LOCAL, here, here / "outputs" / "cache")
    client.delete_registered_model("empty")


@pytest.mark.parametrize("prompt", [{"notes": NOTES}, {"notes": str(NOTES).replace("'", '"')}])
def test_notes_are_continued(composer: Composer, prompt: dict[str, Any], tmp_path: Path) -> None:
    [answer] = composer.predict([prompt], SHORT)
    piece = piece_of(answer, tmp_path)
    begun = [(int(n["onset"]) / piece.resolution, int(n["pitch"])) for n in piece.notes]
    assert {(0.0, 60), (1.0, 64), (1.5, 67)} <= set(begun)
    assert answer["notes"] == len(piece.notes)


def test_a_midi_file_is_continued(composer: Composer, registered: Path, tmp_path: Path) -> None:
    file = sorted((registered / "data" / "bach").glob("*.mid"))[0]
    text = base64.b64encode(file.read_bytes()).decode()
    [answer] = composer.predict([{"midi": text}], SHORT)
    ours, theirs = piece_of(answer, tmp_path), read_midi(file)
    first = set(theirs.notes["pitch"][theirs.notes["onset"] == 0].tolist())
    assert first <= set(ours.notes["pitch"][ours.notes["onset"] == 0].tolist())


def test_music_from_nothing_is_the_same_for_the_same_seed(composer: Composer) -> None:
    nothing = [{"midi": ""}, {"midi": None}]
    one, two = composer.predict(nothing, SHORT), composer.predict(nothing, SHORT)
    assert one == two
    assert one[0] != one[1]
    assert composer.predict([{"midi": ""}], {**SHORT, "seed": 6}) == [one[1]]


@pytest.mark.parametrize(
    ("rows", "params", "sentence"),
    [
        ([{}], {}, "each row should have midi or notes"),
        ([], {}, "each row should have midi or notes"),
        ([{"midi": ""}] * 65, {}, "1 to 64 rows, and this has 65"),
        (["x"], {}, "a list of objects"),
        ([{"tune": "x"}], {}, "tune is unknown"),
        ([{"midi": "x", "notes": NOTES}], {}, "and not as both"),
        ([{"midi": "x"}], {}, "no MIDI file in base64"),
        ([{"midi": "A" * 2_000_000}], {}, "at most 1,048,576 bytes"),
        ([{"midi": "eHh4"}], {}, "midi cannot be read: not a MIDI file"),
        ([{"notes": "[{"}], {}, "notes is no JSON"),
        ([{"notes": {"pitch": 1}}], {}, "a list of 1 to 10,000"),
        ([{"notes": [{"pitch": 60}]}], {}, "a note is an object"),
        ([{"notes": [{**NOTES[0], "pitch": 128}]}], {}, "pitch of a note .* from 0 to 127"),
        ([{"notes": [{**NOTES[0], "pitch": 60.5}]}], {}, "pitch of a note .* a whole number"),
        ([{"notes": [{**NOTES[0], "onset": float("nan")}]}], {}, "onset of a note should be"),
        ([{"notes": [{**NOTES[0], "onset": True}]}], {}, "onset of a note should be"),
        ([{"midi": ""}], {"temperature": 0.0}, "temperature=0 does not fit"),
        ([{"midi": ""}], {"max_bars": 5000}, "max_bars=5000 does not fit"),
        ([{"midi": ""}], {"seed": -1}, "seed=-1 does not fit"),
        ([{"notes": NOTES}], {"max_bars": 1}, "prompt_bars"),
    ],
)
def test_a_request_that_does_not_fit_is_a_sentence(
    composer: Composer, rows: list[Any], params: dict[str, Any], sentence: str
) -> None:
    from mlflow.exceptions import MlflowException

    with pytest.raises(MlflowException, match=sentence) as caught:
        composer.predict(rows, params)
    assert caught.value.error_code == "BAD_REQUEST"
    assert isinstance(caught.value.__cause__, RequestError)
    assert "/tmp" not in str(caught.value)
