"""The studio's page in a browser without a network: it composes, sounds, draws and infills.

Slow, and skipped without Chromium: `pytest -m slow tests/studio/test_studio_browser.py`.
"""

import base64
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from studios import Served

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 400, "height": 800}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser that finds no host but this machine."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    flags = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    flags += ["--autoplay-policy=no-user-gesture-required"]
    flags += ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Any, served: Served) -> Iterator[Any]:
    """A fresh tab with the studio; an error of its script or a request elsewhere fails the test."""
    with tab(browser, served) as fresh:
        yield fresh


def tab(browser: Any, served: Served, **options: Any) -> Any:
    from contextlib import contextmanager

    @contextmanager
    def opened() -> Iterator[Any]:
        context = browser.new_context(**{"viewport": WIDE, **options})
        context.set_default_timeout(60_000)
        errors: list[str] = []
        fresh = context.new_page()
        fresh.on("pageerror", lambda error: errors.append(str(error)))
        fresh.on(
            "console", lambda said: errors.append(said.text) if "Policy" in said.text else None
        )
        elsewhere: list[str] = []
        fresh.on("request", lambda request: note(request.url, served, elsewhere))
        fresh.goto(served.address)
        wait(fresh, "studio.model")
        yield fresh
        context.close()
        assert not errors
        assert not elsewhere

    return opened()


def note(url: str, served: Served, elsewhere: list[str]) -> None:
    if not url.startswith((served.address, "data:", "blob:")):
        elsewhere.append(url)


def wait(page: Any, condition: str) -> None:
    """Return when a condition holds; the page's policy forbids Playwright's own way to wait."""
    for _ in range(600):
        if page.evaluate(f"Boolean({condition})"):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{condition} does not come true: {page.locator('body').inner_text()}")


def compose(page: Any, bars: int = 4, **fields: str) -> None:
    page.fill("#bars", str(bars))
    for name, value in fields.items():
        page.fill(f"#{name}", value)
    page.click("#compose")
    done(page)


def compose_for_long(page: Any) -> None:
    """Begin a piece that the model does not end within 200 bars, so cold and by this seed."""
    page.fill("#bars", "200")
    page.fill("#seed", "1")
    page.evaluate("document.querySelector('#temperature').value = 0.1")  # it is folded away
    page.click("#compose")


def done(page: Any) -> None:
    wait(page, "studio.take && !studio.busy && !studio.growing")


