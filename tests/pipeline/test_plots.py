"""`dvc plots show` is drawn without a network: nothing on its page is fetched."""

import configparser
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

DVC = Path(__file__).parents[2] / ".dvc"
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A page of bars, as DVC makes it with the template that its config names."""
    from dvc_render.html import render_html
    from dvc_render.vega import VegaRenderer

    config = configparser.ConfigParser()
    config.read(DVC / "config")
    rows = [
        {"rev": "workspace", "set": name, "pitch_class": pitch, "share": str(share)}
        for name, share in (("generated", 0.2), ("test", 0.1))
        for pitch in "CDE"
    ]
    bars: Any = {"template": "grouped_bars", "template_dir": DVC / "plots"}
    drawn = VegaRenderer(rows, "pitch classes", x="pitch_class", y="share", **bars)
    made = tmp_path / "index.html"
    render_html([drawn], made, str(DVC / config["plots"]["html_template"]))
    return made


def test_the_page_holds_what_draws_it_and_the_licences(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert len(opened := re.findall(r"<script\b[^>]*>", text)) >= 4
    assert not any("src" in tag for tag in opened)
    assert not re.search(r"<link\b", text.partition("<body>")[0].rpartition("</script>")[2])
    assert "vegaEmbed('#" in text
    for words in ("Interactive Data Lab", "Mike Bostock", "Simon Lydell", "Joachim Wester"):
        assert words in text


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_bars_are_drawn_without_a_network(page: Path) -> None:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(offline=True)
        shown = context.new_page()
        shown.goto(page.as_uri())
        canvas = shown.wait_for_selector("canvas", timeout=30_000)
        assert canvas.bounding_box()["width"] > 50
        browser.close()
