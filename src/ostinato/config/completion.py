"""Completions of a word of the command line, for the shell's Tab key."""

from pathlib import Path

from ostinato.config.composition import (
    GROUPS,
    PLAIN,
    compose_tree,
    dotted_keys,
    group_options,
    groups_within,
)
from ostinato.config.location import conf_folder
from ostinato.config.sizes import CHOICE, size_options


def completions(prefix: str, conf: Path | None = None) -> list[str]:
    """Return what a word of the command line may become: `group=option`, or a key and `=`."""
    conf = conf or conf_folder()
    group, equals, _ = prefix.partition("=")
    groups = [*GROUPS, *(within for group in GROUPS for within in groups_within(conf, group))]
    if equals and group in groups:
        return [f"{group}={option}" for option in group_options(conf, group)]
    if equals and group == CHOICE:
        return [f"{CHOICE}={size}" for size in size_options(conf)]
    keys = [key for key in dotted_keys(compose_tree([], conf)) if "_target_" not in key] + [CHOICE]
    words = [f"{g}=" for g in groups] + [f"{key}=" for key in keys if "." in key or key in PLAIN]
    return [word for word in words if word.startswith(prefix)]
