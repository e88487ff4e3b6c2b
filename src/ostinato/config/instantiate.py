"""The one door from a config to code: checks a node against a constructor, then calls it."""

import dataclasses
import difflib
import functools
import inspect
import json
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ConfigDict, ValidationError, create_model
from pydantic.fields import FieldInfo

from ostinato.config.renamed import describe_renamed
from ostinato.config.secrets import check_values
from ostinato.config.targets import PARTIAL, TARGET, check_plugins, find_class
from ostinato.config.yaml_files import read_yaml
from ostinato.errors import ConfigError
from ostinato.files import write_text

LONGEST_SHOWN = 120  # characters of a wrong value


class Config:
    """A composed config: a tree of plain values in which a `_target_` names the class to build.

    Only classes defined in `ostinato` or in one of the packages `plugins` are ever imported or
    called; `plugins` defaults to the tree's own list. `left_out` are dotted keys that files of
    conf/ set and that the chosen model does not read.
    """

    left_out: tuple[str, ...] = ()

    def __init__(self, tree: Mapping[str, Any], plugins: Iterable[str] | None = None) -> None:
        self.tree = dict(tree)
        self.plugins = (
            check_plugins(self.tree.get("plugins")) if plugins is None else tuple(plugins)
        )

    @classmethod
    def load(cls, path: Path, plugins: Iterable[str] | None = None) -> "Config":
        """Read a composed config file."""
        if not path.is_file():
            raise ConfigError(f"{path} is not there: run `ostinato compose` to write it.")
        tree = read_yaml(path)
        if not isinstance(tree, dict):
            raise ConfigError(f"{path} is not a composed config: run `ostinato compose`.")
        check_values(tree)
        return cls(tree, plugins)

    def text(self) -> str:
        """Return the tree as YAML, the same bytes for the same tree."""
        return yaml.safe_dump(self.tree, sort_keys=False, allow_unicode=True, width=100)

    def save(self, path: Path) -> None:
        """Write the tree as YAML."""
        write_text(path, self.text())

    def only(self, *keys: str) -> "Config":
        """Return the part of the tree under these keys."""
        return Config({key: self[key] for key in keys}, self.plugins)

    def __getitem__(self, key: str) -> Any:
        """Return a value by its dotted key; raises `ConfigError` where there is none."""
        try:
            return functools.reduce(lambda node, part: node[part], key.split("."), self.tree)
        except (KeyError, TypeError):
            raise ConfigError(f"{key} is missing from the config: it must be set.") from None

    def target(self, key: str) -> type:
        """Return the class that the node at `key` names."""
        return self._class(self[key], key)

    def targets(self, key: str) -> Iterator[tuple[str, type]]:
        """Yield every class named at or below `key`, each with its own dotted key."""
        node = self[key]
        if not isinstance(node, Mapping):
            return
        if TARGET in node:
            yield key, self._class(node, key)
        for name in node:
            yield from self.targets(f"{key}.{name}")

    def build(self, key: str, **runtime: Any) -> Any:
        """Build what the node at `key` names.

        Arguments that the program itself supplies (keyword-only in the constructor) are given as
        `runtime`; a nested node marked `_partial_: true` becomes a `functools.partial`.

        Raises `ConfigError` with one sentence for the first value that does not fit.
        """
        _refuse_partial(self[key], key)
        return self._build(self[key], key, runtime)

    def check(self, key: str) -> None:
        """Check every value at and below `key` without building networks.

        Settings (dataclasses) are built, so that what they check among their fields is checked.
        """
        _refuse_partial(self[key], key)
        self._check(key)

    def _check(self, key: str) -> None:
        node = self[key]
        cls = self._class(node, key)
        values = self._check_values(cls, node, key)
        for name in _nested_names(node):
            self._check(f"{key}.{name}")
        if dataclasses.is_dataclass(cls) and not node.get(PARTIAL) and not _runtime(cls):
            nested = {
                name: self._build(node[name], f"{key}.{name}", {}) for name in _nested_names(node)
            }
            _call(cls, {**values, **nested}, key)

    def _build(self, node: Mapping[str, Any], key: str, runtime: Mapping[str, Any]) -> Any:
        cls = self._class(node, key)
        values = self._check_values(cls, node, key)
        nested = {
            name: self._build(node[name], f"{key}.{name}", {}) for name in _nested_names(node)
        }
        if node.get(PARTIAL):
            return functools.partial(cls, **values, **nested)
        return _call(cls, {**values, **nested, **runtime}, key)

    def _class(self, node: Any, key: str) -> type:
        return find_class(node, key, self.plugins)

    def _check_values(self, cls: type, node: Mapping[str, Any], key: str) -> dict[str, Any]:
        parameters = configurable(cls)
        nested = _nested_names(node)
        given = {n: v for n, v in node.items() if n not in (TARGET, PARTIAL)}
        for name in given:
            if name not in parameters:
                raise ConfigError(
                    describe_renamed(f"{key}.{name}")
                    or f"{key}.{name} is unknown: {did_you_mean(name, parameters)}"
                    f"{key} takes {_join_names(parameters) or 'no values'}."
                )
        for name in nested:
            self._check_nested(parameters[name][0], node[name], f"{key}.{name}")
        fields: dict[str, Any] = {
            name: (hint, ... if default is inspect.Parameter.empty else default)
            for name, (hint, default) in parameters.items()
            if name not in nested
        }
        strict = ConfigDict(
            strict=True,
            arbitrary_types_allowed=True,
            protected_namespaces=(),
            allow_inf_nan=False,
        )
        schema = create_model(cls.__name__, __config__=strict, **fields)
        plain = {name: value for name, value in given.items() if name not in nested}
        try:
            checked = schema.model_validate_json(json.dumps(plain))
        except ValidationError as error:
            raise ConfigError(_sentence(error, key)) from error
        return {name: getattr(checked, name) for name in plain}

    def _check_nested(self, hint: Any, node: Mapping[str, Any], key: str) -> None:
        hints = list(_flat(hint))
        wanted = [h for h in hints if isinstance(h, type) and typing.get_origin(h) is None]
        wanted = [h for h in wanted if h is not type(None)]
        cls = self._class(node, key)
        if not wanted and hint is not Any:
            raise ConfigError(f"{key} takes no class: give a plain value.")
        if wanted and not any(issubclass(cls, h) for h in wanted):
            names = _join_names(h.__name__ for h in wanted)
            raise ConfigError(f"{key}.{TARGET}={node[TARGET]} does not fit: it must be a {names}.")
        # a part that the program completes is left partial, any other is built at once
        completed = any(typing.get_origin(h) is Callable for h in hints)
        if completed and node.get(PARTIAL) is not True:
            raise ConfigError(f"{key} needs `{PARTIAL}: true`: the program completes this part.")
        if wanted and not completed:
            _refuse_partial(node, key)


