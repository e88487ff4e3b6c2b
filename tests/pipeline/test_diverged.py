"""A training that diverges ends in a sentence, and its MLflow run says why."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from ostinato.methods.likelihood.module import LikelihoodModule
from ostinato.stages import preprocess, split, train
from ostinato.stages.compose import compose_config
from ostinato.stages.workspace import Workspace
from ostinato.training.divergence import DivergedError

TINY = [
    "debug=smoke",
    "model.size=tiny",
    "model.backbone.hidden_size=16",
    "training.max_pieces=8",
    "preprocess.processes=1",
]


@pytest.mark.slow
@pytest.mark.parametrize("epoch", [1, 2])
def test_the_run_of_a_diverged_training_says_so(
    epoch: int, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    whole = LikelihoodModule.training_step

    def step(module: LikelihoodModule, batch: Any, batch_idx: int) -> torch.Tensor:
        scale = math.nan if module.current_epoch + 1 == epoch else 1.0
        return whole(module, batch, batch_idx) * scale

    monkeypatch.setattr(LikelihoodModule, "training_step", step)
    monkeypatch.chdir(project)
    config, workspace = compose_config(TINY, project), Workspace(project, project / "outputs")
    preprocess.run(config, workspace)
    split.run(config, workspace)
    if epoch == 1:
        with pytest.raises(DivergedError, match=r"lower training\.learning_rate"):
            train.run(config, workspace)
    else:
        assert train.run(config, workspace).best_epoch == 1
    [run] = MlflowClient(f"sqlite:///{project}/outputs/mlflow/mlflow.db").search_runs(["1"])
    tag, status = [("ostinato.failure", "FAILED"), ("ostinato.diverged", "FINISHED")][epoch - 1]
    assert run.info.status == status
    assert f"the loss in batch 1 of epoch {epoch} is nan" in run.data.tags[tag]
    assert (workspace.model / "weights.safetensors").exists() == (epoch == 2)
