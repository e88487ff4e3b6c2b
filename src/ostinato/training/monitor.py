"""What a training is judged by."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Yardstick:
    """The figure by which the best weights are chosen.

    name: as it is logged, after `train_` and `validation_`; words: what is said after a figure;
    higher: whether more is better.
    """

    name: str
    words: str
    higher: bool = False

    @property
    def mode(self) -> str:
        """As Lightning calls it."""
        return "max" if self.higher else "min"

    def best(self, rows: Iterable[Mapping[str, float]]) -> Mapping[str, float]:
        """The first of the rows that were validated with the best figure."""
        sign = -1 if self.higher else 1
        validated = (row for row in rows if "validation" in row)
        return min(validated, key=lambda row: sign * row["validation"])


OVERLAP = Yardstick("overlapping_area", "overlapping area", higher=True)
OBJECTIVE = Yardstick("objective_nats_per_token", "nats per token by the objective")


def nats_per(unit: str) -> Yardstick:
    """Negative log-likelihood, by tokens or frames."""
    return Yardstick(f"nats_per_{unit}", f"nats per {unit}")
