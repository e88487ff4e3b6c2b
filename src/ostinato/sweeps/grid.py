"""Hydra's own sweeper of grids, with jobs that keep their numbers over several starts."""

from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

from ostinato.sweeps.current import PLAN, compose_job
from ostinato.sweeps.plan import Overrides


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
