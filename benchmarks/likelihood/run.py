"""Rows of the likelihood table: trained, scored on the published test split, and written down.

    python benchmarks/likelihood/run.py ROW [--corpus NAME] [key=value ...]
    python benchmarks/likelihood/run.py ROW --command
    python benchmarks/likelihood/run.py --collect

A row is a list of overrides in rows.yaml; `all` is every one. It runs with the program's own stages
in outputs/benchmarks/ROW/CORPUS-SEED, replaces its result in results.json, and rewrites RESULTS.md
and the table of docs/results.md; `--collect` does only the last, and `--command` only prints the
`ostinato run` of a row. With other settings of anything that makes its figure it is not that row:
then its result is only printed.
"""

import argparse
import csv
import json
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit import CORPORA, audit
from frames_of_chords import leave_out_first, score_frames
from rows import overrides_of, read_rows
from tables import Result, add_result, write_tables

from ostinato.config import Config, compose, conf_folder
from ostinato.config.composition import without_overridden
from ostinato.errors import UserError
from ostinato.stages.piece_cache import locate_pieces
from ostinato.stages.run import is_that_row, run_with_fetch
from ostinato.stages.workspace import Workspace

if TYPE_CHECKING:
    from ostinato.training.trainer import Fitted

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Run what is asked for; a mistake in it is one sentence."""
    arguments = _arguments()
    try:
        for row in () if arguments.collect else _rows(arguments.row):
            if arguments.command:
                print(shlex.join(["ostinato", "run", *_words(row, arguments.corpus)]))
                continue
            own = composed(row, arguments.corpus)
            config = composed(row, arguments.corpus, arguments.overrides)
            result = run_row(row, config)
            if is_that_row(row, own, config, result):
                add_result(result)
                write_tables()
        if arguments.collect:
            write_tables()
    except UserError as error:
        print(f"likelihood: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("row", nargs="?", metavar="ROW", help="a row of rows.yaml, or `all`")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="as for ostinato run")
    parser.add_argument("--corpus", metavar="NAME", help="another corpus than the row's own")
    parser.add_argument("--command", action="store_true", help="only print its `ostinato run`")
    parser.add_argument("--collect", action="store_true", help="only rewrite the tables")
    arguments = parser.parse_args()
    if not arguments.row and not arguments.collect:
        parser.error(f"name a row, or `all`: {', '.join(_rows('all'))}")
    return arguments


def _rows(asked: str) -> list[str]:
    return list(read_rows()) if asked == "all" else [asked]


def composed(row: str, corpus: str | None, overrides: Sequence[str] = ()) -> Config:
    """Return the config of a row, perhaps of another corpus, under further overrides."""
    return compose(_words(row, corpus, overrides), conf_folder(ROOT))


def _words(row: str, corpus: str | None, overrides: Sequence[str] = ()) -> list[str]:
    """Return a row as overrides; each key is set once, by the last that sets it."""
    own = without_overridden(overrides_of(row), [f"corpus={corpus}"] if corpus else [])
    chosen = [*own, *([f"corpus={corpus}"] if corpus else [])]
    return [*without_overridden(chosen, overrides), *overrides]


def run_row(row: str, config: Config) -> Result:
    """Train and score a row; returns what results.json keeps of it."""
    name = config["corpus.name"]
    folder = ROOT / "outputs" / "benchmarks" / row / f"{name}-{config['seed']}"
    fitted = run_with_fetch(config, Workspace(ROOT, folder))
    return {"row": row, "corpus": name, "seed": config["seed"], **_result(config, folder, fitted)}


def _result(config: Config, folder: Path, fitted: "Fitted") -> Result:
    metrics = json.loads((folder / "evaluation" / "metrics.json").read_text(encoding="utf-8"))
    unit = "frame" if "frames" in metrics["test"] else "token"
    with (folder / "evaluation" / "pieces.csv").open(encoding="utf-8") as file:
        pieces = list(csv.DictReader(file))
    validation, without_first = fitted.best_validation, None
    if unit == "frame":
        without_first = _without_first(config, folder)
    elif (part := _read_part(config, folder, "test"))[0].representation.falling:
        unit, pieces = "frame", score_frames(*part)
        validation = nats_per_step(score_frames(*_read_part(config, folder, "validation")), unit)
        without_first = nats_per_step(map(leave_out_first, pieces), unit)
    leaked = leaked_pieces(config)
    clean = {piece["name"] for piece in pieces} - leaked
    found = {
        "unit": unit,
        "test": nats_per_step(pieces, unit),
        "without_first": without_first,
        "leaked": nats_per_step(pieces, unit, leaked),
        "clean": nats_per_step(pieces, unit, clean) if leaked else None,
        "validation": validation,
        "minutes": round(fitted.minutes, 2),
        "parameters": _parameters(config, folder / "model"),
    }
    return {name: value for name, value in found.items() if value is not None}


def nats_per_step(
    pieces: Iterable[Mapping[str, Any]],
    unit: str,
    names: Iterable[str] | None = None,
) -> float | None:
    """Nats of rows of pieces.csv, of those with these names, over their frames or tokens.

    The nats of a piece's end token are in the sum, the token itself is not counted.
    """
    chosen = [p for p in pieces if names is None or p["name"] in names]
    nats = sum(float(piece["nats"]) for piece in chosen)
    steps = sum(int(piece[f"{unit}s"]) - (unit == "token") for piece in chosen)
    return round(nats / steps, 4) if steps else None


def leaked_pieces(config: Config) -> frozenset[str]:
    """The test pieces that training holds more than half of."""
    from ostinato.corpora.store import PieceStore

    name, workspace = config["corpus.name"], Workspace(ROOT, ROOT / "outputs")
    if name not in CORPORA:
        return frozenset()
    pieces = PieceStore(locate_pieces(config, workspace))
    return audit(name, config["corpus.source.steps_per_quarter"], pieces).leaked


def _read_part(config: Config, folder: Path, part: str) -> tuple[Any, Any, Any]:
    """The bundle of a run, its encoded pieces, and which of them are in a part of the split."""
    from ostinato.models.bundle import load_bundle
    from ostinato.stages.encoding import read_split, token_store

    here = Workspace(ROOT, folder)
    workspace = Workspace(ROOT, folder, locate_pieces(config, here))
    bundle: Any = load_bundle(workspace.model, config.plugins)
    store = token_store(config, workspace, bundle.representation)
    return bundle, store, store.indices(read_split(workspace)[part])


def _without_first(config: Config, folder: Path) -> float:
    """Test nats per frame without each piece's first, as Bai et al. 2018 count."""
    from ostinato.data.windows import WholePieces

    bundle, store, test = _read_part(config, folder, "test")
    batches = WholePieces(store, test, config["evaluation.batch_size"])
    bundle.network.eval()
    nats = 0.0
    for batch in map(batches.__getitem__, range(len(batches))):
        nll = bundle.network.score(batch.inputs, batch.positions, batch.targets)
        nats += float(nll[:, 1:].double().sum())
    frames = int((store.offsets[test + 1] - store.offsets[test] - 2).sum())
    return round(nats / frames, 4)


def _parameters(config: Config, model: Path) -> int:
    from ostinato.models.bundle import load_bundle

    bundle = load_bundle(model, config.plugins)
    return sum(p.numel() for p in bundle.network.parameters())


if __name__ == "__main__":
    sys.exit(main())
