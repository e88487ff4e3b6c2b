"""YAML files, which a stranger may have written: bounded before anything is made of them."""

from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from ostinato.errors import ConfigError, UserError
from ostinato.untrusted import KIB, read_regular

LARGEST = 256 * KIB  # the largest composed config has 6
MOST = 50_000  # values and kilobytes of text, with every alias written out; shipped ones have 200
DEEPEST = 40  # lists and mappings within each other
LARGEST_NUMBER = 2**63
SHORT = 1024  # characters that count as one value

_CLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _NotYamlError(ConfigError):
    """Text that is not YAML."""


class _Loader(yaml.SafeLoader):
    """Reads plain values alone: a date is text, as it is for Hydra."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:timestamp"]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_yaml(path: Path) -> Any:
    """Return what a YAML file says, in plain values.

    Raises `ConfigError` where it is not YAML, too large, or holds anything else.
    """
    try:
        data = read_regular(path, LARGEST)
    except UserError as error:
        raise ConfigError(str(error)) from error
    return parse_yaml(data, path)


def parse_yaml(data: bytes, path: Path) -> Any:
    """Return what YAML text says; raises `ConfigError`, which names `path`."""
    _check(data, path)
    try:
        # not as bytes: the error would show the line, which may hold a password
        tree = yaml.load(_text(data, path), _Loader)
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        raise _NotYamlError(f"{path} is not YAML: {_reason(error)}.") from error
    _refuse_other_values(tree, path)
    return tree


def check_yaml_files(folder: Path) -> None:
    """Raise `ConfigError` for a YAML file below a folder that would fill memory, or hang.

    What is not YAML is left to whoever reads it.
    """
    for path in sorted(folder.rglob("*.yaml")):
        status = path.lstat()
        _check_file(path, status.st_mtime_ns, status.st_size, status.st_ino)


@lru_cache(maxsize=4096)
def _check_file(path: Path, *_status: int) -> None:
    try:
        data = read_regular(path, LARGEST)
    except UserError as error:
        raise ConfigError(str(error)) from error
    with suppress(_NotYamlError):
        _check(data, path)


def _check(data: bytes, path: Path) -> None:
    """Refuse YAML of more values than a config has, without making any of them.

    An alias counts as all that it stands for.
    """
    anchors: dict[str | None, int] = {}
    open_nodes: list[tuple[str | None, int]] = []  # anchor, and the total when it began
    total = 0
    try:
        for event in yaml.parse(_text(data, path), _CLoader):
            if isinstance(event, yaml.AliasEvent):
                if event.anchor not in anchors:
                    raise ConfigError(f"{path}: the alias *{event.anchor} stands within itself.")
                total += anchors[event.anchor]
            elif isinstance(event, yaml.ScalarEvent):
                anchors[event.anchor] = 1 + len(event.value) // SHORT
                total += anchors[event.anchor]
            elif isinstance(event, yaml.CollectionStartEvent):
                open_nodes.append((event.anchor, total))
                total += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                anchor, before = open_nodes.pop()
                anchors[anchor] = total - before
            if total > MOST:
                raise ConfigError(
                    f"{path} holds more than {MOST:,} values, aliases written out: that is no "
                    "config."
                )
            if len(open_nodes) > DEEPEST:
                raise ConfigError(f"{path} nests values more than {DEEPEST} deep: use fewer.")
    except yaml.YAMLError as error:
        raise _NotYamlError(f"{path} is not YAML: {_reason(error)}.") from error


def _text(data: bytes, path: Path) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _NotYamlError(
            f"{path} is not YAML: it is not UTF-8 at byte {error.start}."
        ) from error


def _reason(error: Exception) -> str:
    """Return what is wrong and in which line, without showing the line."""
    problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
    mark = getattr(error, "problem_mark", None)
    where = f" in line {mark.line + 1}" if mark is not None else ""
    return f"{' '.join(str(problem).split())[:200]}{where}"


def _refuse_other_values(node: Any, path: Path, key: str = "it") -> None:
    """Refuse what neither JSON nor a config has: dates, sets, bytes, endless numbers."""
    if isinstance(node, Mapping):
        for name, child in node.items():
            if not isinstance(name, str):
                raise ConfigError(f"{path}: the key {name!r} of {key} is no text: quote it.")
            _refuse_other_values(child, path, f"{key}.{name}".removeprefix("it."))
    elif isinstance(node, list):
        for child in node:
            _refuse_other_values(child, path, key)
    elif not isinstance(node, str | int | float | None):
        kind = type(node).__name__
        raise ConfigError(f"{path}: {key} is a {kind}: a config holds text, numbers and lists.")
    elif isinstance(node, int) and abs(node) >= LARGEST_NUMBER:
        raise ConfigError(f"{path}: {key} is a number of more than 64 bits: give a smaller one.")
