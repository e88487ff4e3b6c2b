"""Composing conf/ with Hydra, its errors turned into sentences."""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ostinato.config import secrets
from ostinato.config.cross_corpus import with_test_corpora
from ostinato.config.experiments import name_experiment
from ostinato.config.hydra_settings import JOB, check_settings, hydra_of_its_own
from ostinato.config.instantiate import Config, did_you_mean
from ostinato.config.interpolations import check_growth, without_machine
from ostinato.config.launchers import LAUNCHER, explain_missing, hydras_options
from ostinato.config.location import FOLDERS, ROOT, conf_folder, key_of
from ostinato.config.overrides import explain_unreadable, refuse_sweep_settings
from ostinato.config.registered import check_address
from ostinato.config.renamed import describe_renamed
from ostinato.config.sizes import CHOICE, check_size, refuse_size, without_sizes
from ostinato.config.unread import describe_foreign, leave_out_unread, settings_of_methods
from ostinato.config.yaml_files import check_yaml_files, read_yaml
from ostinato.errors import ConfigError
from ostinato.interrupts import processor_seconds

GROUPS = (
    "experiment",
    "corpus",
    "preprocess",
    "split",
    "representation",
    "model",
    "training",
    "sampling",
    "evaluation",
    "tracking",
    "debug",
)
UNSEEN_BY_DVC = ("size", "nfiles")  # its run cache leaves these keys out when it compares
CHOSEN = tuple(g for g in GROUPS if g not in ("experiment", "debug"))
BUILT = (*CHOSEN, "method")  # the file of a model says its method
SECONDS = 60  # of processor time for composing; it takes one
TOO_LONG = (
    f"composing the config took longer than {SECONDS} s of processor time: an experiment, or an "
    "option of a group, includes others without end."
)
SEVERAL = "{0} names several: give one, or sweep over them with `ostinato run -m`."
SENTENCES = {  # for what Hydra's errors say
    r"Config group override must be a string|'int' is not iterable": "a group takes the name of an "
    "option, for example model=gru; ~group leaves it out.",
    r"Multiple values for ([\w/]+)": "{0} is chosen already: write {0}=… without a plus.",
    r"Could not delete\D*? '?([\w./]+)'": "~{0} does not fit: no such value is there to leave out.",
    r"Ambiguous value for argument '([^']+)'": SEVERAL,
    # a list of options that share a part
    r"(\w+)/\S+ appears more than once in the final defaults": SEVERAL,
}
PLAIN = ("seed", "plugins", *FOLDERS, "choices")


def group_options(conf: Path, group: str) -> list[str]:
    """Return the options of a group: its files, but for those that begin with an underscore.

    Experiments may lie in folders, and are called mine/first then.
    """
    folder = conf / group
    files = folder.rglob("*.yaml") if group == "experiment" else folder.glob("*.yaml")
    named = [file.relative_to(folder) for file in files if not file.stem.startswith("_")]
    return sorted(file.with_suffix("").as_posix() for file in named)


def groups_within(conf: Path, group: str) -> list[str]:
    """Return the groups that choose a part of this one's options: its folders.

    Those of experiments are part of their names.
    """
    if group == "experiment":
        return []
    return sorted(f"{group}/{p.name}" for p in (conf / group).glob("*") if p.is_dir())


def compose(overrides: Sequence[str] = (), conf: Path | None = None) -> Config:
    """Compose and validate conf/ under Hydra overrides.

    Raises `ConfigError`, one sentence, for whatever does not compose or does not fit.
    """
    conf = conf or conf_folder()
    refuse_sweep_settings(overrides)
    return _checked(compose_tree(list(overrides), conf), overrides, conf)


def _checked(tree: Mapping[str, Any], overrides: Sequence[str], conf: Path) -> Config:
    """A composed tree as a config that is valid, without what its method does not read."""
    typed = [key_of(override) for override in overrides]
    config = Config(name_experiment(tree, overrides, conf, compose_tree))
    config = leave_out_unread(config, typed, settings_of_methods(conf))
    validate(config)
    return with_test_corpora(config, overrides, conf, compose_tree)


