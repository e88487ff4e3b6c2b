"""The command that runs a composed config again: an experiment, and what differs from it."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ostinato.config.composition import (
    CHOSEN,
    GROUPS,
    compose,
    group_options,
    groups_within,
    params_overrides,
    without_overridden,
)
from ostinato.config.cross_corpus import COMPOSED
from ostinato.config.differences import experiments_of
from ostinato.config.experiments import UNCOMPARED
from ostinato.config.hydra_settings import flatten
from ostinato.config.instantiate import Config
from ostinato.config.location import ROOT, key_of
from ostinato.config.sizes import CHOICE, model_sizes
from ostinato.config.targets import TARGET
from ostinato.config.unread import Reader
from ostinato.config.yaml_files import read_yaml
from ostinato.errors import ConfigError

# what makes no figure: where runs are recorded, folders, workers, a mirror of a corpus
LEFT_OUT = tuple(key for key in UNCOMPARED if key not in ("seed", "plugins", "choices"))
NEAR = 3  # overrides beside an experiment, with which no other experiment is tried
PLAIN = re.compile(r"[A-Za-z_][\w./-]*")


@dataclass(frozen=True)
class RunCommand:
    """A command: `ostinato run` with overrides.

    unexpressed: dotted keys to which no override gives the value that they have.
    """

    overrides: tuple[str, ...]
    unexpressed: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Return the command as a shell takes it."""
        return " ".join(["ostinato", "run", *map(_quote_for_shell, self.overrides)])


def find_command(config: Config, conf: Path, params: Sequence[str] = ()) -> RunCommand:
    """Return the shortest command found that composes a config again.

    params: the overrides that the project's params.yaml stands for, which hold where the command
    line says nothing else. With them and without them the command composes to the same values,
    but for those that make no figure: preprocess, tracking, folders, corpus.mirror, and what the
    method does not read.
    """
    asked = _Asked(config, conf)
    likeliest, *others = _experiments(config, conf)
    found = _complete_all([likeliest], asked)
    if not found or len(found[0].overrides) > 1 + NEAR or found[0].unexpressed:
        # composing takes its time: of the others the nearest is completed
        found += _complete_all(_nearest(others, asked), asked)
    if not found:
        return RunCommand((), tuple(asked.values(config)))
    best = min(found, key=lambda command: (len(command.unexpressed), len(command.overrides)))
    return _complete(best.overrides, _Asked(config, conf, params)) if params else best


def read_params(root: Path) -> list[str]:
    """Return the overrides that a project's params.yaml stands for; none where it has none."""
    params = root / "params.yaml"
    return params_overrides(params) if params.exists() else []


def to_override(key: str, value: Any) -> str:
    """Return the override that gives a key a value, in Hydra's grammar."""
    return f"{key}={_show(value)}"


@dataclass(frozen=True)
class _Asked:
    """The config that a command should compose to."""

    config: Config
    conf: Path
    params: Sequence[str] = ()
    composed: dict[tuple[str, ...], Config] = field(default_factory=dict)

    def compose(self, overrides: Sequence[str]) -> Config:
        """Return what overrides compose to, in a project with these params."""
        words = (*without_overridden(self.params, overrides), *overrides)
        if words not in self.composed:
            self.composed[words] = compose(words, self.conf)
        return self.composed[words]

    def values(self, config: Config) -> dict[str, Any]:
        """Return all of a config that makes a figure, by dotted key."""
        left_out = (*LEFT_OUT, "choices", COMPOSED)  # the last follows from evaluation.corpora
        tree = {k: v for k, v in config.tree.items() if k not in left_out}
        found = flatten(tree)
        return {key: value for key, value in found.items() if key not in self._unread}

    @cached_property
    def _unread(self) -> set[str]:
        method: Reader = self.config.build("method")
        return {"corpus.mirror", *method.unread(self.config)}


def _experiments(config: Config, conf: Path) -> Iterator[str]:
    """Yield overrides that choose an experiment, the likeliest first."""
    choices = config["choices"]
    defaults = read_yaml(conf / f"{ROOT}.yaml").get("defaults") or ()
    own = next((d["experiment"] for d in defaults if isinstance(d, dict) and "experiment" in d), "")
    likely = dict.fromkeys([choices.get("experiment"), own, *experiments_of(choices, conf)])
    yield from (f"experiment={name}" for name in likely if name)
    yield "~experiment"


def _complete_all(bases: Sequence[str], asked: _Asked) -> list[RunCommand]:
    """Return the commands that begin with experiments, but for those that do not compose."""
    found = []
    for base in bases:
        with suppress(ConfigError):  # it leaves values to the user, or does not fit
            found.append(_complete([base], asked))
    return found


def _nearest(bases: Sequence[str], asked: _Asked) -> list[str]:
    """Return the experiment from which the fewest values differ; none where none composes."""
    missing = {}
    for base in bases:
        with suppress(ConfigError):
            missing[base] = len(_differing(asked.compose([base]), asked))
    return sorted(missing, key=lambda base: missing[base])[:1]


