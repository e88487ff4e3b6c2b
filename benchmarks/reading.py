"""How right and how fast music files are read, beside the readers that others made.

    python benchmarks/reading.py [--json FILE] [--only musicxml|abc] [--scores N]

Writes benchmarks/reading.json: cases by reader, files per second, and whole collections compared,
difference by difference; with --only the other half stays as it is. Takes hours, nearly all of them
music21's. Which scores were compared before it was stopped is in FILE.part: the same command goes
on from there.
"""

import argparse
import json
import os
import platform
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

import reading_abc
import reading_musicxml

ROOT = Path(__file__).parents[1]
GIB = 2**30
SPEED_EVERY, SPEED_UP_TO = 8, 200  # of the scores by size


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, default=ROOT / "benchmarks" / "reading.json")
    parser.add_argument("--scores", type=int, help="compare so many scores only, the smallest")
    parser.add_argument("--only", choices=("musicxml", "abc"), help="measure one half")
    arguments = parser.parse_args()
    file: Path = arguments.json
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    found["machine"] = _machine()
    if arguments.only != "abc":
        found["musicxml"] = _musicxml(arguments.scores, file.with_suffix(".part"))
    if arguments.only != "musicxml":
        found["abc"] = reading_abc.measure()
    file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    file.with_suffix(".part").unlink(missing_ok=True)


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
