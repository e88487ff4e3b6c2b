"""How fast Ostinato is, beside its peers in the same run.

    python benchmarks/speed/run.py [composing] [training] [busy] [commands] [reading] [growing]
                                    [studio]

Without names it measures all of them, in about half an hour; `--rounds N` says how often. Rivals
take turns, and ratios are medians of those of each round. The figures replace those in
benchmarks/results.json, and benchmarks/RESULTS.md shows them. `pip install transformers` adds the
peer of composing.
"""

import argparse
import contextlib
import io
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tables import write_table

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results.json"
ROUNDS = 2
SONGS = 46
PACKAGES = ("torch", "pytorch-lightning", "mlflow", "dvc", "muspy", "miditok", "transformers")


def main() -> int:
    """Measure what is asked for, and write it down."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MEASURED))
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N", help="how many (2)")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(MEASURED):
        parser.error(f"{sorted(unknown)[0]} is none of {', '.join(MEASURED)}")
    for name in arguments.names or MEASURED:
        print(f"\n{name}")
        rows = []
        for row in MEASURED[name](arguments.rounds):
            print("  " + "  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
            rows.append(row)
        _keep(name, {"machine": _machine(), "rounds": arguments.rounds, "rows": rows})
    return 0


def _composing(rounds: int) -> Iterator[dict[str, Any]]:
    import composing

    return _quietly(composing.measure(rounds))


def _training(rounds: int) -> Iterator[dict[str, Any]]:
    import training

    return _quietly(training.measure(rounds))


def _busy(rounds: int) -> Iterator[dict[str, Any]]:
    import busy

    return busy.measure(rounds)


def _commands(rounds: int) -> Iterator[dict[str, Any]]:
    import commands

    return commands.measure(rounds)


def _reading(rounds: int) -> Iterator[dict[str, Any]]:
    """Yield what benchmarks/preprocess.py finds, on songs of `ostinato fetch corpus=pop909`."""
    songs = sorted((ROOT / "data" / "pop909").rglob("*.mid"))[:SONGS]
    if not songs:
        sys.exit("there is no music: run `ostinato fetch corpus=pop909`.")
    with tempfile.TemporaryDirectory() as folder:
        music, file = Path(folder) / "music", Path(folder) / "found.json"
        music.mkdir()
        for song in songs:
            (music / song.name).symlink_to(song)
        words = ["--music", str(music), "--json", str(file), "--rounds", str(rounds)]
        script = str(ROOT / "benchmarks" / "preprocess.py")
        subprocess.run([sys.executable, script, *words], check=True, capture_output=True)
        found = json.loads(file.read_text(encoding="utf-8"))
    for name, value in found.items():
        of_one = value if isinstance(value, dict) else {"ratio": value}
        yield {"what": name.replace("_", " "), **of_one}


def _growing(rounds: int) -> Iterator[dict[str, Any]]:
    import growing

    return growing.measure(rounds)


def _studio(rounds: int) -> Iterator[dict[str, Any]]:
    import studio

    return studio.measure(rounds)


MEASURED = {
    "composing": _composing,
    "training": _training,
    "busy": _busy,
    "commands": _commands,
    "reading": _reading,
    "growing": _growing,
    "studio": _studio,
}


def _quietly(rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield rows without what is said while they are measured."""
    while True:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            row = next(rows, None)
        if row is None:
            return
        yield row


def _machine() -> dict[str, Any]:
    found = {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "python": platform.python_version(),
    }
    for package in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _keep(name: str, found: dict[str, Any]) -> None:
    every = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    every[name] = found
    text = json.dumps({key: every[key] for key in MEASURED if key in every}, indent=2)
    RESULTS.write_text(text + "\n", encoding="utf-8")
    write_table(every, RESULTS.with_name("RESULTS.md"))


if __name__ == "__main__":
    sys.exit(main())
