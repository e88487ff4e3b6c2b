"""Sizes of a model: the table `sizes` of its file, and `model.size`, which chooses from it.

The values of the file refer to the chosen row, `${model.sizes.${model.size}.hidden_size}`, so that
an experiment or an override may still set each of them. Neither key is part of a composed config.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ostinato.config.instantiate import did_you_mean
from ostinato.config.yaml_files import read_yaml
from ostinato.errors import ConfigError

CHOICE = "model.size"


def model_sizes(conf: Path) -> dict[str, list[str]]:
    """Return the sizes of each model whose file in conf/ has a table of them."""
    files = sorted((conf / "model").glob("*.yaml"))
    tables = {file.stem: _table(read_yaml(file)) for file in files}
    return {model: list(table) for model, table in tables.items() if table}


def size_options(conf: Path) -> list[str]:
    """Return every size that some model comes in."""
    return sorted({size for sizes in model_sizes(conf).values() for size in sizes})


def check_size(tree: Mapping[str, Any], model: object) -> None:
    """Raise `ConfigError` where `model.size` is no row of the table of sizes.

    tree: a config whose references are not resolved; model: its option of the group.
    """
    table = _table(tree.get("model"))
    chosen = tree["model"].get("size") if table else None
    if table and chosen not in table:
        raise ConfigError(
            f"{CHOICE}={chosen} is unknown: {did_you_mean(str(chosen), table)}"
            f"the sizes of model={model} are {', '.join(table)}."
        )


def without_sizes(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return a resolved config without the table of sizes and the choice from it."""
    if not _table(tree.get("model")):
        return dict(tree)
    model = {key: value for key, value in tree["model"].items() if key not in ("size", "sizes")}
    return {**tree, "model": model}


def refuse_size(conf: Path) -> ConfigError:
    """Return the error for a size of a model that has no table of sizes."""
    models = ", ".join(model_sizes(conf)) or "none"
    return ConfigError(
        f"{CHOICE} does not fit: this model comes in one size; those with several are {models}."
    )


def _table(model: Any) -> Mapping[str, Any]:
    table = model.get("sizes") if isinstance(model, Mapping) else None
    return table if isinstance(table, Mapping) else {}
