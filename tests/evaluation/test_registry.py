"""A metric is registered once, by its name, and says what it is."""

import pytest

from ostinato.errors import ConfigError
from ostinato.evaluation import registry
from ostinato.evaluation.registry import Metric, add_metric, find_metric, metrics, register

pytestmark = pytest.mark.usefixtures("restored_metrics")


def test_a_decorated_function_is_a_metric_of_its_name() -> None:
    @register("segment", unit="notes", description="notes that sound twice", source="nobody")
    def doubled_notes(segments: list[int]) -> list[int]:
        return [2 * value for value in segments]

    metric = metrics("segment")[-1]
    assert metric == find_metric("segment", "doubled_notes")
    assert (metric.unit, metric.source, metric.monitored) == ("notes", "nobody", False)
    assert metric.compute([1, 2]) == doubled_notes([1, 2]) == [2, 4]
    assert find_metric("piece", "doubled_notes") is None


def metric_called(name: str, scope: registry.Scope = "set", monitored: bool = False) -> Metric:
    return Metric(
        name=name,
        scope=scope,
        unit="share",
        description="all of it",
        source="nobody",
        monitored=monitored,
        compute=len,
    )


def test_metrics_stand_in_order_of_registration() -> None:
    before = metrics("set")
    for name in ("zz", "aa", "mm"):
        add_metric(metric_called(name))
    assert [metric.name for metric in metrics("set")[len(before) :]] == ["zz", "aa", "mm"]


def test_a_name_is_given_once_in_a_scope() -> None:
    add_metric(metric_called("whole"))
    add_metric(metric_called("whole", "segment"))
    with pytest.raises(ConfigError, match="called whole, and builtins has registered one"):
        add_metric(metric_called("whole"))


def test_what_cannot_be_a_metric_is_refused_in_a_sentence() -> None:
    with pytest.raises(ConfigError, match="it should be piece, segment or set"):
        add_metric(metric_called("whole", "bar"))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match='cannot be called "per cent"'):
        add_metric(metric_called("per cent"))
    with pytest.raises(ConfigError, match="no pieces are sampled during a training"):
        add_metric(metric_called("whole", "piece", monitored=True))
