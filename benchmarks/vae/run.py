"""VAEs of melodies and of piano-rolls: trained, measured on unseen segments, and written down.

    python benchmarks/vae/run.py ROW [key=value ...]
    python benchmarks/vae/run.py all

A row is a corpus and a number of bars, `essen_2_bars` for one. It runs with the program's own
stages in outputs/benchmarks/vae/ROW, fetches the corpus where it is not there, and replaces its
figures in results.json. With other settings of anything that makes them, they are only printed.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ostinato import console
from ostinato.config import Config, compose, conf_folder
from ostinato.errors import UserError
from ostinato.files import write_json
from ostinato.stages.run import is_that_row, run_with_fetch
from ostinato.stages.workspace import Workspace

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).parent / "results.json"
LONGEST = 30.0  # minutes of a training
MORE = ("model=vae_hierarchical", "model.bars=4")
# four bars hold more than the free 48 nats, and there are few of them to learn from
LONGER = ("training.epochs=100", "training.batch_size=32", "model.objective.free_bits=96")
BACH = "experiment=bach_vae"
ESSEN = (BACH, "corpus=essen", "training.epochs=15", "training.transpose=[-3,3]")
FRAMES = (
    *(BACH, "representation=pianoroll", "model.pitch_range=[36,83]", "model.latent_size=128"),
    *("model.objective.free_bits=128.0", "training.epochs=20"),
)
ROWS: dict[str, tuple[str, ...]] = {
    "essen_2_bars": ESSEN,
    "essen_4_bars": (*ESSEN, *MORE),
    "bach_2_bars": (BACH,),
    "bach_4_bars": (BACH, *MORE, *LONGER),
    "bach_2_bars_pianoroll": FRAMES,
}

SEQUENCE_MODEL = "sequence_model"

Figures = dict[str, Any]


def main() -> int:
    """Run what is asked for; a mistake in it is one sentence."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("row", choices=[*ROWS, "all"], help="what to train")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="as for ostinato run")
    arguments = parser.parse_args()
    try:
        for row in ROWS if arguments.row == "all" else [arguments.row]:
            own, config = composed(row), composed(row, arguments.overrides)
            told = train(row, config)
            if is_that_row(row, own, config, told):
                keep(row, told, RESULTS)
    except UserError as error:
        print(f"vae: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def composed(row: str, overrides: Sequence[str] = ()) -> Config:
    """The config of a row."""
    return compose([*ROWS[row], *overrides], conf_folder(ROOT))


def train(row: str, config: Config) -> Figures:
    """Train and measure a row; returns what results.json keeps of it."""
    folder = ROOT / "outputs" / "benchmarks" / "vae" / row
    fitted = run_with_fetch(config, Workspace(ROOT, folder))
    if fitted.minutes > LONGEST:
        console.warn(f"the training took {fitted.minutes:.0f} minutes, more than {LONGEST:.0f}.")
    metrics = json.loads((folder / "evaluation" / "metrics.json").read_text(encoding="utf-8"))
    if "latents" not in metrics:
        raise UserError(f"{row}: no segment can be cut from the test pieces.")
    about = {"seed": config["seed"], "epochs": len(fitted.curves), "minutes": fitted.minutes}
    return figures(metrics, about)


def figures(metrics: Mapping[str, Any], about: Mapping[str, Any]) -> Figures:
    """What is kept of a metrics.json."""
    latents = metrics["latents"]
    kept = latents["reconstruction"]
    return {
        "reconstruction_exact": kept["exact"],
        "reconstruction_invented": kept["invented"],
        "segments_exact": kept["segments"],
        "teacher_forced": kept["teacher_forced"],
        "active_units": latents["active_units"],
        "elbo_nats_per_token": latents["elbo_nats_per_token"],
        "kl_nats": latents["kl_nats"],
        "prior_within_80": {
            name: {**of, "within": of["low"] <= of["median"] <= of["high"]}
            for name, of in latents["prior_within_80"].items()
        },
        "attributes": latents["attributes"],
        "interpolation": latents["interpolation"],
        "overlapping_area": metrics["segments"]["overlapping_area"],
        "control": metrics["segments"]["control"],
        "test_segments": latents["segments"],
        **about,
        "minutes": round(about["minutes"], 1),
    }


def keep(row: str, told: Figures, path: Path) -> None:
    """Put a row's figures in place of earlier ones."""
    results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    write_results(results | {row: told}, path)


def keep_sequence_model(row: str, told: Figures, path: Path) -> None:
    """Put the figures of a sequence model on a row's segments in place of earlier ones."""
    results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    of_rows = results.get(SEQUENCE_MODEL, {}) | {row: told}
    write_results(results | {SEQUENCE_MODEL: of_rows}, path)


def write_results(results: Figures, path: Path) -> None:
    """Write rows in their order, sequence models last."""
    write_json(path, {name: results[name] for name in (*ROWS, SEQUENCE_MODEL) if name in results})


if __name__ == "__main__":
    sys.exit(main())
