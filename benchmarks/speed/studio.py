"""Seconds of the studio, beside those of the command that draws the same bytes.

It opens outputs/model of this checkout, which `make repro` trains, and fills in bar 5 of chorales
of data/bach. The page is timed in Chromium, where that is installed.
"""

import base64
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import requests

ROOT = Path(__file__).parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
BARS = (10, 16)  # of the chorales that are filled in
COMPOSED = 16  # bars


def measure(rounds: int) -> Iterator[dict[str, Any]]:
    """Yield rows: the start, the page, an infilling and a composition, each beside its command."""
    if not (ROOT / "outputs" / "model" / "weights.safetensors").exists():
        sys.exit("there is no model: run `make repro`.")
    begun = time.perf_counter()
    with _served() as address:
        printed = time.perf_counter() - begun
        requests.get(f"{address}/v1/models", timeout=600)
        opened = time.perf_counter() - begun
        yield {"what": "address is printed", "seconds": round(printed, 2)}
        yield {"what": "model is open", "seconds": round(opened, 2)}
        if CHROMIUM is not None:
            loads = [_load(address) for _ in range(max(rounds, 3))]
            yield {"what": "page is ready in Chromium", "seconds": round(median(loads), 2)}
        chorales = _chorales(max(rounds, 3))
        _ask(address, "infill", music={"midi": chorales[0]}, bars=[5, 5])  # the first is slower
        infilled = [
            _beside(address, "infill", music={"midi": midi}, bars=[5, 5]) for midi in chorales
        ]
        yield _row("bar 5 of a chorale is filled in", infilled)
        composed = [
            _beside(address, "compose", bars=COMPOSED, seed=seed) for seed in range(max(rounds, 3))
        ]
        first = [_first_bar(address, seed) for seed in range(max(rounds, 3))]
        yield {"what": "first bar of a piece is heard", "seconds": round(median(first), 2)}
        yield _row(f"up to {COMPOSED} bars are composed", composed)


def _row(what: str, pairs: list[tuple[float, float]]) -> dict[str, Any]:
    return {
        "what": what,
        "seconds": round(median(ours for ours, _ in pairs), 2),
        "slowest": round(max(ours for ours, _ in pairs), 2),
        "command_seconds": round(median(theirs for _, theirs in pairs), 2),
        "over_command": round(median(theirs / ours for ours, theirs in pairs), 2),
    }


@contextmanager
def _served() -> Iterator[str]:
    """Yield the address of a studio with the model of this checkout."""
    command = ["ostinato", "studio", "outputs/model", "--no-browser", "--port", "5350"]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if match := re.search(r"the studio is at (http://\S+[0-9])/", line):
                yield match[1]
                return
        sys.exit("the studio has ended.")
    finally:
        process.terminate()
        process.wait()


def _chorales(count: int) -> list[str]:
    """Return chorales in four voices, as MIDI in base64."""
    from ostinato.music.reading import read

    found = []
    for file in sorted((ROOT / "data" / "bach").glob("*.mid")):
        piece = next(iter(read(file)))
        if len(piece.pitched_tracks) == 4 and BARS[0] <= len(piece.barlines()) <= BARS[1]:
            found.append(base64.b64encode(file.read_bytes()).decode())
        if len(found) == count:
            return found
    sys.exit("there are no chorales: run `make repro`.")


def _ask(address: str, kind: str, **body: Any) -> dict[str, Any]:
    answer = requests.post(f"{address}/v1/{kind}", json={"model": "m1", **body}, timeout=600)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def _beside(address: str, kind: str, **body: Any) -> tuple[float, float]:
    """Return the seconds of a request, and of the command that draws the same bytes."""
    begun = time.perf_counter()
    answer = _ask(address, kind, **body)
    ours = time.perf_counter() - begun
    with tempfile.TemporaryDirectory() as folder:
        for name, content in answer["files"].items():
            (Path(folder) / name).write_bytes(base64.b64decode(content))
        words = shlex.split(answer["command"])[:-1]
        words = [re.sub(r"=(\w+\.mid)$", rf"={folder}/\1", word) for word in words]
        begun = time.perf_counter()
        subprocess.run(
            [*words, f"samples_dir={folder}/more", "tracking=off"],
            cwd=ROOT,
            check=True,
            capture_output=True,
        )
        theirs = time.perf_counter() - begun
        made = (Path(folder) / "more" / "sample-01.mid").read_bytes()
    if made != base64.b64decode(answer["pieces"][0]["midi"]):
        sys.exit("the command has drawn other bytes.")
    return ours, theirs


def _first_bar(address: str, seed: int) -> float:
    """Return after how many seconds the first bar of a piece comes."""
    begun = time.perf_counter()
    body = {"model": "m1", "bars": COMPOSED, "seed": seed}
    headers = {"Accept": "text/event-stream"}
    with requests.post(
        f"{address}/v1/compose", json=body, headers=headers, stream=True, timeout=600
    ) as answer:
        for line in answer.iter_lines(decode_unicode=True):
            if line == "event: piece":
                return time.perf_counter() - begun
    sys.exit(f"no bar came: {json.dumps(body)}")


def _load(address: str) -> float:
    """Return after how many seconds a fresh browser's page knows its model."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = browser.new_page()
        begun = time.perf_counter()
        page.goto(address)
        while not page.evaluate("Boolean(window.studio && window.studio.model)"):
            page.wait_for_timeout(20)
        seconds = time.perf_counter() - begun
        browser.close()
    return seconds
