"""Fine-tuning against training from nothing: Essen's folk songs, then twenty of O'Neill's tunes.

    python benchmarks/fine_tuning.py [--seeds N] [--json FILE]

For each seed three models of one architecture are scored on the same tunes of O'Neill's test split:
`source`, trained on Essen alone; `scratch`, trained on twenty tunes of O'Neill's; `fine_tuned`, the
source trained further on these twenty, as `training.initial` does. Each keeps the weights of its
best epoch on its own corpus's validation split. Settings were chosen on the validation split of
O'Neill's with another seed. Test tunes that are like a training song of Essen are left out. What is
not there of data/essen and data/oneills is fetched. The three seeds take about 25 minutes of one
core.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ostinato.config import Config
from ostinato.corpora.store import PieceStore
from ostinato.errors import UserError
from ostinato.methods.base import EvaluationTask, Method
from ostinato.models.bundle import load_bundle
from ostinato.stages import fetch, train
from ostinato.stages.compose import compose_config
from ostinato.stages.cross_corpus import TrainingMusic
from ostinato.stages.encoding import read_split, token_store
from ostinato.stages.run_stages import prepare_stages
from ostinato.stages.workspace import Workspace

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "fine_tuning.json"
TUNES = 20  # training pieces of the second corpus
SHARED = (
    "~experiment",
    "representation=event",
    "representation.steps_per_quarter=12",
    "model=gru",
    "model.size=tiny",
    "model.input.embedding_size=64",
    "model.backbone.hidden_size=128",
    "training.window=128",
    "training.averaging=0.99",
    "preprocess.processes=1",
    "tracking=off",
)
SOURCE = (
    "corpus=essen",
    "training.batch_size=32",
    "training.learning_rate=0.005",
    "training.epochs=4",
    "training.validate_every=2",
)
TARGET = (
    "corpus=oneills",
    f"training.max_pieces={TUNES}",
    "training.transpose=[-6,6]",
    "training.batch_size=4",
    "training.early_stopping=null",
)
SCRATCH = ("training.learning_rate=0.01", "training.epochs=80", "training.validate_every=5")
FINE_TUNED = ("training.learning_rate=0.002", "training.epochs=20", "training.validate_every=2")


def train_model(words: Sequence[str], folder: Path) -> tuple[Workspace, dict[str, Any]]:
    """Train a model into `folder`; returns its workspace, with minutes and epochs of training."""
    config = compose_config([*SHARED, *words], ROOT)
    workspace = Workspace(ROOT, folder)
    if not (ROOT / config["corpus.path"]).exists():
        fetch.run(config, workspace)
    workspace = prepare_stages(config, workspace)
    fitted = train.run(config, workspace)
    return workspace, {"minutes": round(fitted.minutes, 2), "best_epoch": fitted.best_epoch}


def choose_tunes(target: Workspace, source: Workspace) -> tuple[list[str], int]:
    """Return the test tunes that are like no training song of the source, and how many are."""
    songs = TrainingMusic.of(PieceStore(source.pieces), read_split(source)["train"])
    tunes = list(PieceStore(target.pieces).only(read_split(target)["test"]))
    names = [tune.name for tune in tunes if songs.find(tune) is None]
    return names, len(tunes) - len(names)


def score(model: Path, names: Sequence[str], target: Workspace) -> tuple[float, int]:
    """Return the nats per note that a model gives named tunes, and how many could be written."""
    bundle = load_bundle(model)
    method: Method = bundle.config.build("method")
    store = token_store(bundle.config, target, bundle.representation)
    config = Config.load(target.config)
    pieces, split = PieceStore(target.pieces), read_split(target)
    task = EvaluationTask(config, bundle, store, pieces, split)
    written = [name for name in names if name not in store.skipped]
    found = method.score(task, written)
    return float(found.nats.sum() / found.notes.sum()), len(written)


def measure_seed(seed: int, folder: Path) -> dict[str, Any]:
    """Return the figures of the three models of a seed."""
    seeded = f"seed={seed}"
    source, of_source = train_model([*SOURCE, seeded], folder / "source")
    scratch, of_scratch = train_model([*TARGET, *SCRATCH, seeded], folder / "scratch")
    initial = f"training.initial='{source.model}'"
    tuned, of_tuned = train_model([*TARGET, *FINE_TUNED, initial, seeded], folder / "fine_tuned")
    names, alike = choose_tunes(tuned, source)
    trained = {
        "source": (source, of_source),
        "scratch": (scratch, of_scratch),
        "fine_tuned": (tuned, of_tuned),
    }
    figures: dict[str, Any] = {"seed": seed, "left_out_as_alike": alike}
    for name, (workspace, about) in trained.items():
        nats, tunes = score(workspace.model, names, tuned)
        figures[name] = {"nats_per_note": round(nats, 4), "test_tunes": tunes, **about}
    return figures


def summarise(seeds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return mean nats per note by model, and the smallest gain of fine-tuning over the seeds."""

    def nats(name: str) -> list[float]:
        return [seed[name]["nats_per_note"] for seed in seeds]

    tuned = nats("fine_tuned")
    gains = {
        f"gain_over_{name}": round(
            min(1 - ours / theirs for ours, theirs in zip(tuned, nats(name), strict=True)), 4
        )
        for name in ("source", "scratch")
    }
    means = {
        name: round(statistics.mean(nats(name)), 4) for name in ("source", "scratch", "fine_tuned")
    }
    return {"mean_nats_per_note": means, "smallest_gain": gains}


def main(arguments: Sequence[str]) -> int:
    """Measure and write the figures; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="how many (3)")
    parser.add_argument("--json", type=Path, default=RESULT, metavar="FILE")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory() as folder:
            seeds = [
                measure_seed(seed, Path(folder) / str(seed)) for seed in range(1, options.seeds + 1)
            ]
    except UserError as error:
        print(f"fine_tuning: {error}", file=sys.stderr)
        return error.exit_code
    found = {
        "training_tunes": TUNES,
        **summarise(seeds),
        "minutes": round((time.monotonic() - began) / 60, 1),
        "processor_minutes": round(time.process_time() / 60, 1),
        "seeds": seeds,
    }
    text = json.dumps(found, indent=2)
    options.json.write_text(text + "\n", encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
