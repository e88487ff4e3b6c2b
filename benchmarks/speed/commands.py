"""Seconds of the commands: each stage of `dvc repro`, one with nothing to do, and `--help`.

The default runs in a clone of this checkout in a temporary folder. A `dvc repro` with nothing to do
is compared with one of a bare pipeline of as many stages that do nothing.
"""

import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[2]
CORPUS = "bach"
HEAVY = (
    "torch",
    "pytorch_lightning",
    "mlflow",
    "muspy",
    "music21",
    "matplotlib",
    "scipy",
    "pandas",
)
IMPORTED = ("compose", "preprocess", "split", "generate", "evaluate")  # train would train again
BARE = """stages:
""" + "".join(
    f"  stage{i}: {{cmd: python -c 0 && touch out{i}, deps: [in], outs: [out{i}]}}\n"
    for i in range(6)
)


def measure(rounds: int) -> Iterator[dict[str, Any]]:
    """Yield rows: of `--help`, of each stage, and of a `dvc repro` with nothing to do."""
    yield {"command": "ostinato --help", "cpu_seconds": round(_help_seconds(rounds), 3)}
    with tempfile.TemporaryDirectory() as name:
        clone = Path(name) / "clone"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        (clone / "data").mkdir(exist_ok=True)
        shutil.copytree(ROOT / "data" / CORPUS, clone / "data" / CORPUS)
        (clone / "dvc.lock").unlink(missing_ok=True)
        seconds = _stage_seconds(clone)
        total = sum(seconds.values())
        for stage, of_stage in seconds.items():
            yield {
                "command": f"ostinato {stage}",
                "seconds": round(of_stage, 2),
                "share": round(of_stage / total, 3),
                **({"heavy_imports": _imports(clone, stage)} if stage in IMPORTED else {}),
            }
        yield {"command": "dvc repro", "seconds": round(total, 1)}
        yield {"command": "dvc repro, nothing to do", **_nothing_to_do(clone, rounds)}


def _help_seconds(rounds: int) -> float:
    found = []
    for _ in range(max(rounds, 3)):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        _run(["ostinato", "--help"], ROOT)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return median(found)


def _stage_seconds(clone: Path) -> dict[str, float]:
    """Return the seconds of each stage of a first `dvc repro`, by what it prints and when."""
    command = subprocess.Popen(
        ["dvc", "repro"], cwd=clone, env=_env(clone), stdout=subprocess.PIPE, text=True
    )
    assert command.stdout is not None
    begun: list[tuple[str, float]] = []
    for line in command.stdout:
        if match := re.match(r"Running stage '(\w+)'", line):
            begun.append((match[1], time.perf_counter()))
    if command.wait():
        sys.exit(f"dvc repro failed in {clone}")
    ends = [start for _, start in begun[1:]] + [time.perf_counter()]
    return {stage: end - start for (stage, start), end in zip(begun, ends, strict=True)}


def _imports(clone: Path, stage: str) -> list[str]:
    """Return the large libraries that a stage imports, by `python -X importtime`."""
    timed = [sys.executable, "-X", "importtime", "-m", "ostinato", stage]
    made = subprocess.run(
        timed, cwd=clone, env=_env(clone), capture_output=True, text=True, check=True
    )
    names = {line.rpartition("|")[2].strip() for line in made.stderr.splitlines()}
    return sorted(set(HEAVY) & names)


def _nothing_to_do(clone: Path, rounds: int) -> dict[str, Any]:
    bare = clone.parent / "bare"
    bare.mkdir()
    (bare / "dvc.yaml").write_text(BARE, encoding="utf-8")
    (bare / "in").write_text("", encoding="utf-8")
    for words in (["git", "init", "-q"], ["dvc", "init", "-q"], ["dvc", "repro", "-q"]):
        _run(words, bare)
    found = []
    _run(["dvc", "repro"], clone)  # `_imports` has run stages
    for _ in range(max(rounds, 3)):
        found.append((_timed(["dvc", "repro"], clone), _timed(["dvc", "repro"], bare)))
    return {
        "seconds": round(median(ours for ours, _ in found), 2),
        "bare_seconds": round(median(bare for _, bare in found), 2),
        "over_bare": round(median(ours / bare for ours, bare in found), 2),
    }


def _timed(words: list[str], folder: Path) -> float:
    start = time.perf_counter()
    _run(words, folder)
    return time.perf_counter() - start


def _run(words: list[str], folder: Path) -> None:
    subprocess.run(words, cwd=folder, env=_env(folder), capture_output=True, check=True)


def _env(folder: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(folder / "src")}
