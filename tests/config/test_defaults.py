"""A default stands in one place: in conf/, for all that a file of it sets."""

import inspect
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from defaults import CONF, PLUGINS, tree_of
from ostinato.config.composition import group_options, groups_within
from ostinato.config.targets import TARGET, find_class
from ostinato.config.yaml_files import read_yaml

GROUPS = (
    *("corpus", "preprocess", "split", "representation", "model"),
    *("sampling", "evaluation", "tracking", "training"),
)
GOLDEN = Path(__file__).parents[1] / "golden"  # the experiments as they compose


@dataclass(frozen=True)
class Node:
    """A node of a config that names a class, and the file that it is from."""

    values: Mapping[str, Any]
    file: str


def nodes_below(tree: Any, file: str) -> Iterator[Node]:
    if isinstance(tree, Mapping):
        if isinstance(tree.get(TARGET), str):
            yield Node(tree, file)
        for child in tree.values():
            yield from nodes_below(child, file)


def nodes() -> Iterator[Node]:
    """Yield what options of conf/ and experiments build, with their parts."""
    for group in GROUPS:
        for within in (group, *groups_within(CONF, group)):
            for option in group_options(CONF, within):
                yield from nodes_below(
                    tree_of(f"{within}={option}"), f"conf/{within}/{option}.yaml"
                )
    for method in group_options(CONF, "method"):
        yield from nodes_below(
            tree_of(f"training=cpu method={method}"), f"conf/method/{method}.yaml"
        )
    for file in sorted(GOLDEN.rglob("*.yaml")):
        yield from nodes_below(read_yaml(file), f"tests/golden/{file.relative_to(GOLDEN)}")


def twice() -> Iterator[str]:
    """Yield a line for each default of a class that a file sets too.

    A part that a class can do without, as `frame_head: None`, is no value of a file's.
    """
    by_class: dict[str, list[Node]] = defaultdict(list)
    for node in nodes():
        if node.file.startswith("conf/model") and ".settings." in node.values[TARGET]:
            continue  # the part of a training that a method says; conf/method has the whole
        by_class[node.values[TARGET]].append(node)
    for target, built in sorted(by_class.items()):
        cls = find_class({TARGET: target}, "it", PLUGINS)
        for name, parameter in inspect.signature(cls).parameters.items():
            given = [node.values[name] for node in built if name in node.values]
            optional = parameter.default is None and all(isinstance(v, Mapping) for v in given)
            if given and parameter.default is not inspect.Parameter.empty and not optional:
                yield f"{cls.__name__}.{name}: in {inspect.getfile(cls)} and {built[0].file}"


def test_no_default_stands_both_in_a_class_and_in_its_file() -> None:
    found = list(twice())
    assert not found, "\n".join(found)
