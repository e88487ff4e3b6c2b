"""Addresses of models in MLflow's registry, as the config and the command line take them."""

import re
from dataclasses import dataclass

from ostinato.errors import ConfigError

SCHEME = "models:/"
PATTERN = re.compile(r"models:/(?P<name>[^/@:]+)(?:@(?P<alias>[\w.-]+)|/(?P<version>[1-9][0-9]*))")
FORMS = "models:/NAME@ALIAS or models:/NAME/VERSION"


@dataclass(frozen=True)
class ModelAddress:
    """Address of a registered model: its name, and an alias or the number of a version."""

    name: str
    alias: str | None
    version: str | None


def is_registered(value: str) -> bool:
    """Return whether a value is the address of a registered model, and not a path."""
    return value.startswith(SCHEME)


def parse_address(value: str) -> ModelAddress:
    """Return the parts of an address; raises `ValueError` with a sentence for any other."""
    match = PATTERN.fullmatch(value)
    if match is None:
        raise ValueError(f"{value} does not fit: it should be {FORMS}.")
    return ModelAddress(match["name"].strip(), match["alias"], match["version"])


def check_address(key: str, value: str | None) -> None:
    """Raise `ConfigError` for a value of `key` that begins as an address and is none."""
    if value is None or not is_registered(value):
        return
    try:
        parse_address(value)
    except ValueError as error:
        raise ConfigError(f"{key}={error}") from error
