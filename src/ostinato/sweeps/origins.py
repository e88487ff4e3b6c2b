"""Origins of the figures of a job, and which of them have changed."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ostinato.config import Config
from ostinato.config.hydra_settings import flatten
from ostinato.config.instantiate import shown
from ostinato.config.yaml_files import parse_yaml
from ostinato.errors import ConfigError
from ostinato.files import fingerprint
from ostinato.sources import PACKAGE, stage_files
from ostinato.sweeps.jobs import Origin
from ostinato.wording import quantity

STAGES = ("preprocess", "split", "train", "generate", "evaluate")
FREE = ("preprocess", "choices.preprocess")  # how many processes read a corpus makes no figure
MOST_NAMED = 4  # changes in a sentence

DataOf = Callable[[Config], str]  # the fingerprint of the corpus of a config


def origin_of(config: Config, data_of: DataOf) -> Origin:
    """Return the fingerprints of all that makes the figures of a job."""
    return Origin(fingerprint(_values(config)), fingerprint(*code_of(config)), data_of(config))


def code_of(config: Config) -> tuple[Path, ...]:
    """Return the source files that a job of this config runs."""
    classes = (
        f"{found.__module__}.{found.__qualname__}"
        for key, node in config.tree.items()
        if isinstance(node, Mapping)
        for _, found in config.targets(key)
    )
    return _files_of(tuple(sorted(set(classes))))


def name_files(files: Iterable[Path]) -> dict[str, str]:
    """Return a fingerprint of each source file, by its path."""
    return {_relative(file): fingerprint(file) for file in sorted(files)}


def list_changes(old: Path, config: Config) -> list[str]:
    """Return the values in which a config differs from the file `old`: `seed 1 -> 2`."""
    try:
        before = _values(Config.load(old, config.plugins))
    except ConfigError:  # the job was stopped before it wrote it
        return []
    after = _values(Config(parse_yaml(config.text().encode(), old), config.plugins))
    return list(_differing(before, after))


def join_changes(changes: list[str]) -> str:
    """Return the first of some changes, and how many more there are."""
    more = len(changes) - MOST_NAMED
    ending = f" and {quantity(more, 'more value')}" if more > 0 else ""
    return ", ".join(changes[:MOST_NAMED]) + ending


@lru_cache
def _files_of(classes: tuple[str, ...]) -> tuple[Path, ...]:
    return tuple(sorted({file for stage in STAGES for file in stage_files(stage, classes)}))


def _values(config: Config) -> dict[str, Any]:
    flat = flatten(config.tree)
    return {key: value for key, value in flat.items() if not _is_free(key)}


def _is_free(key: str) -> bool:
    return any(key == free or key.startswith(f"{free}.") for free in FREE)


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for key in dict.fromkeys((*before, *after)):
        old, new = (shown(tree[key]) if key in tree else "none" for tree in (before, after))
        if old != new:
            yield f"{key} {old} -> {new}"


def _relative(file: Path) -> str:
    root = PACKAGE.parent
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else str(file)
