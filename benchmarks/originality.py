"""Whether copies are found: planted ones by kind, real held-out music, time and memory.

    python benchmarks/originality.py [--json FILE] [--trials N] [--only PART]

Passages of training pieces are planted into excerpts of test pieces, 64 quarter notes long. The
threshold is calibrated on the validation pieces, and, where these are few, on training pieces as if
they were held out; the share of test pieces that it flags stands
beside. `-again` does the same with pieces divided by another seed, as the constants of the evidence
were chosen with the first division in view. `scale` looks for 1,000 songs among 10,000. Needs
`ostinato fetch corpus=bach` and `ostinato fetch corpus=pop909`; takes about twenty minutes on two
cores. A PART is bach, pop909, bach-again, pop909-again or scale.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np

from originality_copies import CASES, PLANTED_AT, Case, move_pitches, plant
from ostinato.config import compose
from ostinato.corpora.store import PieceStore
from ostinato.evaluation.originality.calibration import measure_held_out
from ostinato.evaluation.originality.index import Index, build_index
from ostinato.evaluation.originality.measure import (
    Originality,
    cut_excerpts,
    measure_excerpts,
    measure_originality,
)
from ostinato.evaluation.originality.threshold import Threshold, calibrate
from ostinato.music.piece import Piece
from ostinato.stages.preprocess import preprocess

ROOT = Path(__file__).parents[1]
OVERRIDES = {"bach": ["corpus=bach"], "pop909": ["corpus=pop909", "corpus.metre=[4,4]"]}
SPLITS = {"": 42, "-again": 23}  # seeds of the split
HOST, ENDLESS = 64.0, 1e9  # quarter notes
CLOSE = 4.0  # quarter notes by which a passage may be found beside where it was planted
PIECES, SAMPLES = 10_000, 1_000  # of `scale`


def measure_case(
    index: Index, threshold: Threshold, hosts: list[Piece], sources: list[Piece], case: Case
) -> dict[str, Any]:
    """Return the recall of one kind of copy: flagged, and flagged by the place of the copy."""
    rng = np.random.default_rng(0)
    flagged = placed = 0
    shares, notes = [], []
    for host in hosts:
        piece, end = plant(host, sources[int(rng.integers(len(sources)))], case, rng)
        found = measure_originality(index, piece)
        passage = found.decisive
        is_flagged = threshold.flags(found)
        flagged += is_flagged
        if passage is not None and is_flagged:
            inside = passage.here.start >= PLANTED_AT - CLOSE and passage.here.end <= end + CLOSE
            overlaps = passage.here.start < end and passage.here.end > PLANTED_AT
            placed += inside and overlaps
            shares.append(passage.here.quarters / (end - PLANTED_AT))
            notes.append(passage.notes)
    return {
        "trials": len(hosts),
        "recall": round(flagged / len(hosts), 4),
        "recall_in_place": round(placed / len(hosts), 4),
        "asked": case.bar,
        "median_share_of_its_length": round(float(np.median(shares or [0])), 3),
        "median_notes": float(np.median(notes or [0])),
    }


# ---------------------------------------------------------------- a corpus


def store_of(name: str, seed: int = 42) -> tuple[PieceStore, dict[str, list[str]]]:
    """Return the pieces of a corpus and their split, as the project's defaults make them."""
    folder = ROOT / "outputs" / "benchmarks" / "originality" / name
    if not (ROOT / "data" / name).is_dir():
        sys.exit(f"data/{name} is not there: run `ostinato fetch corpus={name}` first.")
    config = compose([*OVERRIDES[name], f"split.seed={seed}"], ROOT / "conf")
    if not (folder / "pieces").is_dir():
        preprocess(config.build("corpus"), ROOT, folder / "pieces", folder / "unfinished")
    store = PieceStore(folder / "pieces")
    return store, config.build("split").divide(store).parts


