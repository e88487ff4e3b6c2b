"""A metric of a training that is resumed has one point a step."""

from pathlib import Path

from ostinato.metric_logger import MetricLogger


def test_steps_that_are_made_again_are_not_logged_again(tmp_path: Path) -> None:
    from mlflow import MlflowClient

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    client = MlflowClient(uri)
    run = client.create_run(client.create_experiment("trainings")).info.run_id
    first = MetricLogger(run, uri)
    for step in (19, 39, 59):
        first.log_metrics({"loss": step / 10}, step)
    first.log_metrics({"other": 1.0, "loss": 5.9}, 59)
    resumed = MetricLogger(run, uri)
    for step in (39, 59, 79):
        resumed.log_metrics({"loss": step / 10, "other": 1.0}, step)
    loss = [(m.step, m.value) for m in client.get_metric_history(run, "loss")]
    assert loss == [(step, step / 10) for step in (19, 39, 59, 79)]
    assert sorted(m.step for m in client.get_metric_history(run, "other")) == [39, 59, 79]
