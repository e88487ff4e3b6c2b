"""Configs of runs for others: written without paths and passwords, and composed again."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ostinato.config.command import LEFT_OUT, find_command
from ostinato.config.composition import (
    CHOSEN,
    GROUPS,
    compose,
    compose_tree,
    validate,
    without_overridden,
)
from ostinato.config.cross_corpus import COMPOSED
from ostinato.config.hydra_settings import flatten
from ostinato.config.instantiate import Config, shown
from ostinato.config.location import key_of
from ostinato.config.secrets import check_values
from ostinato.config.unread import Reader
from ostinato.config.yaml_files import parse_yaml, read_yaml
from ostinato.errors import ConfigError

CONFIG, MADE_BY = "config", "provenance"  # of a shared file
MISSING = "???"  # as OmegaConf writes a value that must be given
STAND_IN = "to_be_given"
LOCAL = ("preprocess", "tracking")  # groups that each machine chooses for itself
FOLDERS = ("model_dir", "samples_dir")
OF_THE_MACHINE = re.compile(  # anywhere in a text, but not within an address of the web
    r"""^[~/]|^\.\.(?:[\\/]|$)|^file:|\\\\|:///
    |(?:^|[\s=:,;'"(\[])(?:~?/[\w.]|[A-Za-z]:[\\/])""",
    re.VERBOSE,
)
NOT_COMPARED = ("corpus.path", "corpus.mirror")  # the hash of the data decides
HEADER = """\
# A run of Ostinato. From a clone with the same data:
#   ostinato run --config {file}{given}
"""


def dump_shared(config: Config, made_by: Mapping[str, Any]) -> str:
    """Return the text of a file that another project makes a run from: YAML.

    It holds no path of this machine: such a value is `???`, which whoever runs it gives. Where
    runs are recorded, how many processes read the corpus, and folders are left out. `made_by` is
    the provenance of the run. Raises `ConfigError` for a config with a password in it.
    """
    left_out = (*LEFT_OUT, COMPOSED)  # the latter follows from evaluation.corpora
    tree = {key: value for key, value in config.tree.items() if key not in left_out}
    choices = {g: o for g, o in config["choices"].items() if g not in LOCAL}
    tree = _without_machine({**tree, "choices": choices})
    if "mirror" in tree.get("corpus", {}):
        tree["corpus"] = {**tree["corpus"], "mirror": None}
    check_values(tree)
    missing = find_missing(tree)
    header = HEADER.format(file="FILE", given="".join(f" {key}=…" for key in missing))
    if missing:
        header += f"# Paths of the machine that wrote this are left out: {', '.join(missing)}.\n"
    shared = {CONFIG: tree, MADE_BY: _without_machine(made_by)}
    return header + yaml.safe_dump(shared, sort_keys=False, allow_unicode=True, width=100)


def read_shared(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the config and the provenance in a file.

    A composed config, which has no provenance, is accepted too. Raises `ConfigError` for a file
    that is not there or that is neither, and for a password in it.
    """
    if not path.is_file():
        raise ConfigError(f"{path} is not there: `ostinato config export RUN` writes such a file.")
    return _split(read_yaml(path), str(path))


def parse_config(data: bytes, name: str) -> dict[str, Any]:
    """Return the config in the bytes of a file; `name` says in an error where they are from."""
    return _split(parse_yaml(data, Path(name)), name)[0]


def find_missing(node: Any, key: str = "") -> list[str]:
    """Return the dotted keys of the values that whoever runs a config must give."""
    if isinstance(node, Mapping):
        return [
            found
            for name, child in node.items()
            for found in find_missing(child, f"{key}.{name}".lstrip("."))
        ]
    return [key] if node == MISSING or (isinstance(node, list) and MISSING in node) else []


def complete(tree: Mapping[str, Any], local: Sequence[str], conf: Path) -> Config:
    """Return the config of a run with what this machine chooses for itself, each value checked.

    local: overrides of the groups `preprocess` and `tracking`. Raises `ConfigError`.
    """
    choices = tree["choices"]
    own = compose_tree([*local, "~experiment"], conf)
    chosen = {group: choices.get(group) for group in GROUPS}
    chosen |= {group: own["choices"][group] for group in LOCAL}
    kept = {k: v for k, v in _with_stand_ins(tree).items() if k not in (*LOCAL, COMPOSED)}
    config = Config(
        {
            **kept,
            **{group: own[group] for group in LOCAL},
            **dict.fromkeys(FOLDERS),
            "choices": chosen,
        }
    )
    validate(config)
    return config


def find_overrides(config: Config, conf: Path) -> list[str]:
    """Return overrides that compose to a config of a run.

    Raises `ConfigError` where a value of it can be expressed by none.
    """
    found = find_command(config, conf)
    if found.unexpressed:
        raise ConfigError(
            f"the files of conf/ here cannot compose {', '.join(found.unexpressed[:3])} of it: "
            "check out the commit of that run"
        )
    return list(found.overrides)


def apply_overrides(base: Sequence[str], typed: Sequence[str], conf: Path) -> list[str]:
    """Return the overrides of a config that remain under those that a user types on top.

    Another option of a group replaces all that was set within it. Where the result would be
    refused, such as a rate of one method with another, what does not fit is left out.
    """
    groups = {key_of(word) for word in typed} & {*CHOSEN}
    kept = [
        word
        for word in without_overridden(base, typed)
        if re.split(r"[./]", key_of(word))[0] not in groups
    ]
    if _composes([*kept, *typed], conf) or not _composes(typed, conf):
        return kept
    fitting: list[str] = []
    for word in kept:
        if _composes([*fitting, word, *typed], conf):
            fitting.append(word)
    return fitting


def list_differences(before: Config, after: Config) -> list[str]:
    """Return the values in which a config differs from that of a run: `seed=2 (there 1)`.

    What makes no figure is not compared, and no path to the corpus: its content has a hash.
    """
    old, new = _compared(before), _compared(after)

    def show(tree: Mapping[str, Any], key: str) -> str:
        return shown(tree[key]) if key in tree else "none"

    return [
        f"{key}={show(new, key)} (there {show(old, key)})"
        for key in dict.fromkeys([*new, *old])
        if show(new, key) != show(old, key)
    ]


def _compared(config: Config) -> dict[str, Any]:
    method: Reader = config.build("method")
    groups = (*LEFT_OUT, COMPOSED, "choices")
    values = flatten({key: value for key, value in config.tree.items() if key not in groups})
    left_out = {*NOT_COMPARED, *method.unread(config)}
    return {key: value for key, value in values.items() if key not in left_out}


def _composes(words: Iterable[str], conf: Path) -> bool:
    try:
        compose([*words], conf)
    except ConfigError:
        return False
    return True


def _split(tree: Any, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    shared = isinstance(tree, dict) and isinstance(tree.get(CONFIG), dict)
    config, made_by = (tree[CONFIG], tree.get(MADE_BY)) if shared else (tree, {})
    groups = [config.get(key) for key in ("corpus", "choices")] if isinstance(config, dict) else []
    if not groups or not all(isinstance(group, dict) for group in groups):
        raise ConfigError(
            f"{name} is no config of a run: give a file that `ostinato config export RUN` wrote, "
            "or a composed config."
        )
    check_values(config)
    return config, made_by if isinstance(made_by, dict) else {}


def _without_machine(node: Any) -> Any:
    """Return a tree in which `???` is in place of each path that another machine lacks."""
    if isinstance(node, Mapping):
        return {name: _without_machine(child) for name, child in node.items()}
    if isinstance(node, list):
        return [_without_machine(child) for child in node]
    return MISSING if isinstance(node, str) and OF_THE_MACHINE.search(node) else node


def _with_stand_ins(node: Any) -> Any:
    """Return a tree in which a word is in place of each `???`, which Hydra would refuse."""
    if isinstance(node, Mapping):
        return {name: _with_stand_ins(child) for name, child in node.items()}
    if isinstance(node, list):
        return [_with_stand_ins(child) for child in node]
    return STAND_IN if node == MISSING else node


def missing_after(keys: Iterable[str], typed: Sequence[str]) -> Iterator[str]:
    """Yield those of `keys` that no override sets, and none of a group that is chosen anew."""
    given = {key_of(word) for word in typed}
    yield from (key for key in keys if not given & {key, key.partition(".")[0]})
