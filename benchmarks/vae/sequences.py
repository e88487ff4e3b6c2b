"""A sequence model on the segments of a VAE: its likelihood, beside which the bound stands.

    python benchmarks/vae/sequences.py outputs/benchmarks/vae/ROW [--epochs 3]

Takes the folder of a VAE of lines, trains model=gru on its training segments, transposed as they
were, and scores its test segments by the weights that are best on validation segments. Each stands
alone: nothing comes before, and what is held begins there. Writes into results.json.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from run import RESULTS, ROOT, Figures, keep_sequence_model

from ostinato.config import Config, compose, conf_folder
from ostinato.corpora.store import PieceStore
from ostinato.data.datamodule import MusicData
from ostinato.data.store import TokenStore
from ostinato.data.windows import WindowSettings
from ostinato.errors import UserError
from ostinato.evaluation.likelihood import nll_of_pieces
from ostinato.methods.likelihood.module import LikelihoodModule
from ostinato.methods.segments.cutting import cut_segments
from ostinato.methods.variational.latents import MEASURED
from ostinato.models.bundle import build_network, load_bundle
from ostinato.representations.monophonic import REST
from ostinato.stages.encoding import read_split, token_store
from ostinato.stages.piece_cache import locate_pieces
from ostinato.stages.workspace import Workspace
from ostinato.training.settings import GradientDescent
from ostinato.training.trainer import FitOptions, fit

MODEL = "gru"


def measure(folder: Path, epochs: int) -> Figures:
    """Nats per token by the sequence model, and by the bound of the VAE in a folder."""
    config = Config.load(folder / "config.yaml")
    workspace = Workspace(ROOT, folder, locate_pieces(config, Workspace(ROOT, folder)))
    bundle, seed = load_bundle(workspace.model), config["seed"]
    network, melody = bundle.network, bundle.representation
    if melody.end is None:
        raise UserError(f"{folder} holds no model of lines that end with a token.")
    store, split = token_store(config, workspace, melody), read_split(workspace)
    rows = []
    for part in ("train", "validation", "test"):
        some = cut_segments(
            store, store.indices(split[part]), PieceStore(workspace.pieces), melody, network
        )
        roll = some.sample(MEASURED if part == "test" else len(some), seed)
        rows.append(melody.from_grid(roll))
    segments, ends = stored(np.concatenate(rows), melody), np.cumsum([len(part) for part in rows])
    training, validation, test = np.split(np.arange(ends[-1]), ends[:-1])
    torch.manual_seed(seed)
    own = compose([f"model={MODEL}"], conf_folder(ROOT))
    shared = {field.name for field in fields(GradientDescent)}
    kept = {name: value for name, value in vars(config.build("training")).items() if name in shared}
    settings = replace(own.build("training"), **kept, window=rows[0].shape[1])
    settings = replace(settings, epochs=epochs)
    model = build_network(own, melody)
    windows = WindowSettings(settings.window, settings.batch_size, settings.transpose, seed)
    data = MusicData(segments, training, validation, melody, windows)
    with tempfile.TemporaryDirectory() as checkpoints:
        options = FitOptions(seed, Path(checkpoints))
        fitted = fit(LikelihoodModule(model, settings), data, settings, options)
    nats = nll_of_pieces(model, segments, test, settings.batch_size)
    metrics = json.loads((folder / "evaluation" / "metrics.json").read_text(encoding="utf-8"))
    return {
        "model": MODEL,
        "nats_per_token": round(float(nats.mean()) / rows[0].shape[1], 4),
        "bound_nats_per_token": metrics["latents"]["elbo_nats_per_token"],
        "test_segments": len(nats),
        **{"seed": seed, "epochs": len(fitted.curves), "minutes": round(fitted.minutes, 1)},
    }


def stored(rows: Any, melody: Any) -> TokenStore:
    """Segments (segments, time) as pieces of a store; what stands before pieces is before each."""
    steps = np.pad(rows, ((0, 0), (1, 0)), constant_values=melody.end)
    low, high = np.where(rows < REST, rows, REST).min(1), np.where(rows < REST, rows, 0).max(1)
    return TokenStore(
        steps.reshape(-1),
        np.tile(melody.positions(steps[0]), (len(rows), 1)),
        np.arange(len(rows) + 1) * steps.shape[1],
        low.astype(np.int64),
        high.astype(np.int64),
        np.full(len(rows), rows.shape[1] / melody.beat_steps),
        [str(number) for number in range(len(rows))],
        {},
    )


def main() -> int:
    """Measure the run that is named; a mistake is one sentence."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, metavar="FOLDER", help="of a trained VAE of lines")
    parser.add_argument("--epochs", type=int, default=3, help="passes over the segments")
    told = parser.parse_args()
    try:
        folder = told.run.resolve()
        keep_sequence_model(folder.name, measure(folder, told.epochs), RESULTS)
    except UserError as error:
        print(f"sequences: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
