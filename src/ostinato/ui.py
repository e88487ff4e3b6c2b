"""`ostinato ui`: MLflow's UI for the project's runs, in a process beside this one."""

import errno
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ostinato import console
from ostinato.errors import UserError
from ostinato.tracking import STORE, SWEEP_TAG, TEST_AREA, TEST_SCORE, follow_project

HOST = "127.0.0.1"
PORTS = 20  # that are tried, from the one that was asked for
PATIENCE = 180  # seconds until the server answers
PAUSE = 0.1  # seconds between two questions
GRACE = 10  # seconds in which the server may end by itself
ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
PRIMARY = "mlflow.experiment.primaryMetric.name"
VIEW = "ostinato"
NEWEST = 500  # runs, among which the sweeps are looked for
COLUMNS = (
    "attributes.`Dataset`",
    "tags.`model`",
    "tags.`representation`",
    "tags.`corpus`",
    "metrics.`best_validation_nats_per_token`",
    f"metrics.`{TEST_SCORE}`",
    "metrics.`best_validation_overlapping_area`",
    f"metrics.`{TEST_AREA}`",
    "metrics.`overlap/pitch_class_entropy`",
    "params.`parameters`",
    "params.`seed`",
)


def serve(home: Path, port: int, browser: bool = True) -> int:
    """Show the project's own store in MLflow's UI until interrupted; returns the exit code.

    Where the port is taken, the next that is free is used. `browser` opens the address where
    there is a screen. Raises `UserError` where there are no runs, and where the server ends by
    itself.
    """
    store = (home / STORE).resolve()
    if not (store / "mlflow.db").exists():
        raise UserError(f"{store} holds no runs yet: run `make repro` or `ostinato run` first.")
    follow_project(store)
    uri, free = f"sqlite:///{store}/mlflow.db", find_port(port)
    if free != port:
        console.say(f"port {port} is taken, by another `ostinato ui` perhaps: using {free}")
    console.say("starting MLflow's UI: this takes some seconds, the first time more")
    with tempfile.TemporaryFile() as log, _server(uri, free, log) as server:
        page = prepare_table(uri)  # while the server starts
        address = f"http://{HOST}:{free}/{page}"
        _wait(server, free)
        if server.poll() is None:
            console.say(f"the runs are shown at {address} (Ctrl-C ends it)")
            if browser and has_screen():
                _open_browser(address)
            server.wait()
        raise UserError(f"MLflow's UI ended by itself with code {server.returncode}{_last(log)}.")


def find_port(first: int) -> int:
    """Return the first free port of the `PORTS` from `first` on; raises `UserError` for none."""
    if not 0 < first < 2**16:
        raise UserError(f"--port {first} is no port: give a number from 1 to {2**16 - 1}.")
    last = min(first + PORTS, 2**16)
    for port in range(first, last):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    continue
                raise UserError(f"port {port} cannot be used: {error.strerror}.") from error
            return port
    raise UserError(f"the ports {first} to {last - 1} are taken: give another with --port.")


def prepare_table(uri: str) -> str:
    """Return where the UI shows the runs of the experiment used last, with the columns that matter.

    The UI opens on its pages for language-model applications, and its table without a parameter or
    a metric, unless the address says otherwise. Its charts begin with the test score, by which the
    table is sorted, the best first: sorted by their time, the runs of a sweep would be hidden
    below the sweep's own.
    """
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    known = [experiment.experiment_id for experiment in client.search_experiments()]
    order = ["attributes.start_time DESC"]
    runs = client.search_runs(known, max_results=NEWEST, order_by=order)
    newest = [run for run in runs if SWEEP_TAG not in run.data.tags]
    used = newest[0].info.experiment_id if newest else known[0]
    scored = newest[0].data.metrics if newest else {}
    score = TEST_AREA if TEST_AREA in scored else TEST_SCORE
    view = {
        "selectedColumns": COLUMNS,
        "orderByKey": f"metrics.`{score}`",
        "orderByAsc": score == TEST_SCORE,
    }
    client.set_experiment_tag(used, f"mlflow.sharedViewState.{VIEW}", json.dumps(view))
    client.set_experiment_tag(used, PRIMARY, score)
    query = f"workflowType=machine_learning&viewStateShareKey={VIEW}"
    return f"#/experiments/{used}/runs?{query}"


def has_screen() -> bool:
    """Return whether a person sits at a terminal with a screen on which a browser can open."""
    if os.environ.get("CI") or os.environ.get("SSH_CONNECTION") or not sys.stdout.isatty():
        return False
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


@contextmanager
def _server(uri: str, port: int, log: IO[bytes]) -> Iterator["subprocess.Popen[bytes]"]:
    """Run MLflow's server, which ends with the block: on Ctrl-C, and when this process is ended."""
    command = [sys.executable, "-W", "ignore", "-m", "mlflow", "ui", "--port", str(port)]
    command += ["--host", HOST, "--backend-store-uri", uri]
    command += ["--workers", "1", "--uvicorn-opts", "--log-level warning"]
    # its runner of jobs for language-model applications is a third process, which nobody needs
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    before = {number: signal.signal(number, _interrupt) for number in ENDING}
    server = subprocess.Popen(
        command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment
    )
    try:
        yield server
    finally:
        _end(server)
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(*_: Any) -> None:
    signal.raise_signal(signal.SIGINT)


def _end(server: "subprocess.Popen[bytes]") -> None:
    server.terminate()  # it hands the signal on to its own processes
    try:
        server.wait(GRACE)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _wait(server: "subprocess.Popen[bytes]", port: int) -> None:
    """Return when the server answers or has ended; raises `UserError` where it takes too long."""
    end = time.monotonic() + PATIENCE
    while server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/health", timeout=5):
                return
        # a port that nobody listens on yet may answer with the question itself: Linux lets a
        # connection meet itself where its own port is drawn to be the other end's
        except (OSError, http.client.HTTPException):
            time.sleep(PAUSE)
        if time.monotonic() > end:
            raise UserError(f"MLflow's UI has not answered for {PATIENCE} seconds.")


def _last(log: IO[bytes]) -> str:
    """Return the last words of a server that has ended."""
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return f": {lines[-1].strip().rstrip('.')[:300]}" if lines else ""


def _open_browser(address: str) -> None:
    import webbrowser

    webbrowser.open(address)
