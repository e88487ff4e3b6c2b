"""What a newcomer hears first: samples of the default, beside real chorales.

    ostinato generate sampling.pieces=36 seed=1 model_dir=outputs/model samples_dir=more
    python benchmarks/default_samples.py more [--split validation] [--name after]

Prints a table of what a teacher of harmony looks at, with the real chorales of a part of the
default split beside it, and writes it into default_samples.json under the name. Needs `ostinato
fetch corpus=bach`; takes a minute.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from controls import ROOT, read_parts
from ostinato.evaluation.distances.assessment import measure_pieces
from ostinato.evaluation.distances.comparison import compare_vectors
from ostinato.evaluation.distances.vectors import PieceVectors
from ostinato.music.midi import read_midi
from ostinato.music.piece import Piece

RESULTS = ROOT / "benchmarks" / "default_samples.json"
MEANS = (
    "parallel_fifths",
    "parallel_octaves",
    "hidden_fifths_and_octaves",
    "voice_crossing",
    "semitone_clashes",
    "scale_consistency",
    "pitch_class_entropy",
    "end_on_triad",
    "final_cadence",
)
BAR = 4  # quarter notes
DISTANCES = ("nearest_neighbour", "interval_nearest_neighbour")


def main() -> None:
    """Measure, print and write what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("samples", type=Path, help="a folder that `ostinato generate` wrote")
    parser.add_argument("--split", default="test", choices=("validation", "test"))
    parser.add_argument("--name", default="now", help="of the row in the file")
    parser.add_argument("--json", type=Path, default=RESULTS, help="where to write the figures")
    arguments = parser.parse_args()
    real = read_parts()[arguments.split]
    about = json.loads((arguments.samples / "sampling.json").read_text(encoding="utf-8"))
    samples = [read_midi(file, file.stem) for file in sorted(arguments.samples.glob("*.mid"))]
    ours, theirs = measure_pieces(samples), measure_pieces(real)
    row = describe(samples, ours) | {"cut_pieces": about.get("cut_pieces", 0)}
    if found := compare_vectors(ours, theirs, None):
        row |= {name: round(found.distances[name].value, 3) for name in DISTANCES}
    beside = describe(real, theirs)
    print(f"{'':<28}{f'{len(samples)} samples':>14}{f'{len(real)} chorales':>16}")
    for name, value in row.items():
        print(f"{name:<28}{value:>14}{beside.get(name, ''):>16}")
    written = json.loads(arguments.json.read_text()) if arguments.json.is_file() else {}
    written[arguments.name] = row
    written[f"chorales, {arguments.split}"] = beside
    arguments.json.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")


def describe(pieces: Sequence[Piece], vectors: PieceVectors) -> dict[str, float]:
    """Return the figures of a set: means over pieces, parallels per 100 quarter notes."""
    columns = {name: [piece[name] for piece in vectors.measured if name in piece] for name in MEANS}
    lengths = np.concatenate([piece.notes["duration"] / piece.resolution for piece in pieces])
    bars = [piece.quarters / BAR for piece in pieces]
    return {
        "pieces": len(pieces),
        **{name: round(float(np.mean(values)), 3) for name, values in columns.items()},
        "end_on_triad_count": int(sum(columns["end_on_triad"])),
        "eighth_notes": round(float(np.isclose(lengths, 0.5).mean()), 3),
        "shortest_bars": round(min(bars), 2),
        "median_bars": round(float(np.median(bars)), 2),
    }


if __name__ == "__main__":
    main()