def measure_corpus(name: str, seed: int, trials: int) -> dict[str, Any]:
    """Return what is found in one corpus."""
    store, parts = store_of(name, seed)
    training = list(store.only(parts["train"]))
    held_out = {part: list(store.only(parts[part])) for part in ("validation", "test")}
    started = time.process_time()
    index = build_index(training)
    found: dict[str, Any] = {
        "pieces": {part: len(names) for part, names in parts.items()},
        "onsets_indexed": len(index.postings),
        "index_seconds_of_processor": round(time.process_time() - started, 2),
    }
    for label, quarters in (("whole_pieces", ENDLESS), ("excerpts_of_64_quarters", HOST)):
        threshold = calibrate(measure_held_out(index, training, held_out["validation"], quarters))
        test = list(measure_excerpts(index, held_out["test"], quarters))
        found[label] = _false_flags(test, threshold)
    hosts = [excerpt for piece in held_out["test"] for excerpt in cut_excerpts(piece, HOST)]
    hosts = list(islice(cycle(hosts), trials))
    found["planted"] = {}
    for case in CASES:
        row = measure_case(index, threshold, hosts, training, case)
        found["planted"][case.name] = row
        print(name, case.name, row, flush=True)
    return found


def _false_flags(test: list[Originality], threshold: Threshold) -> dict[str, Any]:
    flags = [threshold.flags(piece) for piece in test]
    pieces = {piece.name for piece, flag in zip(test, flags, strict=True) if flag}
    row = {
        "calibrated_on": threshold.pieces,
        "test": len(flags),
        "test_flagged": sum(flags),
        "share_flagged": round(float(np.mean(flags)), 4),
        "flagged_pieces": sorted(pieces),
        "test_longest_notes_median_and_max": [
            float(np.median([piece.notes for piece in test])),
            max(piece.notes for piece in test),
        ],
        "threshold_bits": round(threshold.bits, 1),
    }
    print(row, flush=True)
    return row


# ---------------------------------------------------------------- time and memory


def measure_scale() -> dict[str, Any]:
    """Return time and memory of a search, measured in a process of its own."""
    command = [sys.executable, __file__, "--child"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _scale_child() -> dict[str, Any]:
    store, _ = store_of("pop909")
    copies = -(-PIECES // len(store))
    started, processor = time.perf_counter(), time.process_time()
    index = build_index(islice(_copies(store, copies), PIECES))
    built, built_processor = time.perf_counter(), time.process_time()
    samples = islice(_copies(store, 2, first=-3), SAMPLES)
    common = found = 0
    for sample in samples:
        measured = measure_originality(index, sample)
        common += measured.common
        passage = measured.decisive
        # a name is the piece's and the number of its copy
        found += passage is not None and passage.training.split()[0] == sample.name.split()[0]
    return {
        "training_pieces": len(index.names),
        "of_which_transposed_copies": len(index.names) - len(store),
        "n_grams_indexed": len(index.postings),
        "samples": SAMPLES,
        "samples_found_as_the_piece_they_are": found,
        "n_grams_too_common_per_sample": round(common / SAMPLES, 1),
        "processes": 1,
        "index_seconds": round(built - started, 1),
        "index_seconds_of_processor": round(built_processor - processor, 1),
        "search_seconds": round(time.perf_counter() - built, 1),
        "search_seconds_of_processor": round(time.process_time() - built_processor, 1),
        "total_seconds": round(time.perf_counter() - started, 1),
        "load_average_of_the_machine": round(os.getloadavg()[1], 1),
        "peak_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    }


def _copies(store: PieceStore, times: int, first: int = -5) -> Iterator[Piece]:
    """Yield the pieces again and again, each time in another key and without other first notes."""
    for number in range(times):
        for piece in store:
            notes = piece.notes[number * 7 :]
            moved = move_pitches(notes, np.full(len(notes), first + number))
            yield Piece(f"{piece.name} {number}", piece.resolution, moved)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, default=ROOT / "benchmarks" / "originality.json")
    parser.add_argument("--trials", type=int, default=400, help="copies of each kind (400)")
    parser.add_argument("--only", metavar="PART", help="measure one part, as bach-again")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(_scale_child()))
        return
    file: Path = arguments.json
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    found["machine"] = {"cores": os.cpu_count(), "python": platform.python_version()}
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        **{
            f"{name}{suffix}": partial(measure_corpus, name, seed, arguments.trials)
            for suffix, seed in SPLITS.items()
            for name in OVERRIDES
        },
        "scale": measure_scale,
    }
    if arguments.only not in (None, *parts):
        parser.error(f"--only {arguments.only} is none of {', '.join(parts)}")
    for name, measure in parts.items():
        if arguments.only in (None, name):
            found[name] = measure()
            print(name, found[name] if name == "scale" else "measured", flush=True)
            file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
