"""Hydra's own sweeper of grids, with jobs that keep their numbers over several starts."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.plugins import Plugins

from ostinato.sweeps.plan import Overrides, Plan

# Hydra builds a sweeper from its config alone
PLAN: ContextVar[Plan] = ContextVar("PLAN")


class GridSweeper(BasicSweeper):  # type: ignore[misc]
    """Hydra's sweeper, its jobs ordered by the numbers that a plan gives them.

    Launchers number jobs by their order, and name their folders so.
    """

    def split_arguments(self, overrides: Any, max_batch_size: int | None) -> list[list[list[str]]]:
        """Return the jobs in batches, as Hydra's own does, in the order of their numbers."""
        [grid] = BasicSweeper.split_arguments(overrides, None)
        ordered = PLAN.get().number(grid, self._compose)
        return list(self.split_overrides_to_chunks(ordered, max_batch_size))

    def _compose(self, overrides: Overrides) -> Any:
        return compose_job(self, overrides)


def compose_job(sweeper: Any, overrides: Overrides) -> Any:
    """Return what Hydra composes for a job of a sweeper."""
    loader = sweeper.hydra_context.config_loader
    return loader.load_sweep_config(sweeper.config, list(overrides))


@contextmanager
def planned(plan: Plan) -> Iterator[None]:
    """Have Hydra take sweepers that follow a plan in place of its own, while the block runs.

    A sweeper of another kind is left as it is: its jobs are numbered anew by each start.
    """
    classes = Plugins.instance().class_name_to_class
    own = {name: classes[name] for name in SWEEPERS if name in classes}
    token = PLAN.set(plan)
    classes.update({name: SWEEPERS[name] for name in own})
    try:
        yield
    finally:
        classes.update(own)
        PLAN.reset(token)


SWEEPERS = {f"{BasicSweeper.__module__}.{BasicSweeper.__name__}": GridSweeper}
