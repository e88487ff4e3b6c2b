"""Bootstrap: confidence intervals by resampling.

Efron, "Bootstrap methods: another look at the jackknife" (Annals of Statistics 7, 1979).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from ostinato.evaluation.segments import features, overlap, overlapping_areas
from ostinato.representations.voice_roll import VoiceRoll

DRAWS = 10_000
RESAMPLED = 100  # times, of segments, whose areas are slow
AT_ONCE = 2**22  # numbers in memory
CONFIDENCE = 95  # per cent
FEWEST = 6  # pieces: of fewer, even if the model is better on all, a sign test is not below 0.05
SEED = 0  # equal figures have equal intervals


@dataclass(frozen=True)
class Advantage:
    """Advantage of a model over a baseline, in nats per note; negative: it costs more.

    low, high: the 95 % interval; None of fewer than six pieces. `better` of the `pieces` cost less.
    """

    mean: float
    low: float | None
    high: float | None
    better: int
    pieces: int

    @property
    def sign(self) -> int:
        """Return 1 where the model is better, -1 where it is worse, 0 where neither can be told."""
        if self.low is None or self.high is None:
            return 0
        return int(self.low > 0) - int(self.high < 0)

    def table(self) -> dict[str, float | int | None]:
        """Return the figures by name, rounded."""
        return {
            name: round(value, 6) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


def compare_pieces(
    model: NDArray[np.float64], baseline: NDArray[np.float64], notes: NDArray[np.int64]
) -> Advantage:
    """Return the advantage of a model by the nats of each test piece, all of shape (pieces,).

    Pieces are drawn with replacement, each with its nats by both: a paired bootstrap. It takes
    pieces for independent of each other.
    """
    gains, pieces = baseline - model, len(notes)
    mean = float(gains.sum() / max(1, notes.sum()))
    low = high = None
    if pieces >= FEWEST and notes.sum() > 0:
        low, high = _interval(_resampled_means(gains, notes))
    return Advantage(mean, low, high, int((gains > 0).sum()), pieces)


def _resampled_means(gains: NDArray[np.float64], notes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return gains per note of as many pieces drawn with replacement, again and again: (draws,)."""
    random, pieces = np.random.default_rng(SEED), len(notes)
    means: list[NDArray[np.float64]] = []
    for start in range(0, DRAWS, step := max(1, AT_ONCE // pieces)):
        # how often each piece is drawn: (draws, pieces)
        times = random.multinomial(pieces, [1 / pieces] * pieces, min(step, DRAWS - start))
        means.append((times @ gains) / np.maximum(1, times @ notes))
    return np.concatenate(means)


def overlap_gap(ours: VoiceRoll, training: VoiceRoll, held_out: VoiceRoll) -> tuple[float, float]:
    """Return the 95 % interval of how much nearer `training` is to `held_out` than ours, in area.

    By drawing segments of each set with replacement, which takes them for independent. Sets with
    repetitions overlap less than others: the basic bootstrap (Davison and Hinkley, Bootstrap
    Methods and their Application, 1997) takes that shift off the interval.
    """
    sets = [features(roll) for roll in (ours, training, held_out)]
    random = np.random.default_rng(SEED)

    def gap(draw: bool) -> float:
        drawn = [_draw(values, random) if draw else values for values in sets]
        areas = [overlap(overlapping_areas(some, drawn[2])) for some in drawn[:2]]
        return areas[1] - areas[0]

    low, high = _interval(np.array([gap(draw=True) for _ in range(RESAMPLED)]))
    measured = gap(draw=False)
    return 2 * measured - high, 2 * measured - low


def _draw(
    values: Mapping[str, NDArray[np.float64]], random: np.random.Generator
) -> dict[str, NDArray[np.float64]]:
    """Return as many segments as there are, drawn with replacement."""
    count = len(next(iter(values.values())))
    rows = random.integers(0, count, count)
    return {name: column[rows] for name, column in values.items()}


def _interval(values: NDArray[np.float64]) -> tuple[float, float]:
    outside = (100 - CONFIDENCE) / 2
    low, high = np.percentile(values, [outside, 100 - outside])
    return float(low), float(high)
