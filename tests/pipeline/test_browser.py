"""What a person sees in a browser: the runs in MLflow's UI, and the page of samples.

Slow, and skipped without Chromium: `pytest -m slow tests/pipeline/test_browser.py` (two minutes).
"""

import os
import re
import shutil
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

from ostinato.music import sound
from ostinato.music.page import Sample, listen_page
from ostinato.music.piece import Piece

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
QUIET = ("background-networking", "component-update", "sync")
SMALL = ("debug=smoke", "model.backbone.hidden_size=32")
TINY = (*SMALL, "sampling.max_bars=2", "training.epochs=1", "training.max_pieces=8")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    flags = ["--no-sandbox", "--disable-gpu", "--no-first-run"]
    flags += [f"--disable-{feature}" for feature in QUIET]
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A fresh profile: nothing that an earlier test chose is remembered."""
    context = browser.new_context(viewport={"width": 1600, "height": 900})
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def runs_page(project_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address that `ostinato ui` tells, for a project with a run of an rnn and one of a gru."""
    project = Path(shutil.copytree(project_template, tmp_path_factory.mktemp("ui") / "project"))
    sweep = [*ostinato("run"), "model=rnn,gru", *TINY, "-m"]
    done = subprocess.run(sweep, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    port = free_port()
    log = project / "ui.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            ostinato("ui", "--port", str(port)),
            cwd=project,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/health", server, log)
            told = re.search(r"http://127\.0\.0\.1\S+", log.read_text())
            assert told
            yield told.group()
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(60)


def ostinato(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "ostinato", *arguments]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(address: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(120):
        assert server.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.5)
    raise AssertionError(f"MLflow's UI does not answer: {log.read_text()}")


def test_the_table_shows_the_runs_and_what_they_reached(page: Any, runs_page: str) -> None:
    page.goto(runs_page)
    for name in ("rnn-voices-bach", "gru-voices-bach"):
        page.get_by_role("link", name=name).wait_for()
    for column in ("best_validation_nats_per_token", "test_nats_per_note"):
        page.get_by_role("columnheader", name=column).first.wait_for()
    # of the view for language-model applications, in which MLflow would open
    assert page.get_by_text("Judges").count() == 0


def test_two_runs_are_compared(page: Any, runs_page: str) -> None:
    page.goto(runs_page)
    page.get_by_role("link", name="rnn-voices-bach").wait_for()
    page.locator("[role=columnheader] input[type=checkbox]").first.check(force=True)
    page.get_by_role("button", name="Compare").click()
    page.get_by_text("Comparing 2 Runs").wait_for()
    differing = page.get_by_role("row", name=re.compile(r"choices\.model\s+(rnn|gru)\s+(rnn|gru)"))
    differing.first.wait_for()
    page.get_by_text("best_validation_nats_per_token").first.wait_for(state="attached")


def test_a_run_tells_what_it_is_and_plays_its_samples(page: Any, runs_page: str) -> None:
    page.goto(runs_page)
    page.get_by_role("link", name="rnn-voices-bach").click()
    page.get_by_text("nats per token in epoch").wait_for()
    page.get_by_role("tab", name="Artifacts").click()
    page.get_by_text("samples", exact=True).click()
    page.get_by_text("listen.html", exact=True).click()
    inside = page.frame_locator("iframe")
    inside.locator(".plane").first.wait_for()
    assert plays(inside.locator("audio").first)
    page.get_by_text("sample-01.png", exact=True).click()
    picture = page.locator(
        "img[src^='blob:'], img[src^='data:image/png'], img[src*='sample-01.png']"
    )
    picture.first.wait_for()
    assert picture.first.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    page.get_by_text("sample-01.wav", exact=True).click()
    page.locator("audio, wave, canvas").first.wait_for(state="attached")


def plays(audio: Any) -> bool:
    """Press play, and see whether time passes."""
    played = """audio => new Promise(done => {
        audio.addEventListener("timeupdate", () => audio.currentTime > 0.2 && done(true));
        setTimeout(() => done(false), 20000);
        audio.play();
    })"""
    return bool(audio.evaluate(played))


@pytest.fixture(scope="module")
def listen(short_chorales: list[Piece], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a page with two chorales."""
    samples = []
    for piece in short_chorales[:2]:
        samples.append(
            Sample(piece.name, piece, sound.mp3_bytes(sound.render(piece, None, 22050), 22050))
        )
    file = tmp_path_factory.mktemp("page") / "listen.html"
    file.write_text(listen_page("Chorales", samples, {"model": "none"}), encoding="utf-8")
    return file.as_uri()


def test_a_sample_plays_from_where_its_roll_is_clicked(page: Any, listen: str) -> None:
    page.goto(listen)
    plane, audio = page.locator(".plane").first, page.locator("audio").first
    box = plane.bounding_box()
    plane.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    page.wait_for_function("!document.querySelector('audio').paused")
    middle = float(plane.get_attribute("data-seconds")) / 2
    assert middle - 0.2 <= audio.evaluate("audio => audio.currentTime") <= middle + 5
    assert plays(audio)
    left = page.locator(".playhead").first.evaluate("head => parseFloat(head.style.left)")
    assert 50 < left < 90


def test_one_sample_plays_at_a_time(page: Any, listen: str) -> None:
    page.goto(listen)
    first, second = page.locator("audio").nth(0), page.locator("audio").nth(1)
    assert plays(first)
    assert plays(second)
    assert first.evaluate("audio => audio.paused")
    assert not second.evaluate("audio => audio.paused")


def test_the_midi_of_a_sample_can_be_downloaded(
    page: Any, listen: str, short_chorales: list[Piece]
) -> None:
    page.goto(listen)
    with page.expect_download() as download:
        page.get_by_role("link", name="MIDI").first.click()
    assert download.value.suggested_filename == f"{short_chorales[0].name}.mid"
    assert Path(download.value.path()).read_bytes().startswith(b"MThd")


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_of_the_page_hangs_over_its_edge(page: Any, listen: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(listen)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