def _complete(overrides: Sequence[str], asked: _Asked) -> RunCommand:
    """Return overrides with those that are missing: options of groups, their parts, then values."""
    words = list(overrides)
    composed = asked.compose(words)
    if chosen := _missing_choices(composed, words, asked):
        words += chosen
        composed = asked.compose(words)
    for group in CHOSEN:
        for part in groups_within(asked.conf, group):
            if option := _find_option(part, words, composed, asked):
                words.append(option)
                composed = asked.compose(words)
    if size := _find_size(words, composed, asked):
        words.append(size)
        composed = asked.compose(words)
    values = _accepted(list(_missing_values(composed, asked)), words, asked)
    named = {key_of(word) for word in values}
    words = [word for word in words if key_of(word) not in named] + values
    return RunCommand(tuple(words), _differing(asked.compose(words), asked))


def _accepted(values: Sequence[str], words: Sequence[str], asked: _Asked) -> list[str]:
    """Return overrides without those that are refused, which a config from elsewhere may need."""

    def composes(more: Sequence[str]) -> bool:
        try:
            asked.compose([*words, *more])
        except ConfigError:
            return False
        return True

    if composes(values):
        return list(values)
    return [value for value in values if composes([value])]


def _missing_choices(composed: Config, words: Sequence[str], asked: _Asked) -> list[str]:
    """Return overrides for groups of which another option is chosen."""
    ours, theirs = asked.config["choices"], composed["choices"]
    found = []
    for group in GROUPS:
        if ours.get(group) is not None and ours[group] not in group_options(asked.conf, group):
            continue  # a file of another project: its values are there
        if group == "experiment" or group in LEFT_OUT or ours.get(group) == theirs.get(group):
            continue
        if any(key_of(word) == group for word in words):
            continue
        option = ours.get(group)
        found.append(f"~{group}" if option is None else f"{group}={option}")
    return found


def _find_option(part: str, words: Sequence[str], composed: Config, asked: _Asked) -> str | None:
    """Return the override that chooses a part of a model; None where it is as it should be."""
    key = part.replace("/", ".")
    target = f"{key}.{TARGET}"
    ours, theirs = (asked.values(config).get(target) for config in (asked.config, composed))
    if ours is None or ours == theirs:
        return None
    for option in group_options(asked.conf, part):
        override = f"{part}={option}"
        try:
            found = asked.compose([*words, override])
        except ConfigError:
            continue
        if asked.values(found).get(target) == ours:
            return override
    return None


def _find_size(words: Sequence[str], composed: Config, asked: _Asked) -> str | None:
    """Return the override that chooses a size of the model; None where the size is as it is.

    It is the size with which the fewest values are missing.
    """
    if all(key.split(".")[0] != "model" for key in map(key_of, _missing_values(composed, asked))):
        return None
    fewest, best = len(list(_missing_values(composed, asked))), None
    for size in model_sizes(asked.conf).get(asked.config["choices"].get("model"), ()):
        override = to_override(CHOICE, size)
        try:
            missing = len(list(_missing_values(asked.compose([*words, override]), asked)))
        except ConfigError:
            continue
        if missing < fewest:
            fewest, best = missing, override
    return best


def _missing_values(composed: Config, asked: _Asked) -> Iterator[str]:
    """Yield overrides for values that differ, are missing, or are there and should not be."""
    ours, theirs = asked.values(asked.config), asked.values(composed)
    for key, value in ours.items():
        if key not in theirs:
            yield f"+{to_override(key, value)}"
        elif not _same(theirs[key], value):
            yield to_override(key, value)
    yield from (f"~{key}" for key in theirs if key not in ours)


def _differing(composed: Config, asked: _Asked) -> tuple[str, ...]:
    ours, theirs = asked.values(asked.config), asked.values(composed)
    keys = dict.fromkeys([*ours, *theirs])
    return tuple(key for key in keys if not _same(ours.get(key, ...), theirs.get(key, ...)))


def _same(ours: Any, theirs: Any) -> bool:
    """Return whether two values are equal and of one type: 1, 1.0 and true are three values."""
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(_same, ours, theirs))
    return type(ours) is type(theirs) and bool(ours == theirs)


def _quote_for_shell(word: str) -> str:
    """Return a word as a shell takes it, in double quotes where it holds single ones alone."""
    return f'"{word}"' if "'" in word and not set(word) & set('"$`\\!\n') else shlex.quote(word)


def _show(value: Any) -> str:
    """Return a value in Hydra's grammar."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_show(name)}:{_show(v)}" for name, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_show, value)) + "]"
    if not isinstance(value, str):
        return str(value)
    if PLAIN.fullmatch(value) and value.lower() not in ("null", "true", "false", "nan", "inf"):
        return value
    # in quotes, a backslash escapes a quote alone, and those before a quote escape each other
    escaped = re.sub(r"(\\*)(?='|$)", r"\1\1", value).replace("'", "\\'").replace("${", "\\${")
    return f"'{escaped}'"
