"""How right and how fast music files are read, beside the readers that others made.

    python benchmarks/reading.py [--json FILE] [--scores N]

Writes benchmarks/reading.json: cases by reader, files per second, and whole collections compared,
difference by difference. Takes about an hour, nearly all of it music21's; what it compared before
it was stopped is in FILE.part, and the same command goes on from there.
"""

import argparse
import json
import os
import platform
from collections import Counter
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import reading_musicxml

ROOT = Path(__file__).parents[1]
OTHERS = ("reading_abc",)  # each with a function measure() -> dict
GIB = 2**30
SPEED_EVERY, SPEED_UP_TO = 8, 200  # of the scores by size


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, default=ROOT / "benchmarks" / "reading.json")
    parser.add_argument("--scores", type=int, help="compare so many scores only, the smallest")
    arguments = parser.parse_args()
    part = arguments.json.with_suffix(".part")
    found: dict[str, Any] = {"machine": _machine(), "musicxml": _musicxml(arguments.scores, part)}
    for name in OTHERS:
        if find_spec(name):
            found[name.removeprefix("reading_")] = import_module(name).measure()
    arguments.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    part.unlink()


def _machine() -> dict[str, Any]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(memory / GIB, 1),
        "python": platform.python_version(),
        **{name: version(name) for name in ("music21", "muspy")},
    }


def _musicxml(most: int | None, part: Path) -> dict[str, Any]:
    scores = dict(list(reading_musicxml.carried_scores().items())[:most])
    found: dict[str, Any] = {
        "cases_right": reading_musicxml.cases(),
        "speed": reading_musicxml.speed(list(scores.values())[:SPEED_UP_TO:SPEED_EVERY]),
    }
    print(json.dumps(found), flush=True)
    compared: dict[str, list[str]] = json.loads(part.read_text()) if part.exists() else {}
    for name, path in scores.items():
        if name not in compared:
            compared[name] = reading_musicxml.compare(path)
            part.write_text(json.dumps(compared), encoding="utf-8")
            print(name, *sorted(set(compared[name]) - {""}), flush=True)
    different = {name: kinds for name, kinds in compared.items() if any(kinds)}
    parts = Counter(kind or "the same" for kinds in compared.values() for kind in kinds)
    alike = Counter(" + ".join(sorted(set(kinds) - {""})) for kinds in different.values())
    return found | {
        "scores": len(compared),
        "scores_the_same": len(compared) - len(different),
        "scores_by_difference": dict(alike.most_common()),
        "parts_by_difference": dict(parts.most_common()),
        "scores_that_differ": different,
    }


if __name__ == "__main__":
    main()
