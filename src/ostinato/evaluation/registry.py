"""Registry of metrics: what is measured, in which unit, and after whom.

A metric is registered by importing the module that defines it. A package in `plugins:` is imported
before a model is evaluated, so that its metrics are in the report, in metrics.json and on MLflow.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from ostinato.errors import ConfigError

Scope = Literal["piece", "segment", "set"]
SCOPES: tuple[Scope, ...] = ("piece", "segment", "set")
OWN = "ostinato"  # the source of a metric that is defined here
OTHER = "other"  # the group of a metric that is of none
Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric: its name in metrics.json and on MLflow, and the function that computes it.

    scope: what `compute` takes. A piece metric takes `ostinato.evaluation.measures.PieceViews` and
    returns a number, or None where it is undefined. A segment metric takes segments side by side
    and returns a number of each: (segments,), NaN where it is undefined. A set metric takes the
    same and returns one number of all.
    unit: of the value, as the report shows it; "share" is from 0 to 1. description: what the value
    is, in words. source: the library or the publication that defines it.
    group: what it is about, such as pitch or rhythm: the report has a table for each group.
    monitored: whether it takes part in choosing the weights of a training. A metric that is
    registered to be looked at is not monitored, and changes no training.
    """

    name: str
    scope: Scope
    unit: str
    description: str
    source: str
    group: str = OTHER
    monitored: bool = False
    compute: Callable[..., Any]


_registered: dict[tuple[Scope, str], Metric] = {}


def register(
    scope: Scope,
    *,
    unit: str,
    description: str,
    source: str = OWN,
    group: str = OTHER,
    monitored: bool = False,
) -> Callable[[Function], Function]:
    """Return a decorator that registers a function as the metric of its name.

    Raises `ConfigError` as `add_metric` does.
    """

    def decorate(function: Function) -> Function:
        add_metric(
            Metric(
                name=function.__name__,
                scope=scope,
                unit=unit,
                description=description,
                source=source,
                group=group,
                monitored=monitored,
                compute=function,
            )
        )
        return function

    return decorate


def add_metric(metric: Metric) -> None:
    """Register a metric.

    Raises `ConfigError` for a scope that does not exist, for a name that another metric of the
    scope has, and for a monitored metric of pieces, which are not sampled during a training.
    """
    if metric.scope not in SCOPES:
        raise ConfigError(
            f"the metric {metric.name} has the scope {metric.scope}: it should be "
            f"{', '.join(SCOPES[:-1])} or {SCOPES[-1]}."
        )
    if not metric.name.isidentifier():
        raise ConfigError(
            f'a metric cannot be called "{metric.name}": a name has letters, digits and '
            "underscores, and no digit first."
        )
    if metric.monitored and metric.scope == "piece":
        raise ConfigError(
            f"the metric {metric.name} of pieces cannot be monitored, as no pieces are sampled "
            "during a training: leave out monitored=True."
        )
    if (other := _registered.get((metric.scope, metric.name))) is not None:
        raise ConfigError(
            f"{_module(metric)} registers a {metric.scope} metric called {metric.name}, and "
            f"{_module(other)} has registered one of that name: give it another name."
        )
    _registered[metric.scope, metric.name] = metric


def metrics(scope: Scope) -> tuple[Metric, ...]:
    """Return the metrics of a scope, in order of registration."""
    return tuple(metric for metric in _registered.values() if metric.scope == scope)


def find_metric(scope: Scope, name: str) -> Metric | None:
    """Return the metric of that name; None where there is none."""
    return _registered.get((scope, name))


def _module(metric: Metric) -> str:
    return str(getattr(metric.compute, "__module__", "another module"))
