"""The sweep that this process launches, and Hydra's sweepers with others in their place."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from hydra.core.plugins import Plugins

from ostinato.sweeps.plan import Overrides, Plan
from ostinato.sweeps.trials import quieten_optuna

# Hydra builds a sweeper from its config alone
PLAN: ContextVar[Plan] = ContextVar("PLAN")
SWEEPERS = {
    "hydra._internal.core_plugins.basic_sweeper.BasicSweeper": "grid.GridSweeper",
    "hydra_plugins.hydra_optuna_sweeper.optuna_sweeper.OptunaSweeper": "search.SearchSweeper",
}


@contextmanager
def planned(plan: Plan, sweeper: str) -> Iterator[None]:
    """Have Hydra take a sweeper that follows a plan in place of its own, while the block runs.

    sweeper: the class that the config names. One of another kind is left as it is: its jobs are
    numbered anew by each start.
    """
    classes = Plugins.instance().class_name_to_class
    own = classes.get(sweeper)
    if own is None or sweeper not in SWEEPERS:
        yield
        return
    module, name = SWEEPERS[sweeper].split(".")
    if module == "search":
        quieten_optuna()
    token = PLAN.set(plan)
    classes[sweeper] = getattr(importlib.import_module(f"ostinato.sweeps.{module}"), name)
    try:
        yield
    finally:
        classes[sweeper] = own
        PLAN.reset(token)


def compose_job(sweeper: Any, overrides: Overrides) -> Any:
    """Return what Hydra composes for a job of a sweeper."""
    loader = sweeper.hydra_context.config_loader
    return loader.load_sweep_config(sweeper.config, list(overrides))
