"""Lightning's logger of MLflow, for trainings that go on from a checkpoint."""

from collections.abc import Mapping

from pytorch_lightning.loggers import MLFlowLogger


class MetricLogger(MLFlowLogger):
    """Writes metrics to a run, except those that it has already for their steps.

    A training that was killed makes steps again that came after its last checkpoint.
    """

    def __init__(self, run_id: str, uri: str) -> None:
        super().__init__(run_id=run_id, tracking_uri=uri, log_model=False)
        self.steps: dict[str, set[int]] = {}  # that the run had before, by metric

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log what is new."""
        new = {name: value for name, value in metrics.items() if step not in self._before(name)}
        if new:
            super().log_metrics(new, step)

    def _before(self, name: str) -> set[int]:
        if name not in self.steps:
            history = self.experiment.get_metric_history(self.run_id, name)
            self.steps[name] = {metric.step for metric in history}
        return self.steps[name]