def validate(config: Config) -> None:
    """Check every value of a composed config."""
    for key in config.tree:
        if key not in BUILT + PLAIN:
            raise ConfigError(_unknown(key, BUILT + PLAIN))
    for key in dotted_keys(config.tree):
        if key.rpartition(".")[2] in UNSEEN_BY_DVC:
            raise ConfigError(
                f"{key} needs another name: DVC does not notice when a value called "
                f"{' or '.join(UNSEEN_BY_DVC)} changes."
            )
    for key in BUILT:
        if key not in config.tree:
            raise ConfigError(f"{key} is missing from the config: choose one with {key}=….")
        config.check(key)
    seed = config.tree.get("seed")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise ConfigError(
            f"seed={json.dumps(seed)} does not fit: it should be a whole number from 0 to 2³²-1."
        )
    for key in FOLDERS:
        folder = config.tree.get(key)
        if folder is not None and not isinstance(folder, str):
            raise ConfigError(f"{key}={json.dumps(folder)} does not fit: it should be a folder.")
    check_address("model_dir", config.tree.get("model_dir"))


def from_hydra(composed: Any, settings: Any, conf: Path) -> Config:
    """Return the config of a job of Hydra's, whose `settings` are its hydra node, validated."""
    tree = resolve(composed, settings.runtime.choices, conf)
    return _checked(tree, settings.overrides.task, conf)


def params_overrides(path: Path) -> list[str]:
    """Return the Hydra overrides that a params.yaml stands for."""
    params = read_yaml(path) or {}
    known = (*GROUPS, "overrides")
    if not isinstance(params, Mapping):
        raise ConfigError(f"{path.name} should map {', '.join(known)} to choices.")
    for key in params:
        if key not in known:
            raise ConfigError(f"{path.name}: {_unknown(str(key), known)}")
    extra = params.get("overrides") or []
    if not isinstance(extra, list) or not all(isinstance(o, str) for o in extra):
        raise ConfigError(f'{path.name}: overrides should be a list such as ["seed=1"].')
    chosen = {group: params[group] for group in GROUPS if params.get(group) is not None}
    for group, option in chosen.items():
        if not isinstance(option, str | bool):
            raise ConfigError(
                f"{path.name}: {group}={json.dumps(option)} does not fit: it should be the name "
                f"of an option of {group}."
            )
    return [f"{group}={_option(value)}" for group, value in chosen.items()] + extra


def without_overridden(given: Sequence[str], overrides: Sequence[str]) -> list[str]:
    """Return those of `given` that no later override replaces: a sweep takes each key once."""
    replaced = {key_of(override) for override in overrides}
    return [override for override in given if key_of(override) not in replaced]


def _option(value: str | bool) -> str:
    # YAML reads the option `off` as a truth value
    return value if isinstance(value, str) else {True: "on", False: "off"}[value]


def _unknown(word: str, known: Iterable[str]) -> str:
    return f"{word} is unknown: {did_you_mean(word, known) or 'nothing is called like it.'}".strip()


def compose_tree(overrides: list[str], conf: Path) -> dict[str, Any]:
    """Return the composed tree under overrides, its values not checked."""
    composed = compose_hydra(overrides, conf, {key_of(override) for override in overrides})
    return resolve(composed, composed.hydra.runtime.choices, conf)


def compose_hydra(overrides: list[str], conf: Path, typed: Collection[str]) -> Any:
    """Return what Hydra composes, its own settings included, none of them resolved.

    Raises `ConfigError` for what does not compose, and for settings of Hydra's that may not be
    set; `typed` are the keys of the command line, which may set more than files.
    """
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from omegaconf import OmegaConf

    secrets.check_overrides(overrides)
    check_yaml_files(conf)
    found = str(conf.resolve())
    own = hydra_of_its_own(lambda: initialize_config_dir(found, JOB, version_base="1.3"))
    with own, without_machine(), processor_seconds(SECONDS, ConfigError(TOO_LONG)):
        try:
            composed = hydra_compose(ROOT, overrides=overrides, return_hydra_config=True)
        except Exception as error:  # Hydra and OmegaConf share no base class for their errors
            raise translate_error(error, overrides, conf) from error
    plain: Any = OmegaConf.to_container(composed, resolve=False)
    check_growth(plain)
    secrets.check_values(plain)
    check_settings(plain["hydra"], typed, conf)
    return composed


