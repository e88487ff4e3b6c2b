"""What a sweep of experiment=comparison came to, as a table.

    ostinato run -m experiment=comparison model=rnn,gru,lstm representation=voices,pianoroll
    python benchmarks/likelihood/comparison.py outputs/sweeps/DATE/TIME

Reads config.yaml and evaluation/metrics.json of every run in the folder; writes comparison.json and
COMPARISON.md beside this file.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tables import HERE, markdown

from ostinato.config import Config
from ostinato.errors import UserError
from ostinato.files import write_json, write_text

Run = dict[str, Any]


def main() -> int:
    """Collect the sweep that is named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sweep", type=Path, metavar="FOLDER", help="below outputs/sweeps")
    parser.add_argument("--out", type=Path, default=HERE, metavar="FOLDER", help="where to write")
    arguments = parser.parse_args()
    try:
        runs = collect(arguments.sweep)
    except UserError as error:
        print(f"comparison: {error}", file=sys.stderr)
        return error.exit_code
    write_json(arguments.out / "comparison.json", runs)
    write_text(arguments.out / "COMPARISON.md", page(runs))
    print(f"{len(runs)} runs collected in {arguments.out / 'COMPARISON.md'}")
    return 0


def collect(sweep: Path) -> list[Run]:
    """The runs below a folder that were evaluated, by model, representation and seed.

    Raises `UserError` where there is none.
    """
    runs = []
    for metrics in sweep.rglob("evaluation/metrics.json"):
        config = Config.load(metrics.parents[1] / "config.yaml")
        test = json.loads(metrics.read_text(encoding="utf-8"))["test"]
        if "nats_per_note" not in test:  # no test piece could be scored
            continue
        unit = "frame" if "nats_per_frame" in test else "token"
        chosen = {group: config["choices"][group] for group in ("model", "representation")}
        about = {"seed": config["seed"], "minutes": config["training.minutes"], "unit": unit}
        units = {"note": "note", "quarter": "quarter", "step": unit}
        figures = {f"nats_per_{name}": test[f"nats_per_{key}"] for name, key in units.items()}
        counts = {"pieces": test["pieces"], "notes": test["notes"], "steps": test[f"{unit}s"]}
        runs.append({**chosen, **about, **figures, **counts})
    if not runs:
        raise UserError(f"{sweep} holds no run that was evaluated: name a folder of a sweep.")
    return sorted(runs, key=lambda run: (run["model"], run["representation"], run["seed"]))


def page(runs: Sequence[Run]) -> str:
    """Both tables as Markdown."""
    minutes = {run["minutes"] for run in runs}
    each = " or ".join(f"{m:g}" for m in sorted(m for m in minutes if m)) or "unlimited"
    return "\n\n".join(
        [
            "# Architectures and representations",
            f"Test split, {each} minutes of training each. Nats per quarter note compare where the "
            "pieces are the same, nats per note where the notes are as well.",
            "## Nats per note",
            _grid(runs),
            "## Every run",
            _rows(runs),
            "",
        ]
    )


def _grid(runs: Iterable[Run]) -> str:
    """A row an architecture, a column a representation; the mean over seeds."""
    cells: dict[tuple[str, str], list[float]] = {}
    for run in runs:
        cells.setdefault((run["model"], run["representation"]), []).append(run["nats_per_note"])
    models, representations = (sorted({key[i] for key in cells}) for i in (0, 1))
    mean = {key: f"{sum(values) / len(values):.3f}" for key, values in cells.items()}
    rows = [[f"`{m}`", *(mean.get((m, r), "") for r in representations)] for m in models]
    return markdown(["", *(f"`{r}`" for r in representations)], rows)


def _rows(runs: Iterable[Run]) -> str:
    head = ["model", "representation", "seed", "nats per note", "per quarter", "per step", "step"]
    rows = [
        [
            f"`{run['model']}`",
            f"`{run['representation']}`",
            str(run["seed"]),
            f"{run['nats_per_note']:.3f}",
            f"{run['nats_per_quarter']:.3f}",
            f"{run['nats_per_step']:.4f}",
            run["unit"],
            *(f"{run[name]:,}" for name in ("pieces", "notes", "steps")),
        ]
        for run in runs
    ]
    return markdown([*head, "pieces", "notes", "steps"], rows)


if __name__ == "__main__":
    sys.exit(main())
