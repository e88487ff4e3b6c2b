"""In what a config differs from the experiment, or from the defaults, that it is nearest to."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ostinato.config.composition import compose, group_options
from ostinato.config.hydra_settings import flatten
from ostinato.config.instantiate import Config
from ostinato.errors import ConfigError

COMPARED = ("corpus", "split", "representation", "model", "training")
UNNAMED = ("corpus.name", "corpus.path", "corpus.mirror")  # named, or of this machine
MOST_NAMED = 3  # values in a name
LONGEST = 100  # characters of a name
OVERRIDE = re.compile(r"^\s*- override /(\w+): (\S+)", re.MULTILINE)  # in an experiment's defaults


def find_differences(config: Config, conf: Path) -> dict[str, Any]:
    """Return the values, by dotted key, that make this training another than a file of conf/ says.

    The groups' options are those of the config, so that these are values alone. The defaults
    count, or where more than a few values differ, the nearest experiment with the same model.
    """
    chosen = {group: config["choices"].get(group) for group in COMPARED}
    debug = config["choices"].get("debug")
    groups = [f"{group}={option}" for group, option in chosen.items() if option]
    groups += [f"debug={debug}"] if debug else []
    if name := config["choices"].get("experiment"):
        bases = [[f"experiment={name}"]]
    else:
        bases = [
            groups,
            *([f"experiment={n}", *groups] for n in experiments_of(chosen, conf)),
        ]
    found = []
    for overrides in bases:
        try:
            found.append(_compare(compose(overrides, conf), config))
        except ConfigError:  # what an experiment leaves to the user
            continue
        if len(found[-1]) <= MOST_NAMED:  # near enough: composing takes its time
            break
    return min(found, key=len, default={})


def name_run(config: Config, differences: Mapping[str, Any]) -> str:
    """Return a short name that tells a run from its neighbours: lstm-voices-bach-seed2."""
    choices = config["choices"]
    parts = [
        choices["model"],
        choices["representation"],
        config["corpus.name"],
        choices.get("debug"),
    ]
    named = [_name_value(key, value) for key, value in differences.items()]
    more = [f"and {len(named) - MOST_NAMED} more"] if len(named) > MOST_NAMED else []
    name = "-".join(filter(None, [*parts, *named[:MOST_NAMED]]))
    return " ".join([name[: LONGEST - 12], *more])


def experiments_of(choices: Mapping[str, str], conf: Path) -> list[str]:
    """Return the experiments with the model of these choices, but for those of another corpus."""
    found = []
    for name in group_options(conf, "experiment"):
        text = (conf / "experiment" / f"{name}.yaml").read_text(encoding="utf-8")
        own = dict(OVERRIDE.findall(text))
        corpus = choices.get("corpus")
        if own.get("model") == choices.get("model") and own.get("corpus", corpus) == corpus:
            found.append(name)
    return found


def _compare(base: Config, config: Config) -> dict[str, Any]:
    theirs, ours = _values(base), _values(config)
    return {
        key: value
        for key, value in ours.items()
        if key not in UNNAMED and not (key in theirs and theirs[key] == value)
    }


def _values(config: Config) -> dict[str, Any]:
    values = {"seed": config["seed"]}
    for group in COMPARED:
        values |= flatten(config[group], f"{group}.")
    return values


def _name_value(key: str, value: Any) -> str:
    """Return a value in a name: learning_rate0.001; of a class its name."""
    if key.endswith("_target_"):
        return str(value).rpartition(".")[2].lower()
    if key == "training.initial":  # a path, of this machine perhaps
        return "tuned"
    leaf = key.rpartition(".")[2]
    return leaf + re.sub(r"[^\w.,+-]", "", str(value))
