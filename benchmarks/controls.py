"""Which distances between sets of pieces can be fooled, by chorales that are wrong in known ways.

    python benchmarks/controls.py [--json FILE]

Real test chorales in four voices are compared with controls of as many pieces, and of 6, as many as
are sampled by default. A distance is a headline if it ranks every control that can be told below
real music: below 97.5 % of draws of training pieces, and below the validation pieces. Needs
`ostinato fetch corpus=bach`; takes about three minutes.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ostinato.config import compose
from ostinato.corpora.store import PieceStore
from ostinato.evaluation.distances.assessment import measure_pieces
from ostinato.evaluation.distances.controls import TOLD, build_controls
from ostinato.evaluation.distances.measures import DISTANCES, HEADLINES
from ostinato.evaluation.distances.ranking import REAL, Ranking, rank_controls
from ostinato.music.piece import Piece
from ostinato.stages.preprocess import preprocess

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "controls.json"
FEW, SEED, BARS = 6, 1, 24


def main() -> None:
    """Measure, print and write what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, default=RESULTS, help="where to write the figures")
    arguments = parser.parse_args()
    began = time.perf_counter()
    parts = read_parts()
    rankings = rank_all(parts)
    for ranking in rankings:
        print_ranking(ranking)
    found = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "seconds": round(time.perf_counter() - began),
        "pieces": {name: len(pieces) for name, pieces in parts.items()},
        "seed": SEED,
        "distances": {ranking.distance.name: describe(ranking) for ranking in rankings},
        "headlines": list(HEADLINES),
    }
    arguments.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(f"\nwritten to {arguments.json}")


def read_parts() -> dict[str, list[Piece]]:
    """Return the chorales in four voices by part of the default split."""
    if not (ROOT / "data" / "bach").is_dir():
        sys.exit("data/bach is not there: run `ostinato fetch corpus=bach` first.")
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        config = compose(["corpus=bach", "split.seed=42"], ROOT / "conf")
        corpus = config.build("corpus")
        preprocess(corpus, ROOT, made / "pieces", made / "unfinished")
        store = PieceStore(made / "pieces")
        parts = config.build("split").divide(store).parts
        return {
            name: [piece for piece in store.only(names) if len(piece.track_names) == 4]
            for name, names in parts.items()
        }


def rank_all(parts: dict[str, list[Piece]]) -> list[Ranking]:
    """Return what each distance says of each control."""
    real = parts["test"]
    count = min(len(real), len(parts["validation"]))
    controls = {REAL: parts["validation"][:count]}
    controls |= build_controls(
        parts["train"],
        count,
        compose(["representation=voices"], ROOT / "conf").build("representation"),
        BARS,
        SEED,
    )
    vectors = {name: measure_pieces(pieces) for name, pieces in controls.items()}
    theirs, others = measure_pieces(real), measure_pieces(parts["train"])
    return [rank_controls(d, vectors, theirs, others, (FEW, count)) for d in DISTANCES]


def describe(ranking: Ranking) -> dict[str, Any]:
    """Return the figures of a distance."""
    return {
        "higher_is_nearer": ranking.distance.higher,
        "real": {
            str(size): [round(value, 4) for value in ends] for size, ends in ranking.real.items()
        },
        "controls": {
            str(size): {name: round(value, 4) for name, value in values.items()}
            for size, values in ranking.values.items()
        },
        "repeated_pieces_missed": {
            str(size): round(share, 4) for size, share in ranking.missed.items()
        },
        "tells": {name: ranking.tells(name) for name in TOLD},
        "survives": all(map(ranking.tells, TOLD)),
    }


def print_ranking(ranking: Ranking) -> None:
    """Print a table of a distance: a row a control, by number of pieces."""
    distance = ranking.distance
    nearer = "higher" if distance.higher else "lower"
    kind = "headline" if distance.headline else "no headline"
    print(f"\n{distance.name} ({nearer} is nearer; {kind})")
    sizes = list(ranking.values)
    print(f"{'':<20}" + "".join(f"{f'{size} pieces':>26}" for size in sizes))
    draws = [f"{m:.3f} ({low:.3f}-{high:.3f})" for m, low, high in ranking.real.values()]
    print(f"{'real, draws':<20}" + "".join(f"{text:>26}" for text in draws))
    for name in ranking.values[sizes[0]]:
        values = "".join(f"{ranking.values[size][name]:>26.3f}" for size in sizes)
        told = "" if name not in TOLD else "  told" if ranking.tells(name) else "  NOT TOLD"
        print(f"{name:<20}{values}{told}")
    missed = "".join(f"{share:>26.1%}" for share in ranking.missed.values())
    print(f"{'repeated, missed':<20}{missed}")


if __name__ == "__main__":
    main()
