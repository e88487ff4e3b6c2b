"""How well parts of unseen chorales are filled in: by what a model says of the true notes.

    python benchmarks/infill/run.py --lstm MODEL --masked MODEL [--pieces N]

Of each test chorale three voices are made to the soprano, two bars in the middle to all around
them, and the bass to the voices above. Printed and written into results.json, for each task and
model: nats per note of the true notes given the rest; of one sample a piece, the share of true
notes that it has, of sixteenths with the true pitch classes, and its parallel fifths and octaves
beside those of the chorale. MODEL is the folder of a bundle; docs/conditions.md says how these
were trained. Most of the time goes into particles.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from conditional import (
    LeftToRight,
    Masked,
    Model,
    NearestBar,
    Particles,
    Tokens,
    Trained,
)

from ostinato.config import compose, conf_folder
from ostinato.corpora.store import PieceStore
from ostinato.errors import UnencodableError
from ostinato.evaluation.distances.assessment import measure_pieces
from ostinato.music.piece import Piece
from ostinato.representations.monophonic import REST, tokens_to_grid
from ostinato.sampling import filling
from ostinato.sampling.filling import PartialPiece
from ostinato.stages.compose import compose_config
from ostinato.stages.encoding import read_split
from ostinato.stages.run_stages import prepare_stages
from ostinato.stages.workspace import Workspace

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "infill" / "results.json"
MODELS = ("nearest training bar", "left to right", "particles", "masked")
TASKS = ("harmonise", "two bars", "bass")
FAULTS = ("parallel_fifths", "parallel_octaves")


def settings_of(task: str, bars: int) -> Any:
    """Return the settings of sampling of a task, for a piece of so many bars."""
    middle = max(1, bars // 2)
    changes = {
        "harmonise": ["sampling=harmonise"],
        "two bars": ["sampling=infill", f"sampling.bars=[{middle},{middle + 1}]"],
        "bass": ["sampling=harmonise", "sampling.tracks=[4]"],
    }
    plain = ["sampling.pitch_temperature=1.0", "sampling.pitch_top_p=null"]
    words = ["model=masked", *changes[task], *plain]
    return compose(words, conf_folder(ROOT)).build("sampling")


def pieces_of(part: str, workspace: Workspace, most: int | None) -> list[Piece]:
    """Return the first pieces of a part of the default split."""
    names = read_split(workspace)[part]
    return list(PieceStore(workspace.pieces).only(names))[:most]


def prepared(
    task: str, pieces: list[Piece], representation: Any
) -> Iterator[tuple[PartialPiece, Tokens, Any]]:
    """Yield the task of each piece that has it, its true tokens (steps, voices), its settings."""
    for piece in pieces:
        settings = settings_of(task, len(piece.barlines()) - 1)
        try:
            found = filling.prepare(piece, settings, representation)
        except UnencodableError:
            continue
        truth = representation.encode(piece).reshape(-1, representation.voices).astype(np.int64)
        if len(truth) == len(found.tokens):
            yield found, truth, settings


def measure(model: Model, task: str, tasks: list[Any], bundle: Trained) -> dict[str, Any]:
    """Return the figures of a model at a task."""
    nats, notes, right, chords, steps, made = 0.0, 0, 0, 0, 0, []
    begun, effective = time.perf_counter(), []
    for i, (one, truth, settings) in enumerate(tasks):
        found = model.nats(one, truth, seed=i)
        nats += found or 0.0
        filled = model.fill(one, truth, settings, seed=i)
        effective += [model.effective] if isinstance(model, Particles) else []
        unknown = ~one.known
        true_notes = unknown & (truth < REST)
        notes += int(true_notes.sum())
        right += int((true_notes & (filled == truth)).sum())
        sounding = [tokens_to_grid(tokens[None])[0][0] for tokens in (filled, truth)]
        rows = unknown.any(axis=1)
        classes = [[frozenset((row[row < REST] % 12).tolist()) for row in one] for one in sounding]
        chords += sum(a == b for a, b, row in zip(*classes, rows, strict=True) if row)
        steps += int(rows.sum())
        piece, _ = filling.finish(
            one, filled, bundle.representation, bundle.bundle.setting, f"{task}-{i}"
        )
        made.append(piece)
    figures = {
        "pieces": len(tasks),
        "notes": notes,
        "nats_per_note": None if found is None else round(nats / notes, 4),
        "notes_right": round(right / notes, 4),
        "chords_right": round(chords / steps, 4),
        **faults(made),
        "seconds": round(time.perf_counter() - begun, 1),
    }
    if effective:
        figures["median_effective_share"] = round(float(np.median(effective)), 4)
    return figures


def faults(pieces: list[Piece]) -> dict[str, float]:
    """Return parallel fifths and octaves per 100 quarter notes, the mean over pieces."""
    measured = measure_pieces(pieces).measured
    return {
        name: round(float(np.mean([row[name] for row in measured if name in row])), 3)
        for name in FAULTS
    }


def models_of(arguments: argparse.Namespace, training: list[Piece]) -> Mapping[str, Any]:
    """Return the models that are asked for by name, the baselines among them."""
    plain = LeftToRight(arguments.lstm)
    makers: dict[str, Callable[[], Model]] = {
        "nearest training bar": lambda: NearestBar(
            list(written(training, plain.representation)), plain.representation.bar_steps
        ),
        "left to right": lambda: plain,
        "particles": lambda: Particles(arguments.lstm),
        "masked": lambda: Masked(arguments.masked),
    }
    return {name: makers[name]() for name in arguments.models}


def written(pieces: list[Piece], representation: Any) -> Iterator[Tokens]:
    """Yield the tokens (steps, voices) of the pieces that can be written."""
    for piece in pieces:
        try:
            yield representation.encode(piece).reshape(-1, representation.voices)
        except UnencodableError:
            continue


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("lstm", "masked"):
        parser.add_argument(f"--{name}", type=Path, required=True, help="a folder of a bundle")
    parser.add_argument("--models", nargs="*", choices=MODELS, default=MODELS)
    parser.add_argument("--tasks", nargs="*", choices=TASKS, default=TASKS)
    parser.add_argument("--pieces", type=int, default=None, help="test pieces; all by default")
    parser.add_argument("--split", default="test", choices=("validation", "test"))
    parser.add_argument("--json", type=Path, default=RESULTS, help="where to write the figures")
    arguments = parser.parse_args()
    config = compose_config([], ROOT)
    workspace = prepare_stages(config, Workspace(ROOT, ROOT / "outputs" / "benchmarks" / "infill"))
    pieces = pieces_of(arguments.split, workspace, arguments.pieces)
    models = models_of(arguments, pieces_of("train", workspace, None))
    bundle, file = LeftToRight(arguments.lstm), arguments.json
    for task in arguments.tasks:
        tasks = list(prepared(task, pieces, bundle.representation))
        rows = {"chorales": faults([one.piece for one, _, _ in tasks])}
        for name, model in models.items():
            rows[name] = figures = measure(model, task, tasks, bundle)
            print(task, name, json.dumps(figures), flush=True)
            # rows of other models stay, if they are there
            found = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
            found[task] = found.get(task, {}) | rows
            file.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
