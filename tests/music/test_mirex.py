"""Prompts and continuations in the JSON of MIREX."""

import json
from pathlib import Path
from typing import Any

import pytest

from ostinato.errors import UserError
from ostinato.music.mirex import continue_beyond, list_continuation, read_prompt
from ostinato.music.piece import NOTE, Piece, array
from ostinato.sampling.prompts import crop_bars


def written(folder: Path, content: Any) -> Path:
    path = folder / "prompt.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def note(start: int = 16, pitch: int = 72, duration: int = 6) -> dict[str, int]:
    return {"start": start, "pitch": pitch, "duration": duration}


def test_a_prompt_is_read_in_sixteenths_and_ends_with_its_last_bar(tmp_path: Path) -> None:
    piece = read_prompt(written(tmp_path, {"prompt": [note(), note(78, 60, 9), note(16, 48, 14)]}))
    assert piece.resolution == 4
    rows = piece.notes[["onset", "pitch", "duration"]].tolist()
    assert rows == [(16, 48, 14), (16, 72, 6), (78, 60, 2)]
    assert piece.barlines().tolist() == [0, 16, 32, 48, 64]


def test_the_bars_of_a_prompt_that_ends_in_silence_are_five(tmp_path: Path) -> None:
    prompt = read_prompt(written(tmp_path, {"prompt": [note(20)]}))
    longer = continue_beyond(prompt)
    assert longer.barlines().tolist() == [0, 16, 32, 48, 64, 80]
    assert crop_bars(longer, 5) == prompt


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("no json", "it is no JSON"),
        ([note()], 'it should be {"prompt": [{"start": 16, "pitch": 72, "duration": 6}, …]}'),
        ({"prompt": []}, 'it should be {"prompt": [{"start": 16, "pitch": 72, "duration": 6}, …]}'),
        ({"prompt": [note(), note(80)]}, "note 2 has start 80, which should be a whole number"),
        ({"prompt": [note(pitch=128)]}, "note 1 has pitch 128, which should be a whole number"),
        ({"prompt": [note(duration=0)]}, "note 1 has duration 0, which should be a whole number"),
        ({"prompt": [note() | {"start": 1.5}]}, "note 1 has start 1.5, which should be a whole"),
        ({"prompt": [{"start": 1, "pitch": 2}]}, "note 1 should have start, pitch and duration"),
        ({"prompt": [note() | {"velocity": 3}]}, "note 1 should have start, pitch and duration"),
        ({"prompt": [7]}, "note 1 should have start, pitch and duration, and nothing else"),
    ],
)
def test_what_is_no_prompt_is_refused_with_what_would_be_right(
    tmp_path: Path, content: Any, reason: str
) -> None:
    with pytest.raises(UserError, match=r"prompt\.json is no prompt of MIREX: ") as refused:
        read_prompt(written(tmp_path, content))
    assert reason in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"prompt\.json cannot be read: No such file"):
        read_prompt(tmp_path / "prompt.json")


def test_a_continuation_has_the_notes_of_its_twelve_bars_and_counts_those_before() -> None:
    prompt = Piece("p", 4, array(NOTE, onset=[20, 24], duration=4, pitch=[60, 62]))
    # it begins with the first note: 20 steps earlier, at another resolution
    onset = [0, 4, 30, 60, 250, 252, 300]
    pitch = [60, 62, 64, 65, 67, 69, 71]
    made = Piece("m", 8, array(NOTE, onset=[2 * t for t in onset], duration=16, pitch=pitch))
    found, early = list_continuation(made, prompt)
    assert found == {
        "generation": [
            {"start": 80, "pitch": 65, "duration": 8},
            {"start": 270, "pitch": 67, "duration": 2},
        ]
    }
    assert early == 1