def resolve(composed: Any, choices: Any, conf: Path) -> dict[str, Any]:
    """Return a composed Hydra config as plain values, with the option chosen in each group."""
    from omegaconf import OmegaConf, open_dict

    choices = OmegaConf.to_container(choices)
    with open_dict(composed):
        composed.pop("hydra", None)
        composed.pop("sweep", None)  # how jobs are run, which makes no figure
    plain: Any = OmegaConf.to_container(composed, resolve=False)
    check_growth(plain)
    check_size(plain, choices.get("model"))
    try:
        with without_machine():
            found: Any = OmegaConf.to_container(composed, resolve=True, throw_on_missing=True)
    except ConfigError:
        raise
    except Exception as error:
        raise translate_error(error, [], conf) from error
    secrets.check_values(found)
    tree = without_sizes(found)
    tree["choices"] = {group: choices.get(group) for group in GROUPS}
    for group in CHOSEN:
        if group in tree and tree["choices"][group] is None:  # a list of options, merged
            raise ConfigError(SEVERAL.format(group))
    return tree


def translate_error(error: Exception, overrides: Iterable[str], conf: Path) -> ConfigError:
    """Return an error of Hydra's as one sentence."""
    overrides = list(overrides)
    if sentence := explain_unreadable(overrides):
        return ConfigError(sentence)
    message = str(error)
    cause = f"{message}\n{error.__cause__ or ''}"
    if match := re.search(r"Could not find '([\w/]+)/([^'/]+)'", cause):
        group, option = match.groups()
        if group == LAUNCHER and (sentence := explain_missing(option)):
            return ConfigError(sentence)
        if group.startswith("experiment/"):
            group, option = "experiment", f"{group.partition('/')[2]}/{option}"
        options = group_options(conf, group) or hydras_options(message)
        return ConfigError(
            describe_renamed(f"{group}={option}")
            or f"{group}={option} is unknown: {did_you_mean(option, options)}"
            f"the options of {group} are {', '.join(options)}."
        )
    if match := re.search(r"Could not override '/?([^']+)'", cause):
        key = match[1].partition("@")[0]
        if key == CHOICE:
            return refuse_size(conf)
        if sentence := describe_renamed(key):
            return ConfigError(sentence)
        sound = [override for override in overrides if key_of(override) != key]
        if sound != overrides and (
            sentence := describe_foreign(key, lambda: compose_tree(sound, conf))
        ):
            return ConfigError(sentence)
        within = groups_within(conf, key.partition("/")[0]) if "/" in key else []
        known = [CHOICE, *within, *GROUPS, *PLAIN, *_all_keys(conf, overrides, key)]
        offered = [k for k in known if not k.startswith("choices") and "_target_" not in k]
        return ConfigError(_unknown(key, offered))
    if match := re.search(r"Could not find '([\w/]+)/'", cause):
        listed = ", ".join(group_options(conf, match[1]))
        return ConfigError(f"{match[1]}= names no option: there are {listed}.")
    # a list of options that share a part, which models do with their method
    if match := re.search(r"method@\S+ appears more than once in the final defaults", cause):
        return ConfigError(SEVERAL.format("model"))
    for pattern, sentence in SENTENCES.items():
        if match := re.search(pattern, cause):
            return ConfigError(sentence.format(*match.groups()))
    where = re.search(r"full_key: (\S+)", message)
    if where and "Missing mandatory value" in message:
        return ConfigError(f"{where[1]} is missing: it must be set.")
    if where and (match := re.search(r"Interpolation key '([^']+)' not found", message)):
        return ConfigError(f"{where[1]} refers to {match[1]}, which is not there.")
    return ConfigError(f"the config cannot be composed: {' '.join(message.split())[:300]}")


def _all_keys(conf: Path, overrides: Iterable[str], wrong: str) -> list[str]:
    """Return every dotted key of the config as it is without the override that is wrong."""
    given = list(overrides)
    sound = [o for o in given if not o.lstrip("+~").startswith(wrong)]
    if len(sound) == len(given):  # it is wrong in a file
        return []
    try:
        tree = compose_tree(sound, conf)
    except ConfigError:
        return []
    return list(dotted_keys(tree))


def dotted_keys(node: Any, prefix: str = "") -> Iterable[str]:
    """Yield the dotted key of every node and value of a tree."""
    if isinstance(node, Mapping):
        for name, child in node.items():
            yield f"{prefix}{name}"
            yield from dotted_keys(child, f"{prefix}{name}.")
