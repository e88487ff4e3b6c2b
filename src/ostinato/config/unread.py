"""Settings that the method which trains a model does not read: left out, or refused."""

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from ostinato.config.instantiate import Config, configurable
from ostinato.config.location import key_of
from ostinato.config.targets import TARGET
from ostinato.config.yaml_files import read_yaml
from ostinato.errors import ConfigError

MISSING = (
    "method is missing from the config: the file of the model must say how it is trained, for "
    "example `defaults: [{/method@_global_: likelihood}, _self_]`."
)


class Reader(Protocol):
    """Statements of a method about settings.

    `instead` maps the dotted key of a setting of other methods to the key that is right here.
    """

    instead: Mapping[str, str]

    def unread(self, config: Config) -> Collection[str]:
        """Return the dotted keys of the config that have no effect."""


def settings_of_methods(conf: Path) -> set[str]:
    """Return the names of the settings of training that the methods of a conf/ have."""
    trees = [read_yaml(file) for file in sorted((conf / "method").glob("*.yaml"))]
    nodes = [tree.get("training") for tree in trees if isinstance(tree, Mapping)]
    return {name for node in nodes if isinstance(node, Mapping) for name in node}


def leave_out_unread(config: Config, typed: Collection[str], of_methods: Collection[str]) -> Config:
    """Return the config without the settings of training that are those `of_methods` not its own.

    A file of conf/, such as an experiment, may set them for another model: `left_out` of the config
    names them. Raises `ConfigError` for one of the keys `typed`, which the user has set.
    """
    if "model" not in config.tree:  # which is said of it, as of any group
        return config
    if not isinstance(config.tree.get("method"), Mapping):
        raise ConfigError(MISSING)
    training = config.tree.get("training")
    if not isinstance(training, Mapping) or TARGET not in training:
        return config
    known = configurable(config.target("training"))
    unread = [name for name in training if name in of_methods and name not in (*known, TARGET)]
    for name in unread:
        if (key := f"training.{name}") in typed:
            raise ConfigError(describe_unread(config, key))
    kept = {name: value for name, value in training.items() if name not in unread}
    result = Config({**config.tree, "training": kept}, config.plugins)
    result.left_out = tuple(f"training.{name}" for name in unread)
    return result


def refuse_unread(config: Config, overrides: Iterable[str]) -> None:
    """Raise `ConfigError` for one of the user's overrides that has no effect."""
    method: Reader = config.build("method")
    unread = method.unread(config)
    for key in map(key_of, overrides):
        if key in unread:
            raise ConfigError(describe_unread(config, key))


def describe_foreign(key: str, compose: Callable[[], Mapping[str, Any]]) -> str:
    """Return a sentence about a key that only other models have; nothing for any other key.

    `compose` makes the tree of the config without it.
    """
    try:
        config = Config(compose())
        method: Any = config.target("method")
    except ConfigError:
        return ""
    return describe_unread(config, key) if key in method.instead else ""


def describe_unread(config: Config, key: str) -> str:
    """Return a sentence that says that a setting is not read, and which would be right."""
    method: Any = config.target("method")
    right, choices = method.instead.get(key), config["choices"]
    # which parts of a model serve depends on the representation
    where = f" on representation={choices['representation']}" if key.startswith("model.") else ""
    return f"{key} is not read by model={choices['model']}{where}: " + (
        f"set {right} instead." if right else "leave it out."
    )
