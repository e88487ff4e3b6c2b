"""How fast music becomes training data, beside muspy and MidiTok, and in how much memory.

    python benchmarks/preprocess.py [--json FILE] [--music FOLDER] [--rounds N]

Raw MIDI -> pieces in Parquet -> a token store on disk, as `ostinato preprocess` and `ostinato
train` make them, in one process; muspy reads the same files and encodes them, MidiTok tokenises
them, and neither writes anything. Each round times all of them in turn on the same songs, ours
three times: a run of ours is shorter than one of muspy, and about as long as one of MidiTok, which
encodes for ours too. Ratios are taken round by round, and their median is printed.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[1]
KEPT = (ROOT / "data" / "pop909", ROOT.parent / "shared" / "corpora" / "pop909")
AGAIN = 3  # runs of ours in a round
TIMES = (1, 4, 16)  # how often the songs are repeated where memory is measured
MANY = 128  # and where one process is compared with two: starting them should not count for much


def main() -> None:
    """Measure, print and write what is asked for."""
    arguments = _arguments()
    if arguments.peak:
        _peak(arguments.music)
        return
    files = sorted(arguments.music.rglob("*.mid"))
    print(f"{len(files)} songs of {arguments.music.name}, {os.cpu_count()} cores\n")
    found = _ratios(files, arguments.music, arguments.rounds)
    found["processes_2_over_1"] = _scaling(files)
    found["peak_mib"] = {str(times): _peak_of(files, times) for times in TIMES}
    print("peak MiB of one process, songs once, 4 and 16 times:", *found["peak_mib"].values())
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the figures")
    parser.add_argument("--music", type=Path, metavar="FOLDER", help="MIDI files (data/pop909)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how many (5)")
    parser.add_argument("--peak", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    given = os.environ.get("OSTINATO_CORPORA")
    kept = (*([Path(given) / "pop909"] if given else []), *KEPT)
    arguments.music = arguments.music or next((p for p in kept if p.is_dir()), None)
    if arguments.music is None or not arguments.music.is_dir():
        parser.error(
            "there is no music: run `ostinato fetch corpus=pop909`, or give --music FOLDER"
        )
    return arguments


def _ratios(files: list[Path], music: Path, rounds: int) -> dict[str, Any]:
    names = ("event", "pianoroll", "remi")
    peers: dict[str, Callable[[list[Path]], int]] = {
        "event": _muspy_event,
        "pianoroll": _muspy_pianoroll,
        "remi": _miditok_remi,
    }
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for name in names:  # the first time everything is slower
        peers[name](files[:20])
        _ours(music, name)
    notes = 0
    for _ in range(rounds):
        for name in names:
            theirs = _timed(lambda name=name: peers[name](files))
            runs = [_ours(music, name) for _ in range(AGAIN)]
            seconds[name].append((sum(ours for ours, _ in runs) / AGAIN, theirs))
            notes = runs[0][1]
    found: dict[str, Any] = {}
    print(f"{'':<10} {'ours: files/s':>14} {'notes/s':>10} {'theirs: files/s':>16} {'ratio':>7}")
    for name in names:
        peer = "miditok" if name == "remi" else "muspy"
        ratio = median(theirs / ours for ours, theirs in seconds[name])
        ours, theirs = (median(column) for column in zip(*seconds[name], strict=True))
        speeds = f"{len(files) / ours:>14,.0f} {notes / ours:>10,.0f} {len(files) / theirs:>16,.1f}"
        print(f"{name:<10} {speeds} {ratio:>7.2f} over {peer}")
        found[name] = {f"over_{peer}": round(ratio, 3)}
    return found


@lru_cache
def _representation(name: str) -> Any:
    """As conf/representation/ has it."""
    from ostinato.config.instantiate import Config
    from ostinato.config.yaml_files import read_yaml

    # not composed: that imports torch, with which collecting Python's garbage slows muspy down
    options = read_yaml(ROOT / "conf" / "representation" / f"{name}.yaml")
    options.pop("defaults", None)
    return Config({"representation": options}).build("representation")


def _timed(work: Callable[[], int]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _ours(music: Path, name: str, processes: int = 1) -> tuple[float, int]:
    """Preprocess and encode a folder from nothing; the seconds, and how many notes there were."""
    from ostinato.corpora.corpus import keep_everything
    from ostinato.corpora.store import PieceStore
    from ostinato.data.store import write_store
    from ostinato.parallel import Workers
    from ostinato.stages.preprocess import preprocess

    workers = Workers.of_this_machine(processes)
    representation = _representation(name)
    with tempfile.TemporaryDirectory() as made, _quiet():
        out = Path(made)
        (out / "data").mkdir()
        (out / "data" / "music").symlink_to(music.resolve())
        corpus = keep_everything("music", "data/music", resolution=24)
        began = time.perf_counter()
        preprocess(corpus, out, out / "pieces", out / "unfinished", workers)
        write_store(PieceStore(out / "pieces").parts, representation, out / "tokens", workers)
        return time.perf_counter() - began, _notes(out / "pieces")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    from ostinato import console

    console.out.quiet = console.err.quiet = True
    yield
    console.out.quiet = console.err.quiet = False


def _notes(pieces: Path) -> int:
    import pyarrow.parquet as pq

    return sum(pq.ParquetFile(part).metadata.num_rows for part in pieces.glob("notes-*.parquet"))


def _muspy_event(files: list[Path]) -> int:
    import muspy

    for file in files:
        music = muspy.read_midi(str(file))
        music.adjust_resolution(8)  # as ours: with its own, 480, a bar is five times as many tokens
        muspy.to_event_representation(music)
    return len(files)


def _muspy_pianoroll(files: list[Path]) -> int:
    import muspy

    for file in files:
        music = muspy.read_midi(str(file))
        music.adjust_resolution(4)
        muspy.to_pianoroll_representation(music, encode_velocity=False)
    return len(files)


def _miditok_remi(files: list[Path]) -> int:
    tokenizer = _representation("remi").tokenizer
    for file in files:
        tokenizer(file)
    return len(files)


def _scaling(files: list[Path]) -> float:
    """Files a second of two processes over those of one, starting them included."""
    with tempfile.TemporaryDirectory() as folder:
        songs = _repeated(files, MANY, Path(folder))
        ratios = []
        for _ in range(2):
            one, _ = _ours(songs, "event", 1)
            _stop_workers()
            two, _ = _ours(songs, "event", 2)
            ratios.append(one / two)
    count = len(files) * MANY
    print(f"\ntwo processes over one, {count:,} songs as event: {median(ratios):.2f}")
    return round(median(ratios), 3)


def _stop_workers() -> None:
    """Those of the round before would save this one the starting of its own."""
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True)


def _repeated(files: list[Path], times: int, folder: Path) -> Path:
    """A folder that holds the songs so many times, as links."""
    for copy in range(times):
        (folder / f"{copy:02d}").mkdir()
        for file in files:
            (folder / f"{copy:02d}" / file.name).symlink_to(file.resolve())
    return folder


def _peak_of(files: list[Path], times: int) -> float:
    """Peak memory in MiB of a process of its own that preprocesses the songs `times` times."""
    with tempfile.TemporaryDirectory() as folder:
        songs = _repeated(files, times, Path(folder))
        command = [sys.executable, __file__, "--peak", "--music", str(songs)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return float(done.stdout)


def _peak(music: Path) -> None:
    _ours(music, "event")
    # getrusage would tell the peak of whoever started this process, if that was higher
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    print(round(int(status["VmHWM"].split()[0]) / 1024, 1))


if __name__ == "__main__":
    main()
