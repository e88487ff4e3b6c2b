"""`mlflow models serve` answers over HTTP, from a folder in which nothing of the project is."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ostinato.music.reading import read_midi
from projects import run

TINY = (
    "debug=smoke",
    "representation=event",
    "model.backbone.hidden_size=16",
    "training.epochs=1",
    "training.max_pieces=8",
)
NOTES = [{"onset": 0, "duration": 1, "pitch": 60}, {"onset": 1, "duration": 1, "pitch": 67}]


@pytest.fixture
def served(project: Path, tmp_path: Path) -> Iterator[str]:
    """The address at which a model of the project is served."""
    for stage in ("preprocess", "split", "train"):
        run(project, "ostinato", stage, *TINY)
    said = run(project, "ostinato", "register", "outputs", "--name", "bach", "--alias", "best")
    assert "ostinato generate model_dir=models:/bach@best" in said.stdout
    assert "Downloading" not in said.stderr + said.stdout
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    empty = tmp_path / "empty"
    empty.mkdir()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", "models:/bach@best"]
    command += ["--env-manager", "local", "--port", str(port), "--workers", "1"]
    store = f"sqlite:///{project}/outputs/mlflow/mlflow.db"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # uvicorn is there
    environment = os.environ | {
        "MLFLOW_TRACKING_URI": store,
        "PATH": path,
        "OMP_NUM_THREADS": "1",
    }
    log = tmp_path / "log"
    with log.open("w") as words:
        server = subprocess.Popen(
            command, cwd=empty, env=environment, stdout=words, stderr=words, start_new_session=True
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/ping", server, log)
        yield f"http://127.0.0.1:{port}/invocations"
        assert list(empty.iterdir()) == []
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)


def wait_for(address: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(240):
        assert server.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise AssertionError(f"the server does not answer: {log.read_text()}")


def post(address: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Return the status and the JSON of an answer."""
    request = urllib.request.Request(
        address, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.mark.slow
def test_a_served_model_answers_with_midi(served: str, project: Path, tmp_path: Path) -> None:
    midi = sorted((project / "data" / "bach").glob("*.mid"))[0].read_bytes()
    prompts: list[dict[str, Any]] = [
        {"midi": ""},
        {"notes": NOTES},
        {"midi": base64.b64encode(midi).decode()},
    ]
    body = {"inputs": prompts, "params": {"max_bars": 4, "seed": 3}}
    status, answer = post(served, body)
    assert status == 200
    assert len(answer["predictions"]) == len(prompts)
    pieces = []
    for number, prediction in enumerate(answer["predictions"]):
        file = tmp_path / f"{number}.mid"
        file.write_bytes(base64.b64decode(prediction["midi"], validate=True))
        pieces.append(read_midi(file))
        assert len(pieces[-1].notes) == prediction["notes"] > 0
    assert {60, 67} <= set(pieces[1].notes["pitch"].tolist())
    assert post(served, body) == (status, answer)
    rows = {"dataframe_records": prompts[1:2], "params": {"max_bars": 4, "seed": 4}}
    assert post(served, rows) == (200, {"predictions": answer["predictions"][1:2]})
    for refused, sentence in (
        ({"inputs": [{}]}, "each row should have midi or notes"),
        ({"inputs": [{"notes": [{**NOTES[0], "pitch": 200}]}]}, "pitch of a note should be a num"),
        ({"inputs": [{"midi": ""}], "params": {"max_bars": 0}}, "max_bars=0 does not fit"),
    ):
        status, answer = post(served, refused)
        assert status == 400
        assert sentence in answer["message"]
        assert "Traceback" not in json.dumps(answer)
