"""Interpolations, `${key}` in a config: bounded in what they grow to, and blind to the machine."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ostinato.errors import ConfigError

MOST = 1_000_000  # values and characters, with every reference written out; shipped ones have 8,000
DEEPEST = 150  # keys, and references to references
INNERMOST = re.compile(r"\$\{([^${}]*)\}")
READS_MACHINE = ("oc.env",)


@contextmanager
def without_machine() -> Iterator[None]:
    """Refuse `${oc.env:…}` in the body, which would write down what the environment holds.

    Raises `ConfigError`, which names the variable but not its value.
    """
    from omegaconf import OmegaConf
    from omegaconf.resolvers import oc

    asked: list[str] = []

    def refuse(name: str, *_: Any) -> None:
        asked.append(str(name))
        raise ValueError(name)

    for resolver in READS_MACHINE:
        OmegaConf.register_new_resolver(resolver, refuse, replace=True)
    try:
        yield
    except Exception as error:
        if asked:
            raise ConfigError(
                f"${{oc.env:{asked[0]}}} would be written into the composed config with what it "
                "holds: give the value itself, or let the shell do so, "
                f'key="${asked[0]}" on the command line.'
            ) from error
        raise
    finally:
        OmegaConf.register_new_resolver("oc.env", oc.env, replace=True)


def check_growth(tree: Mapping[str, Any]) -> None:
    """Raise `ConfigError` where the interpolations of an unresolved config grow without bound."""
    _Growth(tree).check()


class _Growth:
    """The sizes of values once what they refer to is written out."""

    def __init__(self, tree: Mapping[str, Any]) -> None:
        self.tree = tree
        self.sizes: dict[tuple[str, ...], int] = {}
        self.open: set[tuple[str, ...]] = set()

    def check(self) -> None:
        self._size(self.tree, ())

    def _size(self, node: Any, path: tuple[str, ...]) -> int:
        """Return the size of a node with every reference in it written out."""
        if path in self.sizes:
            return self.sizes[path]
        key = ".".join(path)
        if path in self.open:
            raise ConfigError(f"{key} refers to itself: give it a value of its own.")
        if len(self.open) > DEEPEST:
            raise ConfigError(f"{key} is nested too deep, or refers too far: use fewer steps.")
        self.open.add(path)
        if isinstance(node, Mapping):
            size = 1 + sum(self._size(child, (*path, str(name))) for name, child in node.items())
        elif isinstance(node, list):
            size = 1 + sum(self._size(child, (*path, str(i))) for i, child in enumerate(node))
        elif isinstance(node, str) and "${" in node:
            size = len(node) + self._size_of_references(node, path)
        else:
            size = max(1, len(node)) if isinstance(node, str) else 1
        self.open.discard(path)
        if size > MOST:
            raise ConfigError(
                f"{key or 'the config'} grows to more than {MOST:,} values or characters by what "
                "it refers to: that is no config."
            )
        self.sizes[path] = size
        return size

    def _size_of_references(self, text: str, path: tuple[str, ...]) -> int:
        """Return the size of all that the references in a text stand for, innermost first."""
        size = 0
        while match := INNERMOST.search(text):
            before, after = text[: match.start()], text[match.end() :]
            target = self._target(match[1].strip(), path)
            value = ""
            if target is not None:
                node, where = target
                size += self._size(node, where)
                value = self._as_key(node, before, path)
            text = before + value + after
        return size

    def _as_key(self, node: Any, before: str, path: tuple[str, ...]) -> str:
        """Return what a reference puts into the key of the one around it; empty where none is."""
        outer = before.rpartition("${")
        if not outer[1] or ":" in outer[2]:  # alone, or the argument of a resolver
            return ""
        if isinstance(node, Mapping | list) or "${" in str(node):
            raise ConfigError(
                f"{'.'.join(path)} refers to a key by another reference: let that be plain text."
            )
        return str(node)

    def _target(self, reference: str, path: tuple[str, ...]) -> tuple[Any, tuple[str, ...]] | None:
        """Return the node that a reference leads to with its path; None where there is none."""
        resolver, colon, key = reference.partition(":")
        if colon and not resolver.strip().startswith(("oc.select", "oc.dict")):
            return None
        if colon:
            reference = key.partition(",")[0].strip()
        names = reference.lstrip(".")
        up = len(reference) - len(names)
        base = path[: max(0, len(path) - up)] if up else ()
        node: Any = self.tree
        where: tuple[str, ...] = ()
        for name in (*base, *names.replace("[", ".").replace("]", "").split(".")):
            if isinstance(node, Mapping) and name in node:
                node = node[name]
            elif isinstance(node, list) and name.isdecimal() and int(name) < len(node):
                node = node[int(name)]
            elif isinstance(node, str) and "${" in node:  # through another reference: all of it
                return node, where
            else:
                return None
            where = (*where, name)
        return node, where