def configurable(cls: type) -> dict[str, tuple[Any, Any]]:
    """Return what a config may set: name -> (type hint, default); no keyword-only parameters."""
    init: Callable[..., Any] = cls.__init__  # type: ignore[misc]
    hints = typing.get_type_hints(init, include_extras=True)
    return {
        name: (hints.get(name, Any), parameter.default)
        for name, parameter in inspect.signature(cls).parameters.items()
        if parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    }


def description(hint: Any) -> str:
    """Return the description written into a type hint by `Field(description=...)`, or nothing."""
    for extra in getattr(hint, "__metadata__", ()):
        if isinstance(extra, FieldInfo) and extra.description:
            return extra.description
    return ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a question with the nearest known word and a space after it, or nothing."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"did you mean {close[0]}? " if close else ""


def _refuse_partial(node: Any, key: str) -> None:
    if isinstance(node, Mapping) and node.get(PARTIAL, False) is not False:
        raise ConfigError(f"{key}.{PARTIAL} does not fit: nothing is left to complete here.")


def _nested_names(node: Mapping[str, Any]) -> list[str]:
    return [n for n, v in node.items() if isinstance(v, Mapping) and TARGET in v]


def _flat(hint: Any) -> Iterator[Any]:
    """Yield a type hint and those that it is made of."""
    yield hint
    for part in typing.get_args(hint):
        yield from _flat(part)


def _runtime(cls: type) -> bool:
    parameters = inspect.signature(cls).parameters.values()
    return any(p.kind is p.KEYWORD_ONLY and p.default is p.empty for p in parameters)


def _call(cls: type, arguments: Mapping[str, Any], key: str) -> Any:
    try:
        return cls(**arguments)
    except ValueError as error:
        raise ConfigError(f"{key}: {error}") from error


def _sentence(error: ValidationError, key: str) -> str:
    first = error.errors()[0]
    where = ".".join([key, *(str(part) for part in first["loc"] if part != "constrained-str")])
    if first["type"] == "missing" and len(first["loc"]) == 1:
        return f"{where} is missing: it must be set."
    if first["type"] == "missing":
        return f"{where} is missing: {key}.{first['loc'][0]} should have more values."
    if first["type"] == "callable_type":
        value = shown(first["input"])
        return f"{where}={value} does not fit: it should name a class as its `{TARGET}`."
    reason = first["msg"].replace("Input should be", "it should be").rstrip(".")
    more = error.error_count() - 1
    return f"{where}={shown(first['input'])} does not fit: {reason}" + (
        f" (and {more} more)." if more and len({e["loc"][0] for e in error.errors()}) > 1 else "."
    )


def shown(value: Any) -> str:
    """Return a value as JSON, cut where it is long."""
    text = json.dumps(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _join_names(names: Iterable[str]) -> str:
    return ", ".join(names)
