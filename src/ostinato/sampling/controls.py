"""What bars of a sample shall be like, for models that were trained with controls."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

CONTROLS = ("density", "polyphony", "pitch", "duration")
"""What bars of samples can be asked to be like."""


def _to_shares(value: Any) -> tuple[float, ...] | None:
    """Return the shares of a list, or of one number."""
    if value is None:
        return None
    shares = tuple(value) if isinstance(value, list | tuple) else (value,)
    numbers = all(isinstance(x, int | float) and not isinstance(x, bool) for x in shares)
    if not (shares and numbers and all(0 <= share <= 1 for share in shares)):
        raise PydanticCustomError("share", "it should be a number from 0 to 1, or a list of them")
    return tuple(map(float, shares))


Shares = Annotated[
    tuple[float, ...] | None,
    BeforeValidator(_to_shares),
    Field(
        description="from 0 to 1, the share of training bars that have less of it; a list: bar by "
        "bar; null: as it comes",
    ),
]


@dataclass(frozen=True)
class Control:
    """What bars of a sample shall be like, for a model that was trained with controls."""

    density: Shares
    polyphony: Shares
    pitch: Shares
    duration: Shares

    @property
    def shares(self) -> dict[str, tuple[float, ...]]:
        """Return what is asked for, by name; the last share holds for all later bars."""
        found = {name: getattr(self, name) for name in CONTROLS}
        return {name: value for name, value in found.items() if value is not None}
