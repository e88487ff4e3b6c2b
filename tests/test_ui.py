"""The port, the screen and the table of `ostinato ui`, and how it ends."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from defaults import build
from ostinato import ui
from ostinato.errors import UserError
from ostinato.tracking import STORE, DataOfRun, Run, client_of


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_where_a_port_is_taken_the_next_free_one_is_used(taken: int) -> None:
    found = ui.find_port(taken)
    assert taken < found < taken + ui.PORTS
    assert ui.find_port(found) == found


@pytest.mark.parametrize("port", [0, -1, 65_536])
def test_a_port_is_a_number_up_to_65535(port: int) -> None:
    with pytest.raises(UserError, match="is no port: give a number from 1 to 65535"):
        ui.find_port(port)


def test_without_runs_it_says_how_to_make_some(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no runs yet: run `make repro`"):
        ui.serve(tmp_path, 5000)


def test_no_browser_opens_without_a_terminal_or_in_a_pipeline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    assert not ui.has_screen()
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    assert ui.has_screen()
    monkeypatch.setenv("CI", "true")
    assert not ui.has_screen()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A project with one run of no training."""
    client, experiment = client_of(build("tracking=local"), tmp_path)
    run = Run(client, client.create_run(experiment, run_name="a run").info.run_id)
    run.await_metric("test_nats_per_note")
    run.metrics({"system/cpu": 3.0, "minutes": 2.0})
    run.metrics({"test_nats_per_note": 1.5})
    run.await_metric("test_nats_per_note")
    for _ in range(2):
        run.dataset(DataOfRun("bach", "0123456789abcdef", "data/bach", {"train": 7, "test": 2}))
    return tmp_path


def test_the_score_that_is_awaited_stays_the_first_metric(store: Path) -> None:
    client, experiment = client_of(build("tracking=local"), store)
    [run] = client.search_runs([experiment])
    assert run.data.metrics["test_nats_per_note"] == 1.5
    assert next(iter(client.get_run(run.info.run_id).data.metrics)) == "test_nats_per_note"


def test_a_run_has_its_dataset_once(store: Path) -> None:
    client, experiment = client_of(build("tracking=local"), store)
    [run] = client.search_runs([experiment])
    [given] = run.inputs.dataset_inputs
    assert (given.dataset.name, given.dataset.digest) == ("bach", "0123456789abcdef")
    tags = {tag.key: tag.value for tag in given.tags}
    assert tags == {"mlflow.data.context": "training", "train pieces": "7", "test pieces": "2"}


def test_the_table_shows_the_data_set_and_the_score(store: Path) -> None:
    page = ui.prepare_table(f"sqlite:///{store / STORE}/mlflow.db")
    client, experiment = client_of(build("tracking=local"), store)
    assert page.startswith(f"#/experiments/{experiment}/runs?workflowType=machine_learning")
    tags = client.get_experiment(experiment).tags
    assert "Dataset" in tags["mlflow.sharedViewState.ostinato"]
    assert tags["mlflow.experiment.primaryMetric.name"] == "test_nats_per_note"


def start(store: Path) -> "subprocess.Popen[str]":
    """`ostinato ui` in a project, once it has printed its address."""
    server = subprocess.Popen(
        [sys.executable, "-m", "ostinato", "ui", "--port", str(ui.find_port(42_000))],
        cwd=store,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    assert any("shown at" in line for line in server.stdout)
    return server


@pytest.mark.slow
def test_a_server_that_ends_by_itself_is_a_failure(store: Path) -> None:
    server = start(store)
    for process in psutil.Process(server.pid).children(recursive=True):
        process.kill()
    _, said = server.communicate(timeout=60)
    assert server.returncode == 1
    assert "MLflow's UI ended by itself with code" in said
    assert "Traceback" not in said


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_its_server_ends_with_it(store: Path, number: signal.Signals) -> None:
    server = start(store)
    processes = psutil.Process(server.pid).children(recursive=True)
    assert processes
    server.send_signal(number)
    _, said = server.communicate(timeout=60)
    assert server.returncode == 0
    assert "Traceback" not in said
    time.sleep(0.5)
    assert not any(process.is_running() for process in processes)


def test_an_answer_that_is_none_is_waited_out() -> None:
    """A port that echoes what it is asked is no server yet: it is asked again."""
    with socket.socket() as echo:
        echo.bind(("127.0.0.1", 0))
        echo.listen()

        def answer() -> None:
            connection, _ = echo.accept()
            connection.sendall(connection.recv(1000))
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        server = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3)"])
        ui._wait(server, echo.getsockname()[1])
        thread.join()
    assert server.poll() == 0
