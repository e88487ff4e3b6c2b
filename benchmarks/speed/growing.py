"""Time and memory against the size of a corpus and the length of sequences, with an exponent.

The corpus is songs of POP909, once, 4, 16 and 64 times, in keys that differ. Each size of each job
has a process of its own, whose peak of memory is read. The exponent is that between the two largest
sizes: 1 is linear, 0 is flat.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TIMES = (1, 4, 16, 64)
SONGS = 46
LENGTHS = (256, 1024, 4096, 8192)
MODELS = ("lstm", "transformer")
SEMITONES = (0, *(s for k in range(1, 12) for s in (k, -k)))  # of the copies, over and over
Work = Callable[[], Any]
"""What is timed, after its imports."""
PICTURE = ROOT / "docs" / "growing.png"


def measure(rounds: int) -> Iterator[dict[str, Any]]:
    """Yield a row for each size of each job, and draw them; each is measured once."""
    del rounds
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for times in TIMES:
            folder = Path(name) / f"{times}"
            _write_songs(folder / "data" / "music", times)
            for job in JOBS:
                rows.append({"job": job, "size": times * SONGS, **_in_process(job, str(folder))})
                yield rows[-1]
    for model in MODELS:
        for length in LENGTHS:
            found = _in_process("train", model, str(length))
            rows.append({"job": f"train {model}", "size": length, **found})
            yield rows[-1]
    jobs = list(dict.fromkeys(row["job"] for row in rows))
    for job in jobs:
        own = [row for row in rows if row["job"] == job]
        sizes = [row["size"] for row in own]
        yield {
            "job": job,
            "exponent_seconds": _exponent(sizes, [row["seconds"] for row in own]),
            "exponent_mib": _exponent(sizes, [row["peak_mib"] for row in own]),
        }
    _draw(rows, jobs)


def _exponent(sizes: list[int], values: list[float]) -> float:
    """Return the exponent of growth between the two largest sizes."""
    (size, larger), (value, more) = sizes[-2:], values[-2:]
    return round(math.log(more / value) / math.log(larger / size), 2)


def _write_songs(folder: Path, times: int) -> None:
    """Write the songs so many times, each copy in another key."""
    from ostinato.music.reading import read
    from ostinato.music.writing import write_midi

    folder.mkdir(parents=True)
    songs = sorted((ROOT / "data" / "pop909").rglob("*.mid"))[:SONGS]
    if not songs:
        sys.exit("there is no music: run `ostinato fetch corpus=pop909`.")
    for song in songs:
        piece = next(iter(read(song)))
        low, high = int(piece.notes["pitch"].min()), int(piece.notes["pitch"].max())
        for copy in range(times):
            moved = SEMITONES[copy % len(SEMITONES)]
            moved = min(max(moved, -low), 127 - high)
            write_midi(piece.transposed(moved), folder / f"{song.stem}-{copy:02d}.mid")


def _in_process(*words: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, __file__, *words], capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _preprocess(folder: Path) -> Work:
    from ostinato.corpora.corpus import keep_everything
    from ostinato.parallel import Workers
    from ostinato.stages.preprocess import preprocess

    corpus = keep_everything("music", "data/music", resolution=24)
    out = folder / "pieces", folder / "unfinished"
    return lambda: preprocess(corpus, folder, *out, Workers.of_this_machine(1))


def _split(folder: Path) -> Work:
    from ostinato.config import compose, conf_folder
    from ostinato.stages.split import split

    config = compose(["~experiment", "split=random"], conf_folder(ROOT))
    settings = config.build("split")
    return lambda: split(settings, folder / "pieces", folder / "split.json")


def _encode(folder: Path) -> Work:
    from ostinato.config import compose, conf_folder
    from ostinato.corpora.store import PieceStore
    from ostinato.data.store import write_store
    from ostinato.parallel import Workers

    representation = compose(["representation=event"], conf_folder(ROOT)).build("representation")
    parts, workers = PieceStore(folder / "pieces").parts, Workers.of_this_machine(1)
    return lambda: write_store(parts, representation, folder / "tokens", workers)


def _index(folder: Path) -> Work:
    from ostinato.corpora.store import PieceStore
    from ostinato.evaluation.originality.index import build_index

    return lambda: build_index(PieceStore(folder / "pieces"))


JOBS: dict[str, Callable[[Path], Work]] = {
    "preprocess": _preprocess,
    "split": _split,
    "encode": _encode,
    "originality index": _index,
}


def _train(model: str, length: int) -> float:
    """Return the seconds of a training step on as many tokens, whatever their length."""
    import torch
    from composing import Composer

    network = Composer.of(model, "event", 1).network.train()
    batch = max(LENGTHS) // length
    tokens = torch.randint(100, (batch, length + 1))
    features = len(network.spec.features)
    positions = torch.zeros((batch, length, features), dtype=torch.long)
    seconds = 0.0
    for _ in range(2):  # the first time is not counted
        start = time.perf_counter()
        network.nll(tokens[:, :-1], positions, tokens[:, 1:]).mean().backward()
        seconds = time.perf_counter() - start
    return seconds


def _peak() -> float:
    # getrusage would tell the peak of whoever started this process, if that was higher
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return round(int(status["VmHWM"].split()[0]) / 1024, 1)


def _draw(rows: list[dict[str, Any]], jobs: list[str]) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(9, 6), layout="constrained")
    for job in jobs:
        own = [row for row in rows if row["job"] == job]
        column = int(job.startswith("train"))
        for row_of_axes, key in enumerate(("seconds", "peak_mib")):
            axis = axes[row_of_axes, column]
            axis.plot([r["size"] for r in own], [r[key] for r in own], "o-", label=job)
    for column, label in enumerate(("songs", "tokens of a sequence, 8192 in a step")):
        axes[1, column].set_xlabel(label)
    for row_of_axes, label in enumerate(("seconds", "peak MiB")):
        axes[row_of_axes, 0].set_ylabel(label)
    for axis in axes.flat:
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
        axis.grid(alpha=0.3)
    axes[0, 0].legend()
    axes[0, 1].legend()
    figure.savefig(PICTURE, dpi=100)


def main() -> None:
    """Do one job in this process, and print its seconds and its peak of memory."""
    parser = argparse.ArgumentParser()
    parser.add_argument("job")
    parser.add_argument("words", nargs="*")
    arguments = parser.parse_args()
    if arguments.job == "train":
        seconds = _train(arguments.words[0], int(arguments.words[1]))
    else:
        work = JOBS[arguments.job](Path(arguments.words[0]))
        start = time.perf_counter()
        work()
        seconds = time.perf_counter() - start
    print()
    print(json.dumps({"seconds": round(seconds, 3), "peak_mib": _peak()}))


if __name__ == "__main__":
    main()
