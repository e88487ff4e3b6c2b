"""Help: what a stage reads, with what each value means, and what `ostinato run` takes."""

import json
import textwrap
from typing import Any

from ostinato.config import Config, conf_folder, group_options
from ostinato.config.composition import GROUPS, groups_within
from ostinato.config.instantiate import configurable, description
from ostinato.config.location import FOLDERS
from ostinato.config.sizes import CHOICE, size_options
from ostinato.sweeps.settings import SweepSettings


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


RUN = """\
usage: ostinato run [-m] [key=value ...] [--from RUN | --config FILE]

all stages in one process, without DVC, into outputs/runs/DATE/TIME of the project

  key=value        Hydra overrides on top of params.yaml: an option of a group, or a single value
  --from RUN       make a run again: the folder of one, or the id, the name or the address of an
                   MLflow run; values on top of it are given as key=value
  --config FILE    make a run again from a file: `ostinato config export RUN` writes one
  -m, --multirun   sweep: a run for each combination of values, into outputs/sweeps/DATE/TIME
  --cfg job        print the composed config and run nothing
  --info WHAT      how it was composed: defaults, defaults-tree, config, plugins or searchpath
  --hydra-help     Hydra's own flags

options of the groups, those that are chosen first; `ostinato STAGE --help` lists single values
"""
LAUNCHING = """\
a sweep that was stopped goes on when its command is given again

%(settings)s

launchers of a sweep (hydra/launcher=…) and sweepers (hydra/sweeper=…), where they are installed

  basic            one run after the other, every combination: the default
  joblib           hydra.launcher.n_jobs=2 runs at once on this machine
  submitit_slurm   on a cluster, with hydra-submitit-launcher
  optuna           hydra/sweeper=optuna searches values: hydra.sweeper.n_trials=20

examples

  ostinato run model=gru training.epochs=30
  ostinato run experiment=bach_gan seed=1
  ostinato run debug=smoke                       everything within a minute, as a check
  ostinato run --from outputs/runs/2026-01-31/12-00-00 seed=1
  ostinato run -m model=rnn,lstm seed=1,2,3
  ostinato run -m model=rnn,gru hydra/launcher=joblib hydra.launcher.n_jobs=2\
"""


def explain_run(config: Config) -> None:
    """Print what `ostinato run` takes: its flags, the options of every group, and examples."""
    print(RUN)
    for group in GROUPS:
        for line in _options(config, group):
            print(textwrap.fill(line, 100, initial_indent="  ", subsequent_indent="      "))
    print(f"\n{LAUNCHING % {'settings': chr(10).join(_settings())}}")


def _settings() -> list[str]:
    """Return a line for each setting of a sweep."""
    hints = configurable(SweepSettings)
    return [f"  {f'sweep.{name}=…':<26} {description(hint)}" for name, (hint, _) in hints.items()]


def _options(config: Config, key: str) -> list[str]:
    """Return a line of options for a group, one for each group within it, and one for sizes."""
    conf = conf_folder()
    if key not in config["choices"]:  # what the file of another group says
        return []
    choice = config["choices"][key] or "null"
    chosen = f"{key}={choice}   (options: {', '.join(group_options(conf, key))})"
    within = [
        f"{group}=…   (options: {', '.join(group_options(conf, group))})"
        for group in groups_within(conf, key)
    ]
    sizes = size_options(conf) if key == "model" else []
    return [chosen, *within, *([f"{CHOICE}=…   (sizes: {', '.join(sizes)})"] if sizes else [])]


def _values(config: Config, key: str) -> list[str]:
    lines = []
    for node_key, cls in config.targets(key):
        hints = configurable(cls)
        for name, value in config[node_key].items():
            if name in hints and not isinstance(value, dict):
                setting = f"{node_key}.{name}={json.dumps(value)}"
                lines.append(f"  {setting:<44} {description(hints[name][0])}".rstrip())
    return lines
