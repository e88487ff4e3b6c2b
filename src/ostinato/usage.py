"""Help: what a stage reads, with what each value means, and what `ostinato run` takes."""

import json
from typing import Any

from ostinato.config import Config, conf_folder, group_options
from ostinato.config.building import configurable, description
from ostinato.config.composing import groups_within
from ostinato.config.location import FOLDERS


def explain(name: str, purpose: str, stage: Any, config: Config) -> None:
    """Print what the stage does and the values that it reads, each with what it means."""
    print(f"usage: ostinato {name} [--config FILE] [key=value ...]\n\n{purpose}\n")
    print("  --config FILE   a composed config to run as it is (dvc.yaml does)")
    print("  key=value       Hydra overrides on top of params.yaml\n")
    for key in [key for key in stage.READS if key in config.tree]:
        if isinstance(config[key], dict):
            print("\n".join([*_options(config, key), *_values(config, key)]) + "\n")
        else:
            print(f"{key}={json.dumps(config[key])}\n")
    for key in getattr(stage, "FOLDERS", ()):
        print(f"{key}={json.dumps(config[key])}   {FOLDERS[key]}")


def _options(config: Config, key: str) -> list[str]:
    """A line of options for a group, and one for each group within it."""
    conf = conf_folder()
    chosen = f"{key}={config['choices'][key]}   (options: {', '.join(group_options(conf, key))})"
    within = [
        f"{group}=…   (options: {', '.join(group_options(conf, group))})"
        for group in groups_within(conf, key)
    ]
    return [chosen, *within]


def _values(config: Config, key: str) -> list[str]:
    lines = []
    for node_key, cls in config.targets(key):
        hints = configurable(cls)
        for name, value in config[node_key].items():
            if name in hints and not isinstance(value, dict):
                setting = f"{node_key}.{name}={json.dumps(value)}"
                lines.append(f"  {setting:<44} {description(hints[name][0])}".rstrip())
    return lines
