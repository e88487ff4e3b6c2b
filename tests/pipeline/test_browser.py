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
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ostinato.music import sound
from ostinato.music.page import Given, Listening, Sample, listen_page
from ostinato.music.piece import Piece

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
QUIET = ("background-networking", "component-update", "sync")
SMALL = ("debug=smoke", "model.size=tiny", "model.backbone.hidden_size=32")
TINY = (
    *SMALL,
    "sampling.min_bars=0",
    "sampling.max_bars=2",
    "training.epochs=1",
    "training.max_pieces=8",
)

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
def ui(project_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What `ostinato ui` prints for a project with a run of an rnn and one of a gru.

    The port that it is asked for is taken.
    """
    project = Path(shutil.copytree(project_template, tmp_path_factory.mktemp("ui") / "project"))
    sweep = [*ostinato("run"), "model=rnn,gru", *TINY, "-m"]
    done = subprocess.run(sweep, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    log = project / "ui.log"
    with socket.socket() as taken, log.open("w") as output:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = subprocess.Popen(
            ostinato("ui", "--port", str(taken.getsockname()[1])),
            cwd=project,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        try:
            wait_for_address(server, log)
            yield log
        finally:
            server.send_signal(signal.SIGINT)
            assert server.wait(60) == 0


@pytest.fixture(scope="module")
def runs_page(ui: Path) -> str:
    """The address that is printed once MLflow answers."""
    found = re.search(r"shown at (http://127\.0\.0\.1\S+)", ui.read_text())
    assert found
    return found[1]


def ostinato(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "ostinato", *arguments]


def wait_for_address(server: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(600):
        assert server.poll() is None, log.read_text()
        if "shown at" in log.read_text():
            return
        time.sleep(0.5)
    raise AssertionError(f"MLflow's UI does not answer: {log.read_text()}")


def test_the_address_is_printed_once_it_answers_and_the_next_port_is_used(
    ui: Path, runs_page: str
) -> None:
    asked, used = re.findall(r"port (\d+) is taken.* using (\d+)", ui.read_text())[0]
    assert int(asked) < int(used)
    assert runs_page.startswith(f"http://127.0.0.1:{used}/#/experiments/")
    with urllib.request.urlopen(f"http://127.0.0.1:{used}/health", timeout=60) as answer:
        assert answer.status == 200


def test_the_table_shows_the_runs_and_what_they_reached(page: Any, runs_page: str) -> None:
    page.goto(runs_page)
    for name in ("rnn-voices-bach-smoke", "gru-voices-bach-smoke"):
        page.get_by_role("link", name=name).wait_for()
    datasets = page.get_by_text(re.compile(r"bach \([0-9a-f]{16}\)"))
    datasets.first.wait_for()
    assert datasets.count() == 2
    for column in ("best_validation_nats_per_token", "test_nats_per_note"):
        page.get_by_role("columnheader", name=column).first.wait_for()
    # of the view for language-model applications, in which MLflow would open
    assert page.get_by_text("Judges").count() == 0


def compare_two(page: Any) -> None:
    """Choose the first two rows, and press Compare."""
    boxes = page.locator(".ag-row .ag-checkbox-input-wrapper:visible")
    for row in range(2):
        boxes.nth(row).click(force=True)
    page.get_by_role("button", name="Compare").click()
    page.get_by_text("Comparing 2 Runs").wait_for()


def test_two_runs_are_compared(page: Any, runs_page: str) -> None:
    page.goto(runs_page)
    page.get_by_role("link", name="rnn-voices-bach").wait_for()
    compare_two(page)
    differing = page.get_by_role("row", name=re.compile(r"choices\.model\s+(rnn|gru)\s+(rnn|gru)"))
    differing.first.wait_for()
    page.get_by_text("best_validation_nats_per_token").first.wait_for(state="attached")


def test_comparing_opens_on_the_test_score(page: Any, runs_page: str) -> None:
    page.goto(runs_page)
    page.get_by_role("link", name="rnn-voices-bach").wait_for()
    compare_two(page)
    axes = page.locator(".js-plotly-plot .axis-title")
    axes.last.wait_for()
    assert axes.last.text_content() == "test_nats_per_note"


def test_a_run_tells_what_it_is_and_plays_its_samples(page: Any, runs_page: str) -> None:
    page.goto(runs_page)
    page.get_by_role("link", name="rnn-voices-bach").click()
    page.get_by_text("nats per token in epoch").wait_for()
    page.get_by_role("tab", name="Artifacts").click()
    page.get_by_text("samples", exact=True).click()
    page.get_by_text("listen.html", exact=True).last.click()
    inside = page.frame_locator("iframe")
    inside.locator(".plane").first.wait_for()
    inside.locator(".play").first.click()
    inside.locator(".playing").first.wait_for()
    page.get_by_text("sample-01.png", exact=True).last.click()
    picture = page.locator(
        "img[src^='blob:'], img[src^='data:image/png'], img[src*='sample-01.png']"
    )
    picture.first.wait_for()
    assert picture.first.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    page.get_by_text("sample-01.wav", exact=True).last.click()
    page.locator("audio, wave, canvas").first.wait_for(state="attached")


METERS = """
window.meters = [];
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (to, ...rest) {
  if (this instanceof GainNode && to instanceof AudioDestinationNode) {
    const meter = new AnalyserNode(this.context, { fftSize: 16384 });
    connect.call(this, meter);
    window.meters.push(meter);
  }
  return connect.call(this, to, ...rest);
};
window.levels = () => window.meters.slice(-4).map((meter) => {
  const wave = new Float32Array(16384);
  meter.getFloatTimeDomainData(wave);
  return Math.sqrt(wave.reduce((sum, x) => sum + x * x, 0) / wave.length);
});
"""
VOICES = ("Soprano", "Alto", "Tenor", "Bass")


@pytest.fixture(scope="module")
def listen(short_chorales: list[Piece], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a page with two chorales in four voices, of which the second is real."""
    samples = []
    for number, chorale in enumerate(short_chorales[:2], 1):
        piece = replace(chorale, track_names=VOICES)
        tracks = sound.render_tracks(piece)
        sounds = {track: sound.mp3_bytes(wave, 22050, 0.7) for track, wave in tracks.items()}
        given = Given("elsewhere", until=piece.end // 2) if number == 1 else None
        title = f"Piece {number}"
        samples.append(Sample(piece.name, piece, sounds, title, given=given, real=number == 2))
    file = tmp_path_factory.mktemp("page") / "listen.html"
    file.write_text(listen_page(Listening("Chorales", samples)), encoding="utf-8")
    return file.as_uri()


def heard(page: Any) -> list[bool]:
    """Which of the voices of what plays can be heard: each for itself, by its level."""
    page.wait_for_timeout(1500)  # longer than what a meter looks back on
    return [level > 1e-4 for level in page.evaluate("levels()")]


def test_all_voices_are_heard_one_alone_and_all_but_one(page: Any, listen: str) -> None:
    page.add_init_script(METERS)
    page.goto(listen)
    page.get_by_role("button", name="Play Piece 1").click()
    page.locator(".playing").wait_for()
    page.wait_for_timeout(1500)
    assert heard(page) == [True] * 4
    solo = page.get_by_role("button", name="Solo Alto").first
    solo.click()
    assert heard(page) == [False, True, False, False]
    assert page.locator(".notes .quiet").count() == 3
    solo.click()
    page.get_by_role("button", name="Mute Bass").first.click()
    assert heard(page) == [True, True, True, False]


def test_the_playhead_moves_while_a_sample_plays(page: Any, listen: str) -> None:
    page.goto(listen)
    page.get_by_role("button", name="Play Piece 1").click()
    page.locator(".playing").wait_for()
    head = page.locator(".playhead").first
    place = "head => parseFloat(head.style.left)"
    before = head.evaluate(place)
    page.wait_for_function("document.querySelector('.now').textContent >= '0:02'")
    assert head.evaluate(place) > before
    page.get_by_role("button", name="Play Piece 1").click()
    assert page.locator(".playing").count() == 0
    stopped = head.evaluate(place)
    page.wait_for_timeout(500)
    assert head.evaluate(place) == stopped


def test_a_sample_plays_from_where_its_roll_is_clicked(page: Any, listen: str) -> None:
    page.goto(listen)
    plane = page.locator(".plane").first
    box = plane.bounding_box()
    plane.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    page.locator(".playing").wait_for()
    left = page.locator(".playhead").first.evaluate("head => parseFloat(head.style.left)")
    assert 49 < left < 90


def test_one_sample_plays_at_a_time(page: Any, listen: str) -> None:
    page.goto(listen)
    page.get_by_role("button", name="Play Piece 1").click()
    page.locator(".playing").wait_for()
    page.get_by_role("button", name="Play Piece 2").click()
    page.locator(".real.playing").wait_for()
    assert page.locator(".playing").count() == 1


def test_what_was_given_is_shaded_in_the_roll(page: Any, listen: str) -> None:
    page.goto(listen)
    plane, given = (page.locator(name).first.bounding_box() for name in (".plane", ".given"))
    assert given["width"] == pytest.approx(plane["width"] / 2, rel=0.03)
    assert given["height"] == pytest.approx(plane["height"])


def test_the_midi_of_a_sample_can_be_downloaded(
    page: Any, listen: str, short_chorales: list[Piece]
) -> None:
    page.goto(listen)
    with page.expect_download() as download:
        page.get_by_role("link", name="MIDI").first.click()
    assert download.value.suggested_filename == f"{short_chorales[0].name}.mid"
    assert Path(download.value.path()).read_bytes().startswith(b"MThd")


@pytest.fixture(scope="module")
def report(ui: Path) -> str:
    """The address of the report of the first run."""
    [first, *_] = sorted(ui.parent.glob("outputs/sweeps/*/*/0/evaluation/report.html"))
    return first.as_uri()


def test_the_report_says_first_what_it_comes_to_and_leads_to_the_samples(
    page: Any, report: str
) -> None:
    page.goto(report)
    assert "nats per note" in page.locator(".verdict .headline").text_content()
    assert not page.get_by_text("semitones from the lowest to the highest").is_visible()
    page.get_by_role("link", name=re.compile("All samples")).click()
    page.get_by_role("heading", name=re.compile("New music from")).wait_for()
    page.get_by_role("heading", name=re.compile("Real music: ")).wait_for()


def test_the_report_ends_with_the_command_that_runs_it_again(page: Any, report: str) -> None:
    page.goto(report)
    headings = page.locator("main h2").all_text_contents()
    assert [headings[0], headings[1], headings[-1]] == [
        "What was asked",
        "What came",
        "Run it again",
    ]
    command = page.locator(".command").text_content()
    assert command.startswith("ostinato run experiment=bach_lstm model=rnn debug=smoke ")
    assert "model.backbone.hidden_size=32" in command
    assert page.get_by_role("rowheader", name="fingerprint of the pieces").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_distributions_are_drawn_where_they_can_be_read(
    page: Any, report: str, width: int, scheme: str
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    page.goto(report)
    assert all(not address.startswith("http") for address in asked)
    panels = page.locator(".panel svg")
    assert 6 <= panels.count() <= 12
    for number in range(panels.count()):
        box = panels.nth(number).bounding_box()
        assert box["width"] >= 140
        assert box["height"] >= 80
    colours = page.evaluate("""() => {
      const style = (name) => getComputedStyle(document.querySelector(name));
      const strokes = [1, 2, 3].map((set) => style(`.panel .set-${set}`).stroke);
      return [...strokes, style(".card").backgroundColor];
    }""")
    assert len(set(colours)) == 4, "three sets are told apart, and from the page"
    axis = page.locator(".axis").first
    size = axis.evaluate("axis => parseFloat(getComputedStyle(axis).fontSize)")
    assert size >= 12


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_of_the_pages_hangs_over_their_edge(
    page: Any, listen: str, report: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for address in (listen, report):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_mlflows_page_of_two_runs_shows_players_side_by_side(page: Any, runs_page: str) -> None:
    page.goto(runs_page)
    page.get_by_role("link", name="rnn-voices-bach").wait_for()
    compare_two(page)
    page.get_by_text("sample-01.mp3").first.dispatch_event("click")
    players = page.locator("audio")
    players.nth(1).wait_for(state="attached")
    assert players.count() == 2
    assert page.get_by_text("No common artifacts").count() == 0
    playing = """async (player) => {
      player.muted = true;
      await player.play();
      await new Promise((done) => setTimeout(done, 500));
      return player.currentTime;
    }"""
    assert players.first.evaluate(playing) > 0.1


@pytest.fixture(scope="module")
def comparison(ui: Path) -> Path:
    """The page that the sweep wrote at its end."""
    [page] = ui.parent.glob("outputs/sweeps/*/*/compare.html")
    assert page.stat().st_size < 10_000_000
    return page


def test_a_sweep_ends_with_a_page_that_needs_no_network(page: Any, comparison: Path) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(comparison.as_uri())
    page.get_by_role("heading", name="2 configs, 2 runs").wait_for()
    assert all(not address.startswith("http") for address in asked)
    assert page.locator(".figures tbody tr").count() == 2
    assert page.get_by_text(re.compile("no row is marked as the best")).first.is_visible()


def test_samples_of_two_rows_keep_their_place(page: Any, comparison: Path) -> None:
    page.goto(comparison.as_uri())
    players = page.locator(".sample .play")
    assert players.count() == 2
    players.first.click()
    page.wait_for_function("current && current.position > 1")
    players.nth(1).click()
    page.wait_for_function("current.card === document.querySelectorAll('.sample')[1]")
    page.wait_for_function("current.playing.length > 0")
    assert page.evaluate("current.offset") > 0.9


def test_curves_are_zoomed_by_dragging_and_shown_whole_by_a_double_click(
    page: Any, comparison: Path
) -> None:
    page.goto(comparison.as_uri())
    chart = page.locator("#chart svg")
    chart.scroll_into_view_if_needed()
    path = "svg => [...svg.querySelectorAll('.axis + text')].map((text) => text.textContent).join()"
    before = chart.evaluate(path)
    box = chart.bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 160)
    page.mouse.up()
    assert chart.evaluate(path) != before
    chart.dblclick()
    assert chart.evaluate(path) == before


def test_a_single_epoch_is_a_dot_for_each_run(page: Any, comparison: Path) -> None:
    page.goto(comparison.as_uri())
    dots = page.locator("#chart .curve.lone")
    assert dots.count() == 2
    chart = page.locator("#chart svg").bounding_box()
    for number in range(2):
        box = dots.nth(number).bounding_box()
        assert 0.3 < (box["x"] - chart["x"]) / chart["width"] < 0.7


@pytest.mark.parametrize("width", [400, 1280])
def test_words_of_a_comparison_are_not_broken(page: Any, comparison: Path, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(comparison.as_uri())
    broken = page.evaluate("""() => {
      const range = document.createRange(), found = [];
      const heads = [...document.querySelectorAll(".figures thead th, .pitch")];
      for (const head of heads) for (const word of head.textContent.matchAll(/[^ ]+/g)) {
        range.setStart(head.firstChild, word.index);
        range.setEnd(head.firstChild, word.index + word[0].length);
        if (range.getClientRects().length > 1) found.push(word[0]);
      }
      return found;
    }""")
    assert broken == []


@pytest.mark.parametrize("width", [400, 1280])
def test_nothing_of_a_comparison_hangs_over_its_edge(
    page: Any, comparison: Path, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(comparison.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