def notes(page: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.evaluate("studio.take.piece.notes")
    return found


def test_it_composes_sounds_and_draws(page: Any) -> None:
    page.fill("#bars", "8")
    page.fill("#seed", "3")
    page.click("#compose")
    wait(page, "studio.growing && studio.growing.notes.length > 0")
    wait(page, "studio.player.playing && studio.player.rms > 0.001")  # while it grows
    done(page)
    wait(page, "document.querySelector('#notation svg .note')")
    wait(page, "studio.player.position > 1")
    assert page.locator("#roll svg").count() >= 1
    assert "seed=3" in page.locator("#command").inner_text()


def test_a_bar_is_infilled_and_undone(page: Any, chorale: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "chorale.mid"
    file.write_bytes(base64.b64decode(chorale["midi"]))
    page.set_input_files("#file", str(file))
    wait(page, "studio.take && studio.take.piece.notes.length > 20")
    before = notes(page)
    page.fill("#from-bar", "2")
    page.fill("#to-bar", "2")
    page.keyboard.press("Tab")
    page.click("#do-infill")
    wait(page, "studio.takes.length == 2 && !studio.busy")
    first = page.evaluate("studio.take.piece.first_bar")
    start, end = page.evaluate(f"studio.take.piece.bars.slice({2 - first}, {4 - first})")

    def outside(found: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
        return [
            (n["onset"], n["pitch"], n["track"]) for n in found if not start <= n["onset"] < end
        ]

    after = notes(page)
    assert outside(after) == outside(before)
    assert any(not note["given"] for note in after)
    page.keyboard.press("Control+z")
    wait(page, f"studio.take.piece.notes.length == {len(before)}")
    assert notes(page) == before


def test_takes_survive_a_reload(page: Any) -> None:
    compose(page, 2, seed="1")
    before = notes(page)
    page.reload()
    wait(page, "studio.model && studio.take")
    assert notes(page) == before


def test_candidates_are_chosen_by_number(page: Any) -> None:
    page.select_option("#candidates", "3")
    compose(page, 2, seed="1")
    first = notes(page)
    page.keyboard.press("2")
    wait(page, "studio.take.piece.name == 'sample-02'")
    assert notes(page) != first


def test_notes_are_drawn_and_harmonised(page: Any) -> None:
    page.click("#new-sheet")
    page.wait_for_selector("#roll svg")
    for _ in range(4):
        page.keyboard.press("Enter")
        for _ in range(4):
            page.keyboard.press("ArrowRight")
    wait(page, "studio.take.piece.notes.length == 4")
    page.keyboard.press("Escape")
    page.click("#do-harmonise")
    wait(page, "studio.takes.length > 1 && !studio.busy")
    assert {note["track"] for note in notes(page)} >= {0, 1}


def test_a_file_that_is_no_music_is_said(page: Any, tmp_path: Path) -> None:
    file = tmp_path / "letter.mid"
    file.write_text("Dear Sir")
    page.set_input_files("#file", str(file))
    page.wait_for_selector("#alert:not([hidden])")
    assert "cannot be read as music" in page.locator("#alert-words").inner_text()
    compose(page, 2)  # the page goes on


def test_a_tab_that_is_closed_frees_the_worker_for_another(browser: Any, served: Served) -> None:
    with tab(browser, served) as one:
        compose_for_long(one)
        wait(one, "studio.growing")
        with tab(browser, served) as two:
            two.fill("#bars", "2")
            two.click("#compose")
            wait(two, "document.querySelector('#status').textContent.includes('before')")
            one.close()
            done(two)
    assert served.get("/v1/queue")["running"] == 0


def test_a_stop_ends_what_is_composed(page: Any, served: Served) -> None:
    compose_for_long(page)
    wait(page, "studio.growing")
    page.click("#stop")
    wait(page, "!studio.busy")
    for _ in range(50):
        if served.get("/v1/queue")["running"] == 0:
            return
        time.sleep(0.1)
    raise AssertionError("it is composed further")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_axe_finds_no_serious_fault(
    browser: Any, served: Served, scheme: str, viewport: dict[str, int]
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    with tab(browser, served, viewport=viewport, color_scheme=scheme) as page:
        check(axe, page)
        page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
        compose(page, 4)
        wait(page, "document.querySelector('#notation svg .note')")
        check(axe, page)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= viewport["width"]
        page.keyboard.press("Escape")
        page.keyboard.press("?")
        check(axe, page)


def check(axe: Any, page: Any) -> None:
    found = axe.Axe().run(page).response["violations"]
    grave = [fault for fault in found if fault["impact"] in ("serious", "critical")]
    assert not grave, [(fault["id"], fault["nodes"][0]["html"][:200]) for fault in grave]


def test_two_models_are_compared_blind(page: Any) -> None:
    page.fill("#bars", "8")
    page.fill("#seed", "2")
    page.evaluate("document.querySelector('#compare-card').open = true")
    page.get_by_role("button", name="Choose the second model").click()
    dialog = page.locator("#models-dialog")
    dialog.get_by_role("button").filter(has_text="VAE").first.click()
    compare = page.locator("#compare")
    compare.get_by_role("button", name="Compose both").click()
    compare.get_by_role("button", name="Play A", exact=False).wait_for(timeout=120_000)
    vote = compare.get_by_role("button", name="A is better")
    assert vote.is_disabled() or vote.get_attribute("aria-disabled") == "true"
    shown = compare.inner_text()
    assert "models/vae" not in shown.partition("Play A")[2]
