"""How fast and how equal muspy's metrics are here, beside muspy's own.

    python benchmarks/metrics.py [--json FILE] [--songs N] [--chorales N]

Writes benchmarks/metrics.json: for each metric, how many times as fast, the largest difference, and
the pieces of which it was compared; also how long all metrics of a piece take, and their means.

Music: the 408 chorales of music21, read by muspy, and the pop songs (POP909) of the folder that
OSTINATO_CORPORA names. Each is measured on the grid of sixteenths, as the pipeline does it, and
polyphony also in the resolution of the file. Takes a few minutes.

Both sides have their own form of the music ready: muspy a `muspy.Music`, ostinato a `Piece` with
nothing computed from it yet. They take turns, piece by piece; of three rounds the fastest counts.
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Iterable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import fmean
from typing import Any

from ostinato.evaluation.measures import STEPS_PER_QUARTER, PieceViews, measure
from ostinato.evaluation.piece_metrics.pitch import mean_polyphony
from ostinato.evaluation.piece_metrics.views import pitched_notes
from ostinato.evaluation.registry import Metric, metrics
from ostinato.music.conversion import from_muspy, to_muspy
from ostinato.music.keys import estimate_key
from ostinato.music.piece import Piece
from ostinato.music.reading import read_midi

ROOT = Path(__file__).parents[1]
CORPORA = Path(os.environ.get("OSTINATO_CORPORA") or ROOT.parent / "shared" / "corpora")
ROUNDS = 3
AS_READ_EVERY = 10  # pieces: muspy's piano-roll of one chorale is 80 MB as it is read
Compute = Callable[[], Any]
Row = tuple[float, float, float, float]  # ours, theirs, difference, converting for theirs


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, default=ROOT / "benchmarks" / "metrics.json")
    parser.add_argument("--songs", type=int, help="pop songs, the first; all of them otherwise")
    parser.add_argument("--chorales", type=int, help="chorales, the first; all of them otherwise")
    arguments = parser.parse_args()
    chorales = read_chorales(arguments.chorales)
    songs = [read_midi(path) for path in sorted((CORPORA / "pop909").glob("*.mid"))]
    songs = songs[: arguments.songs]
    found = {
        "machine": machine(),
        "chorales": compare(chorales),
        "pop_songs": compare(songs),
        "all_metrics": {"chorales": measure_all(chorales), "pop_songs": measure_all(songs)},
        "polyphony_in_the_resolution_of_the_file": {
            "chorales": as_read(chorales[::AS_READ_EVERY]),
            "pop_songs": as_read(songs[::AS_READ_EVERY]),
        },
    }
    arguments.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


def machine() -> dict[str, Any]:
    """Return what the figures were measured on."""
    return {
        "cores": os.cpu_count(),
        "processor": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("muspy", "numpy", "music21")},
    }


def read_chorales(most: int | None) -> list[Piece]:
    """Return the chorales that music21 carries, as muspy reads them."""
    import music21
    import muspy

    folder = Path(music21.__file__).parent / "corpus" / "bach"
    paths = sorted(folder.glob("*.mxl"))[:most]
    return [from_muspy(muspy.read_musicxml(str(path)), path.stem) for path in paths]


def compare(pieces: Iterable[Piece]) -> dict[str, Any]:
    """Return ratio, seconds and largest difference of each metric on the grid of sixteenths.

    `with_conversion` is the ratio where muspy's side also makes its `Music` of the piece.
    """
    rows: dict[str, list[Row]] = {}
    for piece in pieces:
        grid = piece.at_resolution(STEPS_PER_QUARTER)
        converting, music = timed(partial(to_muspy, grid))
        for metric in metrics("piece"):
            theirs = muspys(metric, grid, music) if metric.source == "muspy" else None
            if theirs is not None:
                row = (*race(partial(fresh, metric, grid), theirs), converting)
                rows.setdefault(metric.name, []).append(row)
    return {name: summary(values) for name, values in rows.items()}


def measure_all(pieces: list[Piece]) -> dict[str, Any]:
    """Return the milliseconds that all metrics of a piece take, and means of four-part music.

    means: of the pieces with four tracks in which no notes overlap, by the name of the metric.
    """
    seconds, measured = timed(lambda: [measure(piece) for piece in pieces])
    four = [
        values
        for piece, values in zip(pieces, measured, strict=True)
        if len(piece.track_names) == 4 and "parallel_fifths" in values
    ]
    names = dict.fromkeys(name for values in four for name in values)
    return {
        "milliseconds_a_piece": round(1e3 * seconds / len(pieces), 1),
        "pieces": len(pieces),
        "in_four_parts": len(four),
        "means": {
            name: round(fmean(values[name] for values in four if name in values), 4)
            for name in names
        },
    }


def fresh(metric: Metric, grid: Piece) -> float | None:
    """Return a metric of a piece of which nothing has been computed yet."""
    value: float | None = metric.compute(PieceViews(grid))
    return value


def muspys(metric: Metric, grid: Piece, music: Any) -> Compute | None:
    """Return a call of muspy's metric with what the description of ours says.

    Their scale takes the key from its caller, which is found before the clock starts. None for the
    metrics of drums: none of these pieces has any.
    """
    import muspy

    function, name = getattr(muspy, metric.name), metric.name
    if name in {"empty_measure_rate", "groove_consistency"}:
        signatures = grid.time_signatures
        bar = 4 * STEPS_PER_QUARTER
        if len(signatures) and signatures["onset"][0] <= 0:
            bar = round(bar * int(signatures["numerator"][0]) / int(signatures["denominator"][0]))
        return partial(function, music, bar)
    if name == "pitch_in_scale_rate":
        key = estimate_key(grid)
        return key and partial(function, music, key.tonic, "minor" if key.minor else "major")
    return None if name.startswith("drum") else partial(function, music)


def as_read(pieces: Iterable[Piece]) -> dict[str, Any]:
    """Return the same of polyphony in the resolution of each file."""
    import muspy

    rows = []
    for piece in pieces:
        converting, music = timed(partial(to_muspy, piece))
        ours = partial(polyphony_of, piece)
        rows.append((*race(ours, partial(muspy.polyphony, music)), converting))
    return summary(rows)


def polyphony_of(piece: Piece) -> float:
    """Return the polyphony of a piece in its own resolution."""
    return mean_polyphony(pitched_notes(piece))


def race(ours: Compute, theirs: Compute) -> tuple[float, float, float]:
    """Return seconds of ours and of theirs, the fastest of some rounds in turn, and difference."""
    times = []
    for _ in range(ROUNDS):
        own, value = timed(ours)
        other, expected = timed(theirs)
        times.append((own, other))
    return min(t[0] for t in times), min(t[1] for t in times), float(abs(value - expected))


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """Return how many seconds a call takes, and its value."""
    start = time.perf_counter()
    value = function()
    return time.perf_counter() - start, value


def summary(rows: list[Row]) -> dict[str, Any]:
    """Return ratios of the sums of all pieces, and means of a piece."""
    ours, theirs, differences, converting = zip(*rows, strict=True)
    return {
        "times_as_fast": round(sum(theirs) / sum(ours), 1),
        "with_conversion": round((sum(theirs) + sum(converting)) / sum(ours), 1),
        "microseconds_a_piece": round(1e6 * sum(ours) / len(rows), 1),
        "muspy_microseconds_a_piece": round(1e6 * sum(theirs) / len(rows), 1),
        "largest_difference": max(differences),
        "pieces": len(rows),
    }


if __name__ == "__main__":
    main()
