"""The project one stands in, and what the paths of a command line mean there."""

import functools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ostinato.config.instantiate import Config
from ostinato.config.registered import is_registered
from ostinato.errors import ConfigError

ROOT = "config"
FOLDERS = {
    "model_dir": "the folder of a model, or models:/NAME@ALIAS; null: the one trained last",
    "samples_dir": "the folder of its samples; null: outputs/samples",
}
PATHS = (
    *FOLDERS,
    "corpus.mirror",
    "corpus.source.folder",
    "corpus.source.path",
    "split.file",
    "training.initial",
    "sampling.prompt",
    "sampling.piece",
    "sampling.start",
    "sampling.to",
    "sampling.soundfont",
)
NO_PATHS = ("test",)  # pieces of the test split, where a file may be named
HYDRA_PATHS = ("hydra.run.dir", "hydra.sweep.dir")


def project_folder(start: Path | None = None) -> Path | None:
    """Return the nearest folder, at `start` or above it, that has a conf/; None outside of any."""
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "conf" / f"{ROOT}.yaml").exists():
            return folder
    return None


def conf_folder(start: Path | None = None) -> Path:
    """Return the conf/ of the project one stands in, or else that which came with the program."""
    if (project := project_folder(start)) is not None:
        return project / "conf"
    packaged = Path(__file__).parents[3] / "conf"
    if not packaged.exists():
        here = (start or Path.cwd()).resolve()
        raise ConfigError(f"no conf/{ROOT}.yaml in {here} or above it: run this in the project.")
    return packaged


def key_of(override: str) -> str:
    """Return the key or the group that a Hydra override sets."""
    return override.partition("=")[0].lstrip("+~")


def to_project_paths(config: Config, overrides: Sequence[str], here: Path, root: Path) -> Config:
    """Return the config with the paths that `overrides` set, from `here`, as seen from `root`.

    What is typed is seen from where one stands; what a file of the project says, from its root.
    """
    typed = {key_of(override) for override in overrides} & set(PATHS)
    if here == root or not typed:
        return config
    tree = config.tree
    for key in typed:
        tree = _replace(
            tree, key.split("."), functools.partial(_seen_from_root, here=here, root=root)
        )
    changed = Config(tree, config.plugins)
    changed.left_out = config.left_out
    return changed


def to_project_overrides(overrides: Sequence[str], here: Path, root: Path) -> list[str]:
    """Return the overrides with those of Hydra's own folders as seen from `root`."""
    return [_hydra_folder(override, here, root) for override in overrides]


def _hydra_folder(override: str, here: Path, root: Path) -> str:
    key, _, value = override.partition("=")
    folder = value.strip("'\"")
    if here == root or key not in HYDRA_PATHS or folder.startswith("$"):
        return override
    quoted = _seen_from_root(folder, here, root).replace("'", "\\'")
    return f"{key}='{quoted}'"


def _replace(node: Mapping[str, Any], keys: Sequence[str], change: Any) -> dict[str, Any]:
    """Return a tree with one value, where it is there, changed."""
    first, *rest = keys
    if first not in node or (rest and not isinstance(node[first], Mapping)):
        return dict(node)
    value = _replace(node[first], rest, change) if rest else change(node[first])
    return {**node, first: value}


def _seen_from_root(value: Any, here: Path, root: Path) -> Any:
    if not isinstance(value, str) or value in NO_PATHS or value[:1] in ("~", "/"):
        return value
    if "://" in value or is_registered(value):
        return value
    path = Path(os.path.normpath(here / value))
    return str(path.relative_to(root) if path.is_relative_to(root) else path)
