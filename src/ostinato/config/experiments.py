"""The experiment that a config is: none where it was changed."""

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ostinato.config.location import key_of
from ostinato.errors import ConfigError

Tree = Mapping[str, Any]
Compose = Callable[[list[str], Path], Tree]

# what a run of an experiment may set without being another: none of it makes its figures
FREE = (
    "experiment",
    "seed",
    "preprocess",
    "tracking",
    "model_dir",
    "samples_dir",
    "hydra",
    "sweep",
)
UNCOMPARED = (*FREE, "choices", "plugins")


def name_experiment(tree: Tree, overrides: Sequence[str], conf: Path, compose: Compose) -> Tree:
    """Return the tree with `choices.experiment` null, unless it is what the experiment's file says.

    Values that make no figure may differ: the seed, where runs are recorded, folders, workers.
    `compose` makes a tree of overrides.
    """
    name = tree["choices"]["experiment"]
    if name is None or all(key_of(word).partition(".")[0] in FREE for word in overrides):
        return tree
    files = list(conf.rglob("*.yaml"))
    stamp = (len(files), max(file.stat().st_mtime_ns for file in files))
    own = _compared_experiment(name, conf, compose, stamp)
    return (
        tree
        if own == _values_to_compare(tree)
        else {**tree, "choices": _choices_without_experiment(tree)}
    )


@functools.lru_cache(maxsize=64)
def _compared_experiment(name: str, conf: Path, compose: Compose, stamp: Any) -> Tree | None:
    del stamp  # files that have changed since are composed again
    try:
        return _values_to_compare(compose([f"experiment={name}"], conf))
    except ConfigError:  # it leaves values to the user
        return None


def _values_to_compare(tree: Tree) -> Tree:
    compared = {key: value for key, value in tree.items() if key not in UNCOMPARED}
    corpus = compared.get("corpus")
    if isinstance(corpus, Mapping):
        compared["corpus"] = {key: value for key, value in corpus.items() if key != "mirror"}
    return compared


def _choices_without_experiment(tree: Tree) -> Tree:
    return {**tree["choices"], "experiment": None}
