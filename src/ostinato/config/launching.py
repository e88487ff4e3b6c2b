"""Checks before Hydra starts a run or a sweep: it writes and builds at once."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ostinato.config import secrets
from ostinato.config.composition import (
    GROUPS,
    compose_hydra,
    compose_tree,
    group_options,
    resolve,
    translate_error,
)
from ostinato.config.cross_corpus import NAMED
from ostinato.config.location import key_of
from ostinato.config.overrides import refuse_sweep_settings
from ostinato.config.sizes import CHOICE
from ostinato.errors import ConfigError

FLAGS = (
    *("-m", "--multirun", "-r", "--run", "-c", "--cfg", "-p", "--package", "--resolve", "-i"),
    *("--info", "-h", "--help", "--hydra-help", "--version", "-sc", "--shell-completion"),
)
MULTIRUN = ("-m", "--multirun")
FEW = 100  # values of a sweep that are looked at


@dataclass(frozen=True)
class Launch:
    """The runs that a command line starts.

    sweep: the node of that name, as it is composed; sweeper: the class of Hydra's sweeper.
    """

    sweeping: bool
    sweeper: str
    sweep: Mapping[str, Any] | None


def check_launch(
    flags: Sequence[str], given: Sequence[str], typed: Sequence[str], conf: Path
) -> Launch:
    """Refuse what a command line, params.yaml or an experiment must not set of Hydra.

    given: the overrides of params.yaml; typed: those of the command line. Of a sweep, every
    option of a group is looked at. Raises `ConfigError`, before anything is built or written.
    """
    _check_flags(flags)
    secrets.check_overrides([*given, *typed])
    keys = {key_of(override) for override in typed}
    overrides = [*given, *typed]
    plain = list(_first_values(overrides, conf))
    composed = compose_hydra(plain, conf, keys)
    sweeps = [*overrides, *_sweeps_of(composed)]
    launch = _describe_launch(flags, composed)
    if not launch.sweeping:
        refuse_sweep_settings(overrides)
    resolve(composed, composed.hydra.runtime.choices, conf)
    for option in _further_options(sweeps, conf):
        group = key_of(option)
        others = [override for override in plain if key_of(override) != group]
        composed = compose_hydra([*others, option], conf, keys)
        resolve(composed, composed.hydra.runtime.choices, conf)
    return launch


def _describe_launch(flags: Iterable[str], composed: Any) -> Launch:
    """Return what is started: also an experiment can say that it is a sweep."""
    from hydra.types import RunMode
    from omegaconf import OmegaConf

    node = composed.get("sweep")
    plain: Any = None if node is None else OmegaConf.to_container(node, resolve=True)
    by_mode = composed.hydra.mode == RunMode.MULTIRUN
    sweeping = by_mode or any(flag in MULTIRUN for flag in flags)
    return Launch(sweeping, str(composed.hydra.sweeper.get("_target_")), plain)


def name_swept_corpora(overrides: Sequence[str], conf: Path) -> list[str]:
    """Return the override by which the models of a sweep over corpora are scored on each of them.

    None where the config asks for no other corpora, and where the user names them.
    """
    if any(key_of(override) == NAMED for override in overrides):
        return []
    swept = [values for word, values in _parse_all(overrides, conf) if key_of(word) == "corpus"]
    if not swept or not swept[-1]:
        return []
    tree = compose_tree(list(_first_values(overrides, conf)), conf)
    asked = (tree.get("evaluation") or {}).get("corpora")
    return [f"{NAMED}=[{','.join(dict.fromkeys(swept[-1]))}]"] if asked else []


def _check_flags(flags: Iterable[str]) -> None:
    for argument in flags:
        flag = argument.partition("=")[0]
        if flag.startswith("-") and flag not in FLAGS:
            raise ConfigError(
                f"{flag} is no flag of `ostinato run`: it takes -m to sweep, --cfg job to show the "
                "config, and values as key=value."
            )


def _first_values(overrides: Iterable[str], conf: Path) -> Iterator[str]:
    """Yield the overrides, each sweep with the first of its values."""
    for override, values in _parse_all(overrides, conf):
        if values is None:
            yield override
        elif values:
            yield f"{override.partition('=')[0]}={values[0]}"


def _further_options(overrides: Iterable[str], conf: Path) -> Iterator[str]:
    """Yield `group=option` for every option but the first of the groups that are swept over.

    The size of a model is chosen like an option.
    """
    for override, values in _parse_all(overrides, conf):
        if key_of(override) in (*GROUPS, CHOICE) or "/" in key_of(override):
            for value in (values or [])[1:]:
                yield f"{override.partition('=')[0]}={value}"


def _sweeps_of(composed: Any) -> list[str]:
    """Return the sweeps that an experiment itself defines, as overrides."""
    params = composed.hydra.sweeper.get("params") or {}
    return [f"{key}={value}" for key, value in params.items() if isinstance(value, str)]


def _parse_all(overrides: Iterable[str], conf: Path) -> Iterator[tuple[str, list[str] | None]]:
    """Yield each override with the values that it sweeps over; None where it sets one."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.core.override_parser.types import Glob, IntervalSweep

    parser = OverridesParser.create()
    for override in overrides:
        try:
            parsed = parser.parse_override(override)
        except Exception as error:  # the parser's own errors, which are sentences of a grammar
            raise translate_error(error, [], conf) from error
        value = parsed.value()
        if not parsed.is_sweep_override():
            yield override, None
        elif isinstance(value, Glob):
            yield override, value.filter(group_options(conf, key_of(override)))
        elif isinstance(value, IntervalSweep):
            yield override, [str(value.start)]
        else:
            yield override, list(itertools.islice(parsed.sweep_string_iterator(), FEW))
