"""Findings of segment models, as the report and MLflow show them."""

from typing import TYPE_CHECKING

from ostinato.methods.base import Findings

if TYPE_CHECKING:
    from ostinato.methods.segments.metrics import SegmentMetrics


def describe_segments(metrics: "SegmentMetrics", exact: float | None = None) -> Findings:
    """Return the findings of a model whose segments were measured.

    exact: of an autoencoder, the share of notes that it gives back exactly.
    """
    from ostinato.evaluation.segments import MONITORED
    from ostinato.evaluation.verdict import judge_segments, show_segments

    features = len(MONITORED & set(metrics.areas)) or len(MONITORED)
    return Findings(
        summary=metrics.summary(),
        verdict=judge_segments(metrics.area, metrics.control, metrics.gap, features, exact),
        metrics={"test": {}, "baselines": {}, "segments": metrics.table()},
        figures=metrics.figures(),
        subtitle=metrics.subtitle(),
        originals=metrics.originals,
        details=metrics.details(),
        headlines=[show_segments(metrics.area, metrics.control, metrics.gap)],
    )


def describe_nothing() -> Findings:
    """Return the findings of a model of which no segment could be measured."""
    from ostinato.evaluation.verdict import Verdict

    return Findings(
        "no segment of the test pieces was measured", Verdict(""), {"test": {}, "baselines": {}}
    )
