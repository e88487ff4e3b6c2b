"""The studio composes over HTTP what `ostinato generate` composes."""

import base64
import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import requests
from studios import Served

from ostinato.cli import main
from ostinato.music.piece import Piece
from ostinato.music.reading import read_midi
from projects import run

MELODY = [{"onset": i, "duration": 1, "pitch": 60 + i % 5} for i in range(16)]


def midi_of(piece: dict[str, Any]) -> bytes:
    return base64.b64decode(piece["midi"])


def read(served: Served, content: bytes, name: str) -> Any:
    """Return the piece that the studio reads in a file."""
    address = f"{served.address}/v1/read?name={name}"
    return requests.post(address, data=content, timeout=60).json()


def export(served: Served, format_: str, music: dict[str, str], name: str) -> requests.Response:
    address = f"{served.address}/v1/export/{format_}"
    return requests.post(address, json={"music": music, "name": name}, timeout=60)


def test_models_say_what_they_are_and_can(served: Served) -> None:
    found = served.get("/v1/models")
    lstm, vae = found["open"]
    assert found["failed"] == {}
    assert (lstm["id"], lstm["name"]) == ("m1", "outputs/model")
    assert (lstm["architecture"], lstm["representation"], lstm["corpus"]) == (
        "lstm",
        "voices",
        "bach",
    )
    assert lstm["tracks"] == 4
    assert lstm["minutes"] > 0
    assert lstm["can"] == ["compose", "continue", "infill", "harmonise"]
    assert vae["can"] == ["compose", "vary", "interpolate", "latent"]
    assert lstm["reads"] == ["bars", "temperature", "top_p", "min_p"]
    assert vae["reads"] == []
    assert "latent vectors" in lstm["why_not"]["vary"]
    assert vae["attributes"] == ["note_density", "pitch_height", "syncopation"]
    assert {known["name"] for known in found["known"]} >= {"outputs/model"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/compose", {"model": "m1", "bars": 3, "seed": 3, "candidates": 2, "min_p": 0.1}),
        ("/v1/infill", {"model": "m1", "music": 0, "bars": [2, 3], "tracks": [1, 2], "seed": 7}),
        ("/v1/latent", {"model": "m2", "music": 0, "attributes": {"pitch_height": -1}}),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in [
                ("/v1/compose", {"model": "m1", "bars": 4, "seed": 3}),
                ("/v1/compose", {"model": "m1", "music": 0, "prompt_bars": 2, "bars": 4}),
                ("/v1/harmonise", {"model": "m1", "music": {"notes": MELODY}}),
                ("/v1/vary", {"model": "m2", "music": 0, "distance": 0.7}),
                ("/v1/interpolate", {"model": "m2", "start": 0, "to": 0, "steps": 3}),
                ("/v1/latent", {"model": "m2", "attributes": {"note_density": 1.5}, "seed": 5}),
            ]
        ),
    ],
    ids=lambda value: value.removeprefix("/v1/") if isinstance(value, str) else "",
)
def test_the_command_of_an_answer_makes_the_same_bytes(
    served: Served,
    chorale: dict[str, str],
    path: str,
    body: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = {key: chorale if value == 0 and key != "seed" else value for key, value in body.items()}
    answer = served.post(path, **given)
    assert answer.status == 200, answer.body
    assert len(answer.body["pieces"]) == body.get("candidates", 1)
    words = shlex.split(answer.body["command"])
    assert words[:2] == ["ostinato", "generate"]
    for name, content in answer.body["files"].items():
        (served.project / name).write_bytes(base64.b64decode(content))
    samples = tmp_path / "more"
    words[-1] = f"samples_dir={samples}"
    monkeypatch.chdir(served.project)
    assert main(words[1:]) == 0
    for number, piece in enumerate(answer.body["pieces"], 1):
        assert (samples / f"sample-{number:02d}.mid").read_bytes() == midi_of(piece)


def test_bars_and_tracks_that_were_not_named_stay(served: Served, chorale: dict[str, str]) -> None:
    [after] = served.post("/v1/infill", model="m1", music=chorale, bars=[2, 2], tracks=[2]).body[
        "pieces"
    ]
    before = read(served, base64.b64decode(chorale["midi"]), "a.mid")
    first = 2 - before["first_bar"]
    start, end = before["bars"][first : first + 2]

    def is_named(note: dict[str, Any]) -> bool:
        return bool(note["track"] == 1 and start <= note["onset"] < end)

    def kept(piece: dict[str, Any]) -> list[tuple[float, ...]]:
        notes = [note for note in piece["notes"] if not is_named(note)]
        return [(n["onset"], n["duration"], n["pitch"], n["track"]) for n in notes]

    assert kept(after) == kept(before)
    assert [note["given"] for note in after["notes"]] == [
        not is_named(note) for note in after["notes"]
    ]


def test_a_stream_shows_the_piece_as_it_grows(served: Served) -> None:
    events = list(served.events("/v1/compose", model="m1", bars=4, seed=3))
    names = [name for name, _ in events]
    assert names[:2] == ["queued", "started"]
    assert names[-1] == "done"
    grown = [len(data["notes"]) for name, data in events if name == "piece"]
    assert len(grown) >= 3
    assert grown == sorted(grown)
    whole = served.post("/v1/compose", model="m1", bars=4, seed=3).body
    assert events[-1][1]["pieces"] == whole["pieces"]
    assert len(whole["pieces"][0]["notes"]) >= grown[-1]


def test_music_comes_back_as_it_was_sent(
    served: Served, chorale: dict[str, str], short_chorales: list[Piece]
) -> None:
    content = base64.b64decode(chorale["midi"])
    found = read(served, content, "my.mid")
    assert midi_of(found) == content
    assert [track["name"] for track in found["tracks"]] == list(short_chorales[0].track_names)
    exported = export(served, "midi", chorale, "mine")
    assert exported.content == content
    assert 'filename="mine.mid"' in exported.headers["content-disposition"]
    written = export(served, "musicxml", chorale, "mine").content

    def listed(piece: dict[str, Any]) -> list[tuple[float, ...]]:
        return [(n["onset"], n["duration"], n["pitch"], n["track"]) for n in piece["notes"]]

    assert listed(read(served, written, "my.musicxml")) == listed(found)
    assert export(served, "wav", chorale, "mine").content[:4] == b"RIFF"


def test_tunes_that_are_left_out_are_said(served: Served) -> None:
    tune = b"X:%d\nT:a\nM:4/4\nL:1/4\nK:C\nCDEF|\n\n"
    assert read(served, tune % 1, "one.abc")["warnings"] == []
    [warning] = read(served, tune % 1 + tune % 2, "two.abc")["warnings"]
    assert "several tunes" in warning
    [warning] = read(served, tune.replace(b"CDEF|", b"CDEF|!D.C.!CDEF|") % 1, "jump.abc")[
        "warnings"
    ]
    assert warning == "jump: it has a D.C. or D.S., which is not followed."


def test_notation_names_each_note_of_the_piece(served: Served, chorale: dict[str, str]) -> None:
    found = served.post("/v1/notation", music=chorale, width=800).body
    assert all(page.startswith("<svg") for page in found["pages"])
    again = served.post("/v1/notation", music=chorale, width=800).body
    assert again["notes"] == found["notes"]  # the same ids each time
    notes = read(served, base64.b64decode(chorale["midi"]), "a.mid")["notes"]
    named = {index for indices in found["notes"].values() for index in indices}
    assert named == set(range(len(notes)))
    drawn = "".join(found["pages"])
    assert all(f'id="{id_}"' in drawn for id_ in found["notes"])


def test_a_vote_is_counted_by_ostinato_votes(served: Served) -> None:
    pieces = [
        served.post("/v1/compose", model=model, seed=9).body["pieces"][0] for model in ("m1", "m2")
    ]
    sides = [
        {"model": model, "midi": piece["midi"], "heard": 6.0}
        for model, piece in zip(("m1", "m2"), pieces, strict=True)
    ]
    short = served.post(
        "/v1/votes", sides=[{**sides[0], "heard": 2.0}, sides[1]], answer="A", seconds=20
    )
    assert short.status == 422
    assert "before 5" in short.body["error"]
    same = served.post("/v1/votes", sides=[sides[0], sides[0]], answer="A", seconds=20.0)
    assert "of one model" in same.body["error"]
    kept = served.post("/v1/votes", sides=sides, answer="A", seconds=20.0)
    assert kept.body["votes"] == 1, kept.body
    again = served.post("/v1/votes", sides=sides, answer="B", seconds=20.0)
    assert again.status == 422
    said = run(served.project, "ostinato", "votes", kept.body["file"])
    assert "1 vote" in said.stdout
    assert "warning" not in said.stderr


def test_a_piece_is_kept_on_the_run_of_its_model(served: Served, chorale: dict[str, str]) -> None:
    kept = [
        served.post("/v1/log", model="m1", music=chorale, name="take", command="ostinato …").body
        for _ in range(2)
    ]
    assert [one["folder"] for one in kept] == ["studio/take", "studio/take-2"]
    files = {path.name for path in served.project.rglob("artifacts/studio/take/*")}
    assert files == {"take.mid", "take.wav", "take.png", "command.txt"}
    [file] = served.project.rglob("artifacts/studio/take/take.mid")
    assert len(read_midi(file).notes)


def test_notes_keep_their_tempos_metres_drums_and_pickup(served: Served) -> None:
    music = {
        "notes": [
            {"onset": 0, "duration": 1, "pitch": 62},
            {"onset": 1, "duration": 3, "pitch": 64, "velocity": 33},
            {"onset": 1, "duration": 0.5, "pitch": 38, "track": 1, "drum": True},
            {"onset": 7, "duration": 2, "pitch": 65},
        ],
        "tempos": [{"onset": 0, "qpm": 90}, {"onset": 4, "qpm": 60}],
        "metres": [
            {"onset": 0, "numerator": 1, "denominator": 4},
            {"onset": 1, "numerator": 3, "denominator": 4},
        ],
        "tracks": [{"name": "Lead", "program": 40}, {"name": "Kit"}],
    }
    written = requests.post(
        f"{served.address}/v1/export/midi", json={"music": music}, timeout=60
    ).content
    found = read(served, written, "a.mid")
    assert found["bars"] == [0, 1, 4, 7, 10]
    assert found["first_bar"] == 0
    assert [round(tempo["qpm"], 3) for tempo in found["tempos"]] == [90, 60]
    assert [note["drum"] for note in found["notes"]] == [False, False, True, False]
    assert found["notes"][1]["velocity"] == 33
    assert [track["name"] for track in found["tracks"]] == ["Lead", "Kit"]
    assert found["tracks"][0]["program"] == 40


@pytest.mark.slow
def test_models_of_the_registry_and_of_runs_are_opened(served: Served) -> None:
    run(served.project, "ostinato", "register", "outputs/model", "--name", "bach")
    *_, id_ = json.loads((served.project / "outputs/mlflow_runs.json").read_text()).values()
    opened = [served.post("/v1/models", name=name) for name in ("models:/bach/1", id_)]
    assert [one.status for one in opened] == [200, 200], opened
    bars = {"bars": 2, "seed": 4}
    pieces = [
        served.post("/v1/compose", model=model, **bars).body["pieces"][0]["midi"]
        for model in ("m1", *(one.body["id"] for one in opened))
    ]
    assert pieces[0] == pieces[1] == pieces[2]


def test_voices_that_are_added_have_names(served: Served) -> None:
    [piece] = served.post("/v1/harmonise", model="m1", music={"notes": MELODY}).body["pieces"]
    assert [track["name"] for track in piece["tracks"]] == ["Soprano", "Alto", "Tenor", "Bass"]
