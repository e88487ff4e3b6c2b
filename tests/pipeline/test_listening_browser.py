"""A listening test in a browser: five seconds before a vote, random order, stop and go on.

Slow, and skipped without Chromium: `pytest -m slow tests/pipeline/test_listening_browser.py`.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ostinato.listening.building import ListeningTest, build_test
from ostinato.listening.pairs import pair_systems
from ostinato.listening.protocol import MINIMUM_SECONDS, read_votes
from ostinato.listening.systems import System, hear_pieces
from ostinato.listening.votes import gather_votes
from ostinato.music.piece import Piece

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
PAIRS = 8
BUTTONS = ("A is better", "B is better", "Equally good", "Both are bad")
NO_STORE = "Object.defineProperty(window, 'localStorage', { get() { throw new Error('no'); } });"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    flags = ["--no-sandbox", "--disable-gpu", "--no-first-run"]
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def made(short_chorales: list[Piece]) -> ListeningTest:
    """A test of two systems with four pieces each."""
    systems = [
        System(name, name, hear_pieces(pieces, bars=0))
        for name, pieces in (("one", short_chorales[:4]), ("two", short_chorales[4:8]))
    ]
    return build_test(systems, pair_systems(systems, PAIRS, seed=0), seed=0, seconds=10)


@pytest.fixture(scope="module")
def address(made: ListeningTest, tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("test") / "test.html"
    file.write_text(made.page, encoding="utf-8")
    return file.as_uri()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A fresh profile; an error of the page's script fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(60_000)
    errors: list[str] = []
    fresh = context.new_page()
    fresh.on("pageerror", lambda error: errors.append(str(error)))
    yield fresh
    context.close()
    assert not errors


def hear(page: Any, letter: str, seconds: float) -> None:
    """Play a side until so many seconds of it were heard, as the page counts."""
    page.get_by_role("button", name=f"Play {letter}", exact=True).click()
    page.wait_for_function(f"sides.{letter}.heard >= {seconds}")


def answer(page: Any, name: str) -> None:
    """Answer a pair that is taken for heard: tests of the rule itself hear it."""
    page.evaluate("both.forEach((side) => { side.heard = 6; side.draw(); }); earlier = 20")
    page.get_by_role("button", name=name).click()


def shown_order(page: Any) -> list[list[Any]]:
    found: list[list[Any]] = page.evaluate("order.map((pair) => [pair.id, pair.sides[0]])")
    return found


def download(page: Any, folder: Path) -> Path:
    with page.expect_download() as found:
        page.get_by_role("button", name="Download my").click()
    file = folder / found.value.suggested_filename
    found.value.save_as(file)
    return file


def test_no_vote_counts_before_five_seconds_of_each(
    page: Any, address: str, tmp_path: Path, made: ListeningTest
) -> None:
    page.goto(address)
    page.get_by_role("button", name="Begin").click()
    buttons = [page.get_by_role("button", name=name) for name in BUTTONS]
    why = page.locator("#why")
    assert why.text_content() == "Closed until you have heard 5 seconds of A and of B."
    hear(page, "A", MINIMUM_SECONDS)
    assert why.text_content() == "Closed until you have heard 5 seconds of B."
    hear(page, "B", 3)
    for button in buttons:
        assert button.get_attribute("aria-disabled") == "true"
        assert button.get_attribute("aria-describedby") == "why"
        button.evaluate("button => button.click()")
    assert page.locator("#title").text_content() == f"Pair 1 of {PAIRS}"
    page.wait_for_function(f"sides.B.heard >= {MINIMUM_SECONDS}")
    buttons[1].click()
    assert page.locator("#title").text_content() == f"Pair 2 of {PAIRS}"
    file = read_votes(download(page, tmp_path))
    [vote] = file.votes
    assert vote.answer == "B"
    assert min(vote.left.heard, vote.right.heard) >= MINIMUM_SECONDS
    assert {vote.left.clip, vote.right.clip} == {c.clip for c in made.key.pairs[vote.pair]}


def test_seconds_that_are_the_same_in_both_do_not_count(
    page: Any, tmp_path: Path, short_chorales: list[Piece]
) -> None:
    from dataclasses import replace

    piece = short_chorales[0]
    until = int(piece.barlines()[2])
    notes = piece.notes.copy()
    notes["pitch"] += (notes["onset"] >= until).astype("u1")
    pieces = [piece, replace(piece, notes=notes)]
    systems = [
        System(str(i), str(i), hear_pieces([one], bars=2), {"prompt": "test", "prompt_bars": 2})
        for i, one in enumerate(pieces)
    ]
    made = build_test(systems, pair_systems(systems, 1, 0), 0, 10)
    (tmp_path / "test.html").write_text(made.page, encoding="utf-8")
    page.goto((tmp_path / "test.html").as_uri())
    page.get_by_role("button", name="Begin").click()
    given = page.evaluate("sides.A.given")
    assert given > 1
    page.get_by_role("button", name="Play A", exact=True).click()
    page.wait_for_function(f"sides.A.position >= {given + 1}")
    assert page.evaluate("sides.A.heard - (sides.A.position - sides.A.given)") < 0.5
    assert page.locator("#clip-A .given").is_visible()


def test_each_listener_has_another_order_and_the_same_again(browser: Any, address: str) -> None:
    orders = []
    for _ in range(4):
        context = browser.new_context()
        page = context.new_page()
        page.goto(address)
        orders.append(shown_order(page))
        page.reload()
        assert shown_order(page) == orders[-1]
        context.close()
    assert len({json.dumps([pair for pair, _ in order]) for order in orders}) == 4
    assert len({json.dumps(sorted(order)) for order in orders}) > 1  # left and right too
    assert {side for order in orders for _, side in order} == {0, 1}
    assert len({json.dumps(sorted(pair for pair, _ in order)) for order in orders}) == 1


def test_a_test_is_stopped_gone_on_with_and_finished(
    page: Any, address: str, tmp_path: Path, made: ListeningTest
) -> None:
    page.goto(address)
    page.get_by_role("button", name="Begin").click()
    for name in BUTTONS[:3]:
        answer(page, name)
    page.reload()
    page.get_by_role("button", name="Go on with pair 4").click()
    assert page.locator("#title").text_content() == f"Pair 4 of {PAIRS}"
    assert page.locator("#done").evaluate("bar => bar.value") == 3
    page.get_by_role("button", name="Change my last answer").click()
    assert page.locator("#title").text_content() == f"Pair 3 of {PAIRS}"
    for _ in range(3, PAIRS + 1):
        answer(page, "Both are bad")
    assert page.get_by_role("heading", name="Thank you").is_visible()
    file = download(page, tmp_path)
    assert file.name.startswith(f"votes-{made.key.test}-")
    votes = gather_votes({file: read_votes(file)}, made.key)
    answers = [vote.answer for vote in votes.all()]
    assert answers == ["A", "B", *["both_bad"] * (PAIRS - 2)]


def test_a_browser_that_keeps_nothing_says_so_and_still_downloads(
    page: Any, address: str, tmp_path: Path
) -> None:
    page.add_init_script(NO_STORE)
    page.goto(address)
    assert "this browser keeps no answers" in page.locator("#keeping").text_content()
    page.get_by_role("button", name="Begin").click()
    answer(page, "Equally good")
    assert "download them before you close" in page.locator("#kept").text_content()
    assert len(read_votes(download(page, tmp_path)).votes) == 1


@pytest.mark.parametrize("damage", ["{", '{"voter": "x", "votes": []}', '{"votes": 3}', "null"])
def test_answers_that_are_damaged_begin_anew(page: Any, address: str, damage: str) -> None:
    page.goto(address)
    page.evaluate("damage => localStorage.setItem(place, damage)", damage)
    page.reload()
    page.get_by_role("button", name="Begin").click()
    assert page.locator("#title").text_content() == f"Pair 1 of {PAIRS}"


def test_the_keyboard_alone_is_enough(page: Any, address: str) -> None:
    page.goto(address)
    page.get_by_role("button", name="Begin").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "title"
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.wait_for_function("sides.A.playing.length")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "slider"
    page.keyboard.press("ArrowRight")
    page.wait_for_function("sides.A.position >= 5")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_function("sides.B.playing.length && !sides.A.playing.length")
    page.evaluate("both.forEach((side) => { side.heard = 6; side.draw(); }); earlier = 20")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator("#title").text_content() == f"Pair 2 of {PAIRS}"


def test_everything_has_a_name_that_is_read_out(page: Any, address: str) -> None:
    page.goto(address)
    page.get_by_role("button", name="Begin").click()
    for role, name in (
        ("article", "Music A"),
        ("article", "Music B"),
        ("slider", "Place in A"),
        ("progressbar", "Pairs answered"),
        ("group", "Which is the better music?"),
        ("status", ""),
    ):
        assert page.get_by_role(role, name=name).first.is_visible()
    assert page.evaluate("document.documentElement.lang") == "en"


@pytest.mark.parametrize("width", [400, 1280])
def test_nothing_hangs_over_the_edge(page: Any, address: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("button", name="Begin").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    answer(page, "A is better")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
