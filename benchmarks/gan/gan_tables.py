"""results.json of the GAN, a list of seeds for each figure, and the tables of RESULTS.md."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any

from ostinato.evaluation.musegan import TABLE
from ostinato.evaluation.segments import FEATURES, SET_METRICS
from ostinato.files import write_json, write_text

HERE = Path(__file__).parent

Figures = dict[str, Any]


def numbers(text: str) -> list[int]:
    """Of a command line: 2,4."""
    return [int(number) for number in text.split(",")]


def read_results(folder: Path = HERE) -> dict[str, dict[str, list[Any]]]:
    """Every figure so far: by `bars_2` and so on, then by its name, a value for each seed."""
    file = folder / "results.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def add_figures(bars: int, seed: int, figures: Figures, folder: Path = HERE) -> None:
    """Keep the figures of a training in place of earlier ones of its length and seed."""
    results = read_results(folder)
    rows = [row for row in _rows(results.get(f"bars_{bars}", {})) if row["seeds"] != seed]
    rows = sorted([*rows, _flat(seed, figures)], key=lambda row: row["seeds"])
    results[f"bars_{bars}"] = {name: [row[name] for row in rows] for name in rows[0]}
    ordered = dict(sorted(results.items(), key=lambda item: int(item[0].removeprefix("bars_"))))
    write_json(folder / "results.json", ordered)


def add_sequence(bars: int, name: str, figures: Figures, folder: Path = HERE) -> None:
    """Keep the figures of a sequence model for this length."""
    file = folder / "sequences.json"
    kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    kept.setdefault(f"bars_{bars}", {})[name] = figures
    write_json(file, kept)


def _flat(seed: int, figures: Figures) -> Figures:
    """One value for each name, real segments of the test split after `real_`."""
    ours, real = figures["generated"], figures["test"]
    told = {"seeds": seed, "overlapping_area": figures["overlapping_area"]}
    told["control"] = figures["control"]
    told["qualified"], told["real_qualified"] = ours["qualified_notes"], real["qualified_notes"]
    for name in SET_METRICS:
        if name != "qualified_notes":
            told[name], told[f"real_{name}"] = ours[name], real[name]
    told["nearest"] = figures["nearest"]["generated"]
    told["real_nearest_percentile"] = figures["nearest"]["test"]
    told |= {name: figures[name] for name in ("validation", "epoch", "epochs", "minutes")}
    return told | {"features": figures["features"], "musegan": figures["musegan"]}


def _rows(columns: Mapping[str, Sequence[Any]]) -> list[Figures]:
    """The figures of each seed."""
    seeds = range(len(columns.get("seeds", ())))
    return [{name: values[i] for name, values in columns.items()} for i in seeds]


def write_page(folder: Path = HERE) -> None:
    """Write RESULTS.md."""
    parts = [
        "# The GAN on chorales in sixteenth notes",
        "Written by `make bench-gan`; what is measured, and how, is in "
        "[docs/segments.md](../../docs/segments.md).",
    ]
    file = folder / "sequences.json"
    sequences = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    for length, columns in read_results(folder).items():
        rows = _rows(columns)
        parts += [
            f"## Segments of {length.removeprefix('bars_')} bars",
            f"Median overlapping area {median(columns['overlapping_area']):.3f} of "
            f"{len(rows)} seeds; training against test {mean(columns['control']):.3f}.",
            seeds_table(rows),
            "Overlapping area by feature, mean of the seeds:",
            features_table(rows),
            "The measures of MuseGAN (Dong et al. 2018), mean of the seeds:",
            musegan_table(rows),
        ]
        others = sequences.get(length, {})
        parts += ["Sequence models on the same measures:", others_table(others)] if others else []
    if len(parts) == 2:
        parts.append("None yet.")
    write_text(folder / "RESULTS.md", "\n\n".join(parts) + "\n")


def seeds_table(rows: Sequence[Figures]) -> str:
    """A line for each seed, then one of real segments."""
    names = {
        "qualified": "notes ≥ an eighth",
        "diversity": "diversity",
        "rests": "rests",
        "unisons": "unisons",
        "empty_bars": "empty bars",
    }
    head = ["seed", "overlapping area", *names.values(), "nearest training segment"]
    head += ["validation", "best epoch", "minutes"]
    lines = []
    for row in rows:
        figures = [f"{row[name]:.3f}" for name in ("overlapping_area", *names, "nearest")]
        best = [f"{row['epoch']} of {row['epochs']}", f"{row['minutes']:.1f}"]
        lines.append([str(row["seeds"]), *figures, f"{row['validation']:.3f}", *best])
    real = [f"{_mean(rows, 'control'):.3f}", *(f"{_mean(rows, f'real_{n}'):.3f}" for n in names)]
    nearest = f"{_mean(rows, 'real_nearest_percentile'):.3f} at the 1st percentile"
    return _markdown(head, [*lines, ["real", *real, nearest, "", "", ""]])


def others_table(others: Mapping[str, Figures]) -> str:
    """A line for each sequence model."""
    names = ("qualified_notes", "diversity", "rests", "unisons", "empty_bars")
    head = ["model", "overlapping area", "notes ≥ an eighth", *names[1:], "nearest"]
    lines = []
    for model, figures in sorted(others.items()):
        values = [figures["overlapping_area"], *(figures["generated"][name] for name in names)]
        values.append(figures["nearest"]["generated"])
        lines.append([f"`{model}`", *(f"{value:.3f}" for value in values)])
    return _markdown([name.replace("_", " ") for name in head], lines)


def features_table(rows: Sequence[Figures]) -> str:
    """A line for each feature."""
    found = {name: mean(row["features"][name] for row in rows) for name in rows[0]["features"]}
    return _markdown(
        ["feature", "overlapping area"], [[FEATURES[n], f"{v:.3f}"] for n, v in found.items()]
    )


def musegan_table(rows: Sequence[Figures]) -> str:
    """A line for each measure: training segments and generated ones."""
    lines = []
    for name, meaning in TABLE.items():
        sides = ([row["musegan"][of][name] for row in rows] for of in ("training", "generated"))
        lines.append([meaning, *(_averaged(values) for values in sides)])
    return _markdown(["", "training pieces", "GAN"], lines)


def _averaged(values: Sequence[Any]) -> str:
    """The mean of figures, or of each of several."""
    if isinstance(values[0], Mapping):
        return ", ".join(f"{key} {_averaged([v[key] for v in values])}" for key in values[0])
    if isinstance(values[0], list):
        return " ".join(_averaged(each) for each in zip(*values, strict=True))
    known = [value for value in values if value is not None]
    return f"{mean(known):.2f}" if known else "–"


def _mean(rows: Sequence[Figures], name: str) -> float:
    return mean(row[name] for row in rows)


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "".join(f"| {cell} " if cell else "| " for cell in line) + "|" for line in lines
    )
