"""The metric that chooses the best weights of a training."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Monitor:
    """A metric of training and validation.

    name: as it is logged, after `train_` and `validation_`; words: what is printed after a value;
    label: of the axis of its curve; higher: whether more is better.
    """

    name: str
    words: str
    label: str = "loss, nats"
    higher: bool = False

    @property
    def mode(self) -> str:
        """Return `max` or `min`, as Lightning calls it."""
        return "max" if self.higher else "min"

    def best(self, rows: Iterable[Mapping[str, float]]) -> Mapping[str, float]:
        """Return the first of the validated rows with the best value."""
        sign = -1 if self.higher else 1
        validated = (row for row in rows if "validation" in row)
        return min(validated, key=lambda row: sign * row["validation"])
