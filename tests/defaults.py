"""Classes built from their files of conf/, where every default stands."""

import json
from collections.abc import Mapping
from copy import deepcopy
from functools import cache, partial
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from pydantic import ConfigDict, create_model

from ostinato.config.instantiate import configurable
from ostinato.config.sizes import without_sizes
from ostinato.config.targets import PARTIAL, TARGET, find_class
from ostinato.config.yaml_files import read_yaml

CONF = Path(__file__).parents[1] / "conf"
PLUGINS = ("chorales",)
GLOBAL = ("method", "experiment")  # groups whose files set values of other groups
SCHEMA = ConfigDict(arbitrary_types_allowed=True, protected_namespaces=())


def build(choices: str, **changed: Any) -> Any:
    """Build what an option of conf/ names, with arguments in place of the values of its file.

    choices: an option, or a dotted part of one: `sampling=ancestral`, `model=gru.backbone`. Where
    several files make up a node, as in `training=cpu method=likelihood`, the first says which is
    built. changed: arguments as the constructor takes them, those of the program included.
    """
    cls, arguments = _arguments(choices)
    return cls(**{**arguments, **changed})


def node_of(choices: str, **changed: Any) -> dict[str, Any]:
    """Return the node of a config that `build` builds from, with other values in it."""
    group, _, option = choices.split()[0].partition("=")
    path = option.split(".")[1:]
    node: Any = tree_of(choices)
    for part in path if group in GLOBAL else (group, *path):
        node = node[part]
    return {**deepcopy(node), **changed}


@cache
def tree_of(choices: str) -> dict[str, Any]:
    """Return what files of conf/ say together, as Hydra would compose them.

    It is kept: do not change it.
    """
    tree: Any = OmegaConf.create({})
    for choice in choices.split():
        group, _, option = choice.partition("=")
        tree = OmegaConf.merge(tree, *_trees(group, option.partition(".")[0]))
    plain: Any = OmegaConf.to_container(tree, resolve=True)
    return without_sizes(plain)


def _trees(group: str, option: str) -> list[dict[str, Any]]:
    """Return the tree of a file and those of the files that its `defaults` name, in their order."""
    values = read_yaml(CONF / group / f"{option}.yaml")
    trees: list[dict[str, Any]] = []
    entries = values.pop("defaults", [])
    for entry in entries if "_self_" in entries else [*entries, "_self_"]:
        if entry == "_self_":
            trees.append(values if group in GLOBAL else {group: values})
        elif isinstance(entry, str):
            trees += _trees(group, entry)
        else:
            ((name, chosen),) = entry.items()
            other = name.removeprefix("override ").partition("@")[0]
            if other.startswith("/"):  # another group: /method@_global_, override /corpus
                trees += _trees(other[1:], chosen)
            else:  # a group within this one: frame_head
                trees.append({group: {other: read_yaml(CONF / group / other / f"{chosen}.yaml")}})
    return trees


@cache
def _arguments(choices: str) -> tuple[type, dict[str, Any]]:
    return _class_and_arguments(node_of(choices))


def _class_and_arguments(node: Mapping[str, Any]) -> tuple[type, dict[str, Any]]:
    cls = find_class(node, "it", PLUGINS)
    given = {name: value for name, value in node.items() if name not in (TARGET, PARTIAL)}
    parts = {name: _part(value) for name, value in given.items() if isinstance(value, Mapping)}
    plain = {name: value for name, value in given.items() if name not in parts}
    hints = configurable(cls)
    fields: dict[str, Any] = {name: (hints[name][0], ...) for name in plain}
    # as the program does: a list of the file may be a tuple of the class
    read = create_model(cls.__name__, __config__=SCHEMA, **fields).model_validate_json(
        json.dumps(plain)
    )
    return cls, {**{name: getattr(read, name) for name in plain}, **parts}


def _part(node: Mapping[str, Any]) -> Any:
    cls, arguments = _class_and_arguments(node)
    return partial(cls, **arguments) if node.get(PARTIAL) else cls(**arguments)
