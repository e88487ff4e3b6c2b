"""Lightning's logger of MLflow, for trainings that go on from a checkpoint."""

from collections.abc import Mapping

from pytorch_lightning.loggers import MLFlowLogger


class MetricLogger(MLFlowLogger):
    """Writes one point of a metric for a step, the first.

    A training that was killed makes steps again that came after its last checkpoint. Lightning logs
    the number of an epoch with its validation and with its training.
    """

    def __init__(self, run_id: str, uri: str) -> None:
        super().__init__(run_id=run_id, tracking_uri=uri, log_model=False)
        self.steps: dict[str, set[int | None]] = {}  # that the run has, by metric

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log what is new."""
        new = {name: value for name, value in metrics.items() if step not in self._steps_of(name)}
        for name in new:
            self._steps_of(name).add(step)
        if new:
            super().log_metrics(new, step)

    def _steps_of(self, name: str) -> set[int | None]:
        if name not in self.steps:
            history = self.experiment.get_metric_history(self.run_id, name)
            self.steps[name] = {metric.step for metric in history}
        return self.steps[name]
