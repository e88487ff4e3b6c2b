"""Settings of a sweep, which are no part of the config of its jobs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from ostinato.config import Config
from ostinato.errors import ConfigError

NODE = "sweep"
Objective = Literal["score", "minutes", "megabytes"]


@dataclass(frozen=True)
class SweepSettings:
    """Settings of a sweep. The node `sweep` of conf/config.yaml sets them."""

    new: Annotated[
        bool, Field(description="start a sweep, also where the command has an unfinished one")
    ]
    extend: Annotated[
        bool,
        Field(description="add jobs to the newest sweep over these keys; run changed ones again"),
    ]
    fail_fast: Annotated[bool, Field(description="stop at the first job that fails")]
    objectives: Annotated[
        list[Objective],
        Field(min_length=1, description="what a search minimises: score is validation"),
    ]
    prune: Annotated[
        bool, Field(description="a search ends trainings that fall behind earlier ones")
    ]
    prune_percentile: Annotated[
        float,
        Field(gt=0, le=100, description="a training goes on within this percentage of the best"),
    ]
    prune_after_trials: Annotated[
        int, Field(ge=1, description="trials that a search completes before it ends any")
    ]
    prune_after_epochs: Annotated[
        int, Field(ge=0, description="epochs of a training in which it is not ended")
    ]

    def __post_init__(self) -> None:
        if self.new and self.extend:
            raise ValueError("new=true starts a sweep and extend=true adds to one: give one.")
        if len(set(self.objectives)) < len(self.objectives):
            raise ValueError("objectives names one twice: give each once.")
        if self.prune and len(self.objectives) > 1:
            raise ValueError(
                "prune=true needs a single objective, as trials are compared by one figure."
            )


def sweep_settings(node: Mapping[str, Any] | None) -> SweepSettings:
    """Return the settings of a sweep that the node `sweep` of a composed config holds.

    Raises `ConfigError` for a value that does not fit, and where there is no such node.
    """
    if node is None:
        raise ConfigError(f"{NODE} is missing from the config: conf/config.yaml must set it.")
    config = Config({NODE: dict(node)}, ())
    config.check(NODE)
    settings: SweepSettings = config.build(NODE)
    return settings
