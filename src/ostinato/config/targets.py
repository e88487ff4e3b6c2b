"""The classes that a config may name: of ostinato or of a plug-in, and of the kind that is due."""

import importlib
import importlib.metadata
import inspect
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from ostinato.errors import ConfigError

TARGET, PARTIAL = "_target_", "_partial_"
OWN = "ostinato"
KINDS = {
    "corpus": ("ostinato.corpora.corpus.Corpus",),
    "preprocess": ("ostinato.parallel.Workers",),
    "split": ("ostinato.corpora.splitting.Splitting",),
    "representation": ("ostinato.representations.base.Representation",),
    "model": ("ostinato.models.network.Network",),
    "method": ("ostinato.methods.base.Method",),
    "training": ("ostinato.training.settings.Training",),
    "sampling": ("ostinato.sampling.settings.Sampling",),
    "evaluation": ("ostinato.evaluation.settings.Evaluation",),
    "tracking": ("ostinato.tracking.Tracking",),
}  # by name, as these rooms import this one
# a package of a plug-in may bring networks of its own, which its method trains
OF_PLUGINS = {"model": ("torch.nn.modules.module.Module",)}


def find_class(node: Any, key: str, plugins: Sequence[str]) -> type:
    """Return the class that the node at `key` names.

    Raises `ConfigError` unless it is defined in ostinato or one of `plugins`, and can be built;
    at the top of a config also unless it is of the kind that belongs there.
    """
    if not isinstance(node, Mapping) or not isinstance(node.get(TARGET), str):
        raise ConfigError(f"{key} names no class: it needs a `{TARGET}`.")
    target: str = node[TARGET]
    allowed = (OWN, *plugins)
    found = _import_class(target, key, allowed)
    # a module hands out whatever it imported itself, `ostinato.files.shutil` for one
    if not isinstance(found, type) or not _within(getattr(found, "__module__", ""), allowed):
        raise ConfigError(f"{key}.{TARGET}={target} is not a class of {', '.join(allowed)}.")
    if inspect.isabstract(found):
        raise ConfigError(f"{key}.{TARGET}={target} is abstract: name a class that extends it.")
    kinds = KINDS.get(key)
    if not _within(found.__module__, (OWN,)):
        kinds = OF_PLUGINS.get(key, kinds)
    if kinds and not {f"{c.__module__}.{c.__qualname__}" for c in found.__mro__} & {*kinds}:
        names = " or ".join(kind.rpartition(".")[2] for kind in kinds)
        raise ConfigError(f"{key}.{TARGET}={target} does not fit: it must be a {names}.")
    return found


def _import_class(target: str, key: str, allowed: Sequence[str]) -> Any:
    module_name, _, name = target.rpartition(".")
    if not _within(module_name, allowed):
        raise ConfigError(
            f"{key}.{TARGET}={target} is not allowed: only classes of {', '.join(allowed)} are "
            "built; name other packages under `plugins`."
        )
    try:
        return getattr(importlib.import_module(module_name), name)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{key}.{TARGET}={target} cannot be imported: there is no module {error.name}."
        ) from error
    except AttributeError as error:
        raise ConfigError(f"{key}.{TARGET}={target} does not exist in {module_name}.") from error


def _within(module: str, packages: Iterable[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def check_plugins(plugins: Any) -> tuple[str, ...]:
    """Return the packages that `plugins` lists.

    Raises `ConfigError` for anything but a list of packages of the user's own: the classes of the
    standard library, and of the libraries that ostinato uses, are no models.
    """
    plugins = [] if plugins is None else plugins
    if not isinstance(plugins, list) or not all(isinstance(p, str) and p for p in plugins):
        raise ConfigError(
            f"plugins={json.dumps(plugins)} does not fit: it should be a list of packages such as "
            "[our_models]."
        )
    for plugin in plugins:
        top = plugin.partition(".")[0]
        if top in sys.stdlib_module_names or top in _libraries():
            raise ConfigError(
                f"plugins={json.dumps(plugins)} does not fit: {top} is no package of yours but a "
                "library; name a package that extends ostinato's classes."
            )
    return tuple(plugins)


def import_plugins(plugins: Sequence[str]) -> None:
    """Import packages that `plugins` lists, which may register metrics of their own.

    Raises `ConfigError` for one that is not there.
    """
    for plugin in plugins:
        try:
            importlib.import_module(plugin)
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"plugins={json.dumps([*plugins])} cannot be imported: there is no module "
                f"{error.name}. Put its folder into PYTHONPATH, or install it."
            ) from error


@lru_cache
def _libraries() -> frozenset[str]:
    """Return the packages of everything that ostinato requires, directly or not."""
    required, more = set[str](), [OWN]
    while more:
        try:
            lines = importlib.metadata.requires(more.pop()) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        names = {_name(line) for line in lines} - required - {OWN}  # its extras name itself
        required |= names
        more += names
    packages = importlib.metadata.packages_distributions()
    owned = {package for package, by in packages.items() if {_name(d) for d in by} & required}
    return frozenset(owned)


def _name(requirement: str) -> str:
    """Return the distribution that a requirement names, in its normal form."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    return re.sub(r"[-_.]+", "-", match[0] if match else "").lower()
