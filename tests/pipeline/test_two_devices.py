"""A run on two devices is one run: one folder, one MLflow run, and each stage done once."""

from pathlib import Path

import pytest

from projects import run

SMALL = ("debug=smoke", "training.max_pieces=4", "sampling.min_bars=0", "sampling.max_bars=2")
PAIR = ("training.devices=2", "training.strategy=ddp")
MODELS = ("lstm", "transformer", "tcn", "wavenet")


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_two_processes_make_one_run(project: Path, model: str) -> None:
    from mlflow import MlflowClient

    words = (f"model={model}", "model.size=tiny", "sampling.pieces=1", *SMALL)
    done = run(project, "ostinato", "run", *PAIR, *words)
    for line in ("epoch 1 of 2: ", "24 pieces read", "the report is"):
        assert done.stdout.count(line) == 1
    [folder] = project.glob("outputs/runs/*/*")
    assert (folder / "model" / "weights.safetensors").is_file()
    client = MlflowClient(f"sqlite:///{project}/outputs/mlflow/mlflow.db")
    [recorded] = client.search_runs(["1"])
    assert recorded.info.status == "FINISHED"
    assert recorded.data.params["training.devices"] == "2"
    assert not list((project / "outputs" / "checkpoints").iterdir())


def test_a_model_of_one_device_refuses_two(project: Path) -> None:
    done = run(project, "ostinato", "run", *PAIR, "model=gan", check=False)
    assert done.returncode == 2
    assert "is trained on one device" in done.stderr
