"""How right and how fast music files are read, beside the readers that others made.

    python benchmarks/reading.py [--json FILE] [--scores N]

Writes benchmarks/reading.json: cases by reader, files per second, and comparisons of whole
collections, difference by difference. Takes about an hour, nearly all of it music21's.
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


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, default=ROOT / "benchmarks" / "reading.json")
    parser.add_argument("--scores", type=int, help="compare so many scores only, the smallest")
    arguments = parser.parse_args()
    found: dict[str, Any] = {"machine": _machine(), "musicxml": _musicxml(arguments.scores)}
    for name in OTHERS:
        if find_spec(name):
            found[name.removeprefix("reading_")] = import_module(name).measure()
    arguments.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _machine() -> dict[str, Any]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(memory / GIB, 1),
        "python": platform.python_version(),
        **{name: version(name) for name in ("music21", "muspy")},
    }


def _musicxml(most: int | None) -> dict[str, Any]:
    scores = reading_musicxml.carried_scores()[:most]
    found: dict[str, Any] = {
        "cases_right": reading_musicxml.cases(),
        "speed": reading_musicxml.speed(scores[:200:8]),
    }
    kinds: Counter[str] = Counter()
    different: dict[str, list[str]] = {}
    unread: dict[str, str] = {}
    staves = 0
    for path in scores:
        name = path.relative_to(path.parents[path.parts[::-1].index("corpus") - 1]).as_posix()
        try:
            of_parts, merged = reading_musicxml.compare(path)
        except Exception as error:  # music21 lets through whatever it meets
            unread[name] = f"{type(error).__name__}: {error}"[:200]
            continue
        staves += merged
        kinds.update(kind or "the same" for kind in of_parts)
        if any(of_parts):
            different[name] = of_parts
        print(name, *sorted(set(of_parts) - {""}), flush=True)
    return found | {
        "scores": len(scores),
        "scores_the_same": len(scores) - len(different) - len(unread),
        "parts_by_difference": dict(kinds.most_common()),
        "staves_put_together": staves,
        "scores_that_differ": different,
        "scores_that_music21_could_not_read": unread,
    }


if __name__ == "__main__":
    main()
