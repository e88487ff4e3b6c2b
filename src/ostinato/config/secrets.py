"""Passwords, which a config must not hold: it is written into git, to MLflow and to the console."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ostinato.errors import ConfigError

WEB = r"(?:https?|ftps?)"
PASSWORDS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b{WEB}://[^/?#\s]*@",  # a name alone may be a token
        r"://[^/?#\s@:]*:[^/?#\s]*@",
        r"://[^/?#\s@:]*:(?!\d+[/?#])[^\s@]*@",  # a password with a slash in it
        r"[?&;][\w.-]*(?:passw|pwd|token|secret|api_?key|signature|credential)[\w.-]*=[^&\s]",
    )
)
BARE = re.compile(r"^[^\s/@:]+:[^\s/@]+@")  # name:password@host
ADDRESSES = ("uri", "mirror", "address", "storage")


def holds_password(value: str, key: str = "") -> bool:
    """Return whether a text holds an address with a password, a token or a user name of the web."""
    bare = key.rpartition(".")[2] in ADDRESSES and BARE.search(value) is not None
    return bare or any(pattern.search(value) for pattern in PASSWORDS)


def check_overrides(overrides: Iterable[str]) -> None:
    """Raise `ConfigError` for an override that sets a password; the message does not show it."""
    for override in overrides:
        key, _, value = override.partition("=")
        if holds_password(value.strip("'\""), key):
            raise ConfigError(refusal(key.lstrip("+~"), value))


def check_values(tree: Mapping[str, Any]) -> None:
    """Raise `ConfigError` for a config with a password in it; the message does not show it."""
    for key, value in _texts(tree):
        if holds_password(value, key):
            raise ConfigError(refusal(key, value))


def refusal(key: str, value: str) -> str:
    """Return what is wrong with a password under this key, and where it belongs instead."""
    return (
        f"{key} holds a name or a password, which would be written into outputs/config.yaml and "
        f"recorded with every run: leave it out of the address, {_right_place(key, value)}."
    )


def _right_place(key: str, value: str) -> str:
    web = re.search(rf"\b{WEB}://", value) is not None
    if key.startswith("tracking") and (web or "://" not in value):
        return "and set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
    if web:
        return "and put it into ~/.netrc, where downloads look for it"
    database = "the place of the database's own client, for PostgreSQL PGPASSWORD or ~/.pgpass"
    if key.startswith("tracking"):
        return (
            "and name an MLflow server, which reads MLFLOW_TRACKING_USERNAME and "
            f"MLFLOW_TRACKING_PASSWORD, or put it into {database}"
        )
    return f"and put it into {database}"


def _texts(node: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text of a tree with its dotted key."""
    if isinstance(node, str):
        yield key, node
    elif isinstance(node, Mapping):
        for name, child in node.items():
            yield from _texts(child, f"{key}.{name}".lstrip("."))
    elif isinstance(node, list | tuple):
        for child in node:
            yield from _texts(child, key)
