"""The sweep that this process launches, and classes of Hydra's with others in their place."""

import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from hydra.core.plugins import Plugins

from ostinato.sweeps.plan import Overrides, Plan
from ostinato.sweeps.trials import quieten_optuna

# Hydra builds a sweeper from its config alone
PLAN: ContextVar[Plan] = ContextVar("PLAN")
Lost = Callable[[Path, int, str], None]  # the folder of a sweep, the number of a job, and why
LOST: ContextVar[Lost] = ContextVar("LOST")
SWEEPERS = {
    "hydra._internal.core_plugins.basic_sweeper.BasicSweeper": "grid.GridSweeper",
    "hydra_plugins.hydra_optuna_sweeper.optuna_sweeper.OptunaSweeper": "search.SearchSweeper",
}


SUBMITIT = "hydra_plugins.hydra_submitit_launcher.submitit_launcher"
LAUNCHERS = {
    f"{SUBMITIT}.LocalLauncher": "submitted.PatientLocalLauncher",
    f"{SUBMITIT}.SlurmLauncher": "submitted.PatientSlurmLauncher",
}


@contextmanager
def planned(plan: Plan, sweeper: str, launcher: str, lost: Lost) -> Iterator[None]:
    """Have Hydra take a sweeper that follows a plan in place of its own, while the block runs.

    sweeper, launcher: the classes that the config names. One of another kind is left as it is:
    the jobs of such a sweeper are numbered anew by each start. lost: called for a job whose
    process was ended from outside.
    """
    if "search" in SWEEPERS.get(sweeper, ""):
        quieten_optuna()
    plans, losses = PLAN.set(plan), LOST.set(lost)
    try:
        with _in_place(sweeper, SWEEPERS), _in_place(launcher, LAUNCHERS):
            yield
    finally:
        PLAN.reset(plans)
        LOST.reset(losses)


@contextmanager
def _in_place(name: str, others: Mapping[str, str]) -> Iterator[None]:
    """Have Hydra build the class of `others` where a config names `name`."""
    classes = Plugins.instance().class_name_to_class
    own = classes.get(name)
    if own is None or name not in others:
        yield
        return
    module, other = others[name].split(".")
    classes[name] = getattr(importlib.import_module(f"ostinato.sweeps.{module}"), other)
    try:
        yield
    finally:
        classes[name] = own


def compose_job(sweeper: Any, overrides: Overrides) -> Any:
    """Return what Hydra composes for a job of a sweeper."""
    loader = sweeper.hydra_context.config_loader
    return loader.load_sweep_config(sweeper.config, list(overrides))
