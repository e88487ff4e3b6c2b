"""The GAN on chorales, several seeds and lengths: trained, measured, and written down.

    python benchmarks/gan/run.py [--bars 2,4] [--seeds 1,2,3] [key=value ...]
    python benchmarks/gan/run.py --collect

Each training is `experiment=bach_gan` on jsb16 with its published split, its best epoch chosen on
validation. It runs with the program's own stages in outputs/benchmarks/gan/BARS-SEED, replaces its
figures in results.json, and rewrites RESULTS.md; `--collect` does only the last. With other
settings of anything that makes the figures, they are only printed.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gan_tables import Figures, add_figures, numbers, write_page

from ostinato import console
from ostinato.config import Config, compose, conf_folder
from ostinato.errors import UserError
from ostinato.stages.run import is_that_row, run_with_fetch
from ostinato.stages.workspace import Workspace

ROOT = Path(__file__).parents[2]
BASE = ("experiment=bach_gan", "corpus=jsb16", "split=published")
LONGEST = 20.0  # minutes of a training


def main() -> int:
    """Run what is asked for; a mistake in it is one sentence."""
    arguments = _arguments()
    try:
        for bars in () if arguments.collect else arguments.bars:
            for seed in arguments.seeds:
                own, config = composed(bars, seed), composed(bars, seed, arguments.overrides)
                figures = train(bars, seed, config)
                if is_that_row(f"a GAN of {bars} bars", own, config, figures):
                    add_figures(bars, seed, figures)
                    write_page()
        if arguments.collect:
            write_page()
    except UserError as error:
        print(f"gan: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bars", type=numbers, default=[2, 4], help="lengths of segments: 2,4")
    parser.add_argument("--seeds", type=numbers, default=[1, 2, 3], help="1,2,3")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="as for ostinato run")
    parser.add_argument("--collect", action="store_true", help="only rewrite the tables")
    return parser.parse_intermixed_args()


def composed(bars: int, seed: int, overrides: Sequence[str] = ()) -> Config:
    """The config of a training."""
    chosen = [*BASE, f"model.bars={bars}", f"seed={seed}", f"split.seed={seed}", *overrides]
    return compose(chosen, conf_folder(ROOT))


def train(bars: int, seed: int, config: Config) -> Figures:
    """Train and measure; returns what results.json keeps of it."""
    folder = ROOT / "outputs" / "benchmarks" / "gan" / f"{bars}-{seed}"
    fitted = run_with_fetch(config, Workspace(ROOT, folder))
    if fitted.minutes > LONGEST:
        console.warn(f"the training took {fitted.minutes:.0f} minutes, more than {LONGEST:.0f}.")
    metrics = json.loads((folder / "evaluation" / "metrics.json").read_text(encoding="utf-8"))
    if "segments" not in metrics:
        raise UserError(f"no segment of {bars} bars can be cut from the test pieces.")
    about: dict[str, Any] = {
        "validation": fitted.best_validation,
        "epoch": fitted.best_epoch,
        "epochs": len(fitted.curves),
        "minutes": round(fitted.minutes, 2),
    }
    return {**about, **metrics["segments"]}


if __name__ == "__main__":
    sys.exit(main())
