"""The command that continues prompts in the JSON of MIREX, by a small model that is not trained."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ostinato import cli
from ostinato.models.bundle import Bundle, save_bundle
from ostinato.music.piece import NOTE, Piece
from ostinato.music.piece_defaults import PieceDefaults
from ostinato.music.reading import read
from ostinato.music.writing import write_midi
from small_networks import config_of, network_of
from small_vaes import vae_config, vae_of

PROMPT = {
    "prompt": [
        {"start": 16 + 2 * i, "pitch": 60 + i % 12 + octave, "duration": 2}
        for i in range(20)
        for octave in (-12, 0, 4)
    ]
}
Captured = pytest.CaptureFixture[str]
Command = Callable[..., int]


@pytest.fixture
def continued(project: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """A project with a model of one track of four voices, and a prompt that ends in silence."""
    monkeypatch.chdir(project)
    config = config_of("voices", by_track=[4])
    config.tree["choices"] = {**config["choices"], "corpus": "invented"}
    network = network_of("voices", by_track=[4])
    bundle = Bundle(config, config.build("representation"), network, PieceDefaults())
    save_bundle(bundle, project / "model")
    (project / "in.json").write_text(json.dumps(PROMPT), encoding="utf-8")
    return lambda *words: cli.main(["mirex", *words, "model_dir=model", "sampling.candidates=1"])


def test_continuations_fill_twelve_bars_and_leave_the_prompt_alone(
    continued: Command, project: Path, capsys: Captured
) -> None:
    assert continued("in.json", "made", "2") == 0
    assert "2 continuations in made" in capsys.readouterr().out
    files = sorted((project / "made").glob("sample_*.json"))
    assert [file.name for file in files] == ["sample_01.json", "sample_02.json"]
    for file in files:
        [(key, notes)] = json.loads(file.read_text(encoding="utf-8")).items()
        assert key == "generation"
        starts = [note["start"] for note in notes]
        assert min(starts) >= 80
        assert max(starts) > 240
        assert all(note["start"] + note["duration"] <= 272 for note in notes)
        assert all(set(note) == {"start", "pitch", "duration"} for note in notes)
    first = [file.read_bytes() for file in files]
    assert first[0] != first[1]
    assert continued("in.json", "again", "2") == 0
    assert [(project / "again" / file.name).read_bytes() for file in files] == first


def test_silence_at_the_end_of_a_prompt_is_part_of_it(continued: Command, capsys: Captured) -> None:
    assert continued("in.json", "made", "1") == 0  # the prompt's last note ends at step 56
    assert "left out" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["in.json", "made", "0"], "0 samples do not fit: ask for 1 to 4096."),
        (["in.json", "made", "many"], "many is no number of samples"),
        (["in.json", "made", "2", "3"], "2 3 is no number of samples"),
        (["none.json", "made"], "none.json cannot be read: No such file or directory."),
        (["in.json", "."], "it holds the folder in which this command was started"),
        (["in.json", "model"], "model holds model, not continuations"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    continued: Command, capsys: Captured, words: list[str], sentence: str
) -> None:
    assert continued(*words) in (1, 2)
    assert sentence in capsys.readouterr().err


def test_a_model_that_continues_no_prompt_is_refused(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(project)
    config = vae_config()
    bundle = Bundle(config, config.build("representation"), vae_of(), PieceDefaults())
    save_bundle(bundle, project / "vae")
    one = {"prompt": [{"start": 16, "pitch": 60, "duration": 64}]}
    (project / "in.json").write_text(json.dumps(one), encoding="utf-8")
    assert cli.main(["mirex", "in.json", "made", "model_dir=vae"]) == 2
    assert "continue" in capsys.readouterr().err
    assert not (project / "made").exists()


def test_tracks_of_a_prompt_become_one_for_a_model_of_one_track(
    continued: Command, project: Path, capsys: Captured
) -> None:
    del continued  # its model
    rows = [(24 * i, 24, 60 + 12 * t + i % 5, 64, 0, False, t) for i in range(32) for t in range(2)]
    piece = Piece("two", 24, np.array(rows, NOTE), track_names=("melody", "piano"))
    write_midi(piece, project / "two.mid")
    words = ["sampling=continue", "sampling.prompt=two.mid", "sampling.pieces=1"]
    words += [
        "sampling.max_bars=10",
        "sampling.candidates=1",
        "model_dir=model",
        "samples_dir=more",
    ]
    assert cli.main(["generate", *words, "samples_dir=more"]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "the 2 tracks of two.mid are put into one, as the model has one track." in said
    [made] = read(project / "more" / "sample-01.mid")
    begun = made.notes[made.notes["onset"] < 16 * made.resolution]
    given = sorted(60 + 12 * t + i % 5 for i in range(16) for t in range(2))
    assert sorted(begun["pitch"]) == given
