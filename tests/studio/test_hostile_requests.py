"""What strangers and mistakes send to the studio: sentences come back, and it goes on."""

import base64
import http.client
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from studios import Served, studio

from ostinato.music.piece import NOTE, Piece
from ostinato.music.writing import midi_bytes


def raw(served: Served, headers: dict[str, str], path: str = "/v1/queue") -> int:
    """Return the status of a request with headers that no library would send."""
    connection = http.client.HTTPConnection(served.address.removeprefix("http://"), timeout=60)
    connection.putrequest("GET", path, skip_host=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    return connection.getresponse().status


def test_only_pages_of_this_machine_are_answered(served: Served) -> None:
    host = served.address.removeprefix("http://")
    port = host.partition(":")[2]
    assert raw(served, {"Host": host}) == 200
    assert raw(served, {"Host": f"localhost:{port}"}) == 200
    assert raw(served, {"Host": f"evil.example:{port}"}) == 403
    assert raw(served, {}) in (400, 403)
    assert raw(served, {"Host": host, "Origin": f"http://{host}"}) == 200
    assert raw(served, {"Host": host, "Origin": "http://evil.example"}) == 403
    assert raw(served, {"Host": host, "Origin": "null"}) == 403
    assert raw(served, {"Host": host, "Sec-Fetch-Site": "cross-site"}) == 403


def test_answers_forbid_what_is_from_elsewhere(served: Served) -> None:
    headers = requests.get(f"{served.address}/v1/queue", timeout=60).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


MISTAKES = {
    "no such model": ("/v1/compose", {"model": "m9"}, 404, "No model m9 is open"),
    "no bars": ("/v1/compose", {"model": "m1", "bars": 0}, 422, "bars does not fit"),
    "too many bars": ("/v1/compose", {"model": "m1", "bars": 5000}, 422, "bars does not fit"),
    "an unknown key": ("/v1/compose", {"model": "m1", "bar": 4}, 422, "bar does not fit"),
    "no music": (
        "/v1/compose",
        {"model": "m1", "music": {"midi": "aGVsbG8="}},
        422,
        "cannot be read as music",
    ),
    "no base64": ("/v1/compose", {"model": "m1", "music": {"midi": "€"}}, 422, "base64"),
    "both": (
        "/v1/compose",
        {"model": "m1", "music": {"midi": "", "notes": []}},
        422,
        "midi or notes",
    ),
    "a model that cannot": (
        "/v1/infill",
        {"model": "m2", "music": {"notes": [{"onset": 0, "duration": 1, "pitch": 60}]}},
        422,
        "fills in no music",
    ),
    "no such bar": (
        "/v1/infill",
        {
            "model": "m1",
            "music": {"notes": [{"onset": 0, "duration": 1, "pitch": 60}]},
            "bars": [9, 9],
        },
        422,
        "no bar 9",
    ),
    "bars not read": ("/v1/compose", {"model": "m2", "bars": 8}, 422, "max_bars is not read"),
    "not read": ("/v1/compose", {"model": "m2", "temperature": 0.5}, 422, "temperature"),
    "no such attribute": (
        "/v1/latent",
        {"model": "m2", "attributes": {"loudness": 1}},
        422,
        "loudness",
    ),
    "no such control": (
        "/v1/compose",
        {"model": "m1", "controls": {"density": 0.5}},
        422,
        "density needs a model that was trained with it",
    ),
    "no such format": ("/v1/export/exe", {"music": {"notes": []}}, 404, "exe is none of"),
    "a model that is not there": ("/v1/models", {"name": "/etc"}, 422, "no trained model"),
    "a run that is not there": ("/v1/models", {"name": "nobody"}, 422, "no run nobody"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_answered_in_a_sentence(served: Served, name: str) -> None:
    path, body, status, words = MISTAKES[name]
    answer = served.post(path, **body)
    assert answer.status == status, answer.body
    sentence = answer.body["error"]
    assert words in sentence
    assert sentence.endswith(".")
    assert "/tmp" not in sentence


def test_an_override_cannot_be_smuggled_in(served: Served) -> None:
    """A name of a control or of an attribute becomes part of an override."""
    for kind in ("controls", "attributes"):
        path = "/v1/compose" if kind == "controls" else "/v1/latent"
        for name in ("x=1", "a.b", "a b", "A", "__class__=", "../x", "${oc.env:HOME}"):
            answer = served.post(path, model="m1", **{kind: {name: 0.5}})
            assert answer.status == 422
            assert "it should be" in answer.body["error"]


def test_files_outside_are_not_served(served: Served) -> None:
    for path in ("/static/../app.py", "/static/..%2fapp.py", "/static//etc/passwd", "/../x"):
        assert raw(served, {"Host": served.address[7:]}, path=path) == 404


def test_long_bodies_and_long_pieces_are_refused(served: Served) -> None:
    note = {"onset": 0, "duration": 1, "pitch": 60}
    many = served.post("/v1/compose", model="m1", music={"notes": [note] * 10_001})
    assert many.status == 422
    assert "10000" in many.body["error"]
    notes = [(i, 1, 60 + i % 2, 64, 0, False, 0) for i in range(10_001)]
    midi = base64.b64encode(midi_bytes(Piece("long", 4, np.array(notes, NOTE)))).decode()
    file = served.post("/v1/compose", model="m1", music={"midi": midi})
    assert file.status == 422
    assert "10,001 notes" in file.body["error"]
    long = requests.post(
        f"{served.address}/v1/read?name=a.mid", data=b"x" * (5 * 2**20), timeout=60
    )
    assert long.status_code == 413

    def chunks() -> Iterator[bytes]:
        for _ in range(5):
            yield b"x" * 2**20

    unsaid = requests.post(f"{served.address}/v1/read?name=a.mid", data=chunks(), timeout=60)
    assert unsaid.status_code == 413
    assert "MiB" in unsaid.json()["error"]


def test_fifty_requests_at_once_are_all_answered(served: Served) -> None:
    def ask(seed: int) -> tuple[int, list[tuple[str, Any]]]:
        return seed, list(served.events("/v1/compose", model="m2", seed=seed))

    with ThreadPoolExecutor(50) as threads:
        asked = threads.map(ask, range(50))
        time.sleep(0.5)
        begun = time.monotonic()
        queue = served.get("/v1/queue")
        assert time.monotonic() - begun < 2  # the page still answers
        answers = dict(asked)
    assert queue["workers"] == 1
    assert queue["waiting"] > 10
    assert {events[-1][0] for events in answers.values()} == {"done"}
    assert {seed: events[-1][1]["seed"] for seed, events in answers.items()} == {
        seed: seed for seed in range(50)
    }
    places = [data["ahead"] for name, data in answers[49] if name == "queued"]
    assert places == sorted(places, reverse=True)
    assert served.get("/v1/queue")["waiting"] == 0


def test_a_killed_worker_is_replaced(served: Served) -> None:
    before = served.children()
    events = []
    for name, data in served.events("/v1/compose", model="m1", bars=200):
        events.append((name, data))
        if name == "progress":
            for pid in before:
                if _uses_torch(pid):
                    os.kill(pid, signal.SIGKILL)
    assert events[-1][0] == "error"
    assert events[-1][1]["status"] == 503
    assert "ask again" in events[-1][1]["error"]
    answer = served.post("/v1/compose", model="m1", bars=2)
    assert answer.status == 200
    assert answer.body["pieces"]


def _uses_torch(pid: int) -> bool:
    return "libtorch" in Path(f"/proc/{pid}/maps").read_text()


def test_a_closed_tab_ends_its_request(served: Served) -> None:
    events = served.events("/v1/compose", model="m1", bars=200)
    for name, _ in events:
        if name == "progress":
            break
    events.close()  # type: ignore[attr-defined]
    for _ in range(100):
        if served.get("/v1/queue")["running"] == 0:
            break
        time.sleep(0.1)
    else:
        raise AssertionError("the request goes on, though nobody waits for it")


def test_a_request_is_cancelled(served: Served) -> None:
    events = served.events("/v1/compose", model="m1", bars=200)
    last: tuple[str, Any] = ("", None)
    job, asked = "", False
    for last in events:
        if last[0] == "progress" and not asked:
            asked = True
            requests.delete(f"{served.address}/v1/jobs/{job}", timeout=60).raise_for_status()
        elif last[0] == "started":
            job = last[1]["id"]
    assert last == ("error", {"error": "cancelled", "status": 422})
    gone = requests.delete(f"{served.address}/v1/jobs/{job}", timeout=60)
    assert gone.status_code == 404


def test_the_schema_is_published(served: Served) -> None:
    schema = served.get("/openapi.json")
    paths = {"compose", "infill", "harmonise", "interpolate", "vary", "latent"}
    assert {f"/v1/{name}" for name in paths} <= set(schema["paths"])
    bars = schema["components"]["schemas"]["Compose"]["properties"]["bars"]
    assert bars["anyOf"][0]["maximum"] == 256


def test_other_machines_need_the_token(trained: Path) -> None:
    with studio(trained, "--host", "0.0.0.0") as running:
        address = running.address
        assert running.token
        assert requests.get(f"{address}/v1/queue", timeout=60).status_code == 401
        assert requests.get(f"{address}/?token=wrong", timeout=60).status_code == 401
        bearer = {"Authorization": f"Bearer {running.token}"}
        assert requests.get(f"{address}/v1/queue", headers=bearer, timeout=60).status_code == 200
        session = requests.Session()
        session.get(f"{address}/?token={running.token}", timeout=60)
        assert session.get(f"{address}/v1/queue", timeout=60).status_code == 200
        other = {**bearer, "Origin": "http://evil.example"}
        assert requests.get(f"{address}/v1/queue", headers=other, timeout=60).status_code == 403


def test_what_cannot_be_served_is_said(trained: Path) -> None:
    from projects import refused

    assert "there is no run nowhere" in refused(trained, "studio", "nowhere")
    assert "is not there" in refused(trained, "studio", "no/where")
    assert "--workers 0" in refused(trained, "studio", "--workers", "0", code=2)
    assert "--port 99999" in refused(trained, "studio", "--port", "99999")
