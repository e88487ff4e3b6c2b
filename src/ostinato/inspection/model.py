"""A trained model, read without building it: no code of whoever made it runs."""

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ostinato.config import Config
from ostinato.config.targets import PARTIAL, TARGET
from ostinato.corpora.parts import PARTS
from ostinato.errors import ConfigError
from ostinato.evaluation.charts import curves
from ostinato.inspection import figures
from ostinato.inspection.tables import View, facts, table
from ostinato.inspection.tokens import is_of_columns, read_vocabulary
from ostinato.methods.base import Method
from ostinato.models.bundle import upgraded
from ostinato.music.naming import metre_name, program_name
from ostinato.music.piece_defaults import DEFAULTS_FILE, PieceDefaults, read_defaults
from ostinato.training.monitor import Monitor
from ostinato.untrusted import MIB, printable, read_regular
from ostinato.weights import WEIGHTS, weight_shapes

LARGEST = 16 * MIB  # bytes of a table beside a model


def inspect_model(folder: Path) -> View:
    """Return choices, settings, tensors and the music that a model was trained on."""
    config = upgraded(Config.load(folder / "config.yaml"))
    shapes = weight_shapes(folder / WEIGHTS)
    sizes = {name: math.prod(shape) for name, shape in shapes.items()}
    total = sum(sizes.values())
    rows = [
        (name, " × ".join(map(str, shapes[name])), f"{size:,}", f"{100 * size / max(1, total):.1f}")
        for name, size in sizes.items()
    ]
    chosen = [(k, str(v)) for k, v in config["choices"].items() if v]
    name = folder.resolve().name
    title = f"{name}: {printable(str(config['choices']['model']), 60)}, {total:,} parameters"
    history = _curves(folder.parent / "curves.csv")
    monitor = _monitor(config, is_of_columns(folder / "vocabulary.tsv"))
    label = (monitor.label, monitor.higher) if monitor else ("", False)
    return View(
        [
            facts(name, _facts(folder, config, total, history)),
            facts("Choices", chosen),
            facts("Settings", [*_settings(config, "representation"), *_settings(config, "model")]),
            table("Parameters", ("tensor", "shape", "#parameters", "#%"), rows),
        ],
        lambda: figures.draw_parameters(
            list(sizes.items()), title, curves(history, *label) if history else None
        ),
    )


def _facts(
    folder: Path, config: Config, total: int, history: list[dict[str, float | None]]
) -> Iterator[tuple[str, str]]:
    yield "parameters", f"{total:,}"
    vocabulary = read_vocabulary(folder / "vocabulary.tsv")
    frames = is_of_columns(folder / "vocabulary.tsv")
    if vocabulary:
        yield "vocabulary", f"{len(vocabulary):,} {'columns' if frames else 'tokens'}"
    yield "trained on", _training(folder.parent / "split.json", config["choices"])
    setting = read_defaults(folder / DEFAULTS_FILE)
    metre = metre_name(setting.numerator, setting.denominator)
    yield "its usual tempo", f"{setting.qpm:g} quarter notes per minute, in {metre}"
    yield "its usual tracks", ", ".join(_band(setting))
    losses = [row["validation"] for row in history if row["validation"] is not None]
    if losses:
        monitor = _monitor(config, frames)
        if monitor is not None:
            best = max(losses) if monitor.higher else min(losses)
            yield "best validation", f"{best:.4f} {monitor.words}"


def _monitor(config: Config, frames: bool) -> Monitor | None:
    """The metric that chose the weights; None where the method is not ostinato's own."""
    try:
        method: type[Method] = config.target("method")
    except ConfigError:
        return None
    return method.monitor("frame" if frames else "token")


def _training(split: Path, choices: Mapping[str, Any]) -> str:
    corpus = f"corpus {choices.get('corpus')}, split {choices.get('split')}"
    if not split.is_file():
        return corpus
    try:
        parts = json.loads(read_regular(split, LARGEST))
        sizes = ", ".join(f"{part} {len(parts[part])}" for part in PARTS)
    except (ValueError, KeyError, TypeError, RecursionError):  # somebody else's file of that name
        return corpus
    return f"{corpus}; pieces in {split.name} beside it: {sizes}"


def _band(setting: PieceDefaults) -> Iterator[str]:
    for name, program in zip(setting.track_names, setting.programs, strict=False):
        yield f"{name} ({program_name(program)})" if name else program_name(program)


def _settings(config: Config, key: str) -> list[tuple[str, str]]:
    """Every value below a key with its dotted name; a class by its own name."""
    rows: list[tuple[str, str]] = []
    for name, value in config[key].items():
        if isinstance(value, Mapping):
            rows += _settings(config, f"{key}.{name}")
        elif name == TARGET:
            rows.insert(0, (key, str(value).rpartition(".")[2]))
        elif name != PARTIAL:
            rows.append((f"{key}.{name}", str(value)))
    return rows


def _curves(path: Path) -> list[dict[str, float | None]]:
    if not path.is_file():
        return []
    rows = csv.DictReader(io.StringIO(read_regular(path, LARGEST).decode("utf-8"), newline=""))
    if rows.fieldnames != ["epoch", "train", "validation"]:  # somebody else's
        return []
    history = [{k: float(v) if v else None for k, v in row.items()} for row in rows]
    if not all(v is None or math.isfinite(v) for row in history for v in row.values()):
        raise ValueError(f"{path} holds what is no number")
    return history
