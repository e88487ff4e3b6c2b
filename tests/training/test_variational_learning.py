"""A VAE learns, is scored, and resumes to the same weights."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from defaults import build
from ostinato.data.datamodule import SegmentData
from ostinato.data.segments import Segments, cut
from ostinato.methods.segments.callbacks import SampleLogger
from ostinato.methods.variational.module import VariationalModule
from ostinato.methods.variational.settings import VariationalTraining
from ostinato.models.variational.vae import VAE
from ostinato.music.piece import Piece
from ostinato.training import trainer
from ostinato.training.trainer import Fitted
from small_networks import store_of
from small_vaes import vae_of
from stopping import OFTEN, stopped_in_epoch

SHORT = build(
    "training=cpu method=variational",
    epochs=4,
    batch_size=16,
    transpose=(-3, 3),
    learning_rate=0.01,
)
OBJECTIVE = {"free_bits": 8.0, "scheduled_sampling": 0.5}


@pytest.fixture(scope="module")
def segments(
    short_chorales: list[Piece], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Segments, Segments]:
    """Segments of a dozen sopranos at eighths, and of four others."""
    pitch = build("representation=pitch", steps_per_quarter=2)
    store = store_of(short_chorales[:16], pitch, tmp_path_factory.mktemp("store") / "tokens")
    every = np.arange(len(store.names))
    first, second = (
        cut(store, part, short_chorales, pitch, 2, (48, 83)) for part in (every[:12], every[12:])
    )
    assert len(first) > 60
    assert len(second) > 10
    return first, second


def fit(
    segments: tuple[Segments, Segments],
    folder: Path,
    training: VariationalTraining = SHORT,
    validated: bool = True,
    more: Any = (),
    seed: int = 1,
) -> tuple[Fitted, VAE]:
    network = vae_of(objective=OBJECTIVE, pitch_range=[48, 83])
    validation = segments[1]
    if not validated:
        validation = replace(validation, starts=validation.starts[:0])
    data = SegmentData(
        segments[0],
        validation,
        batch_size=training.batch_size,
        transpose=training.transpose,
        transpose_probability=1.0,
        seed=seed,
        judged=50,
    )
    module = VariationalModule(network, training, seed)
    options = trainer.FitOptions(seed, folder, None, validated, more)
    return trainer.fit(module, data, training, options), network


def weights(network: torch.nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in network.parameters()])


def test_it_learns_and_the_best_weights_are_kept(
    segments: tuple[Segments, Segments], tmp_path: Path
) -> None:
    shown: list[tuple[int, tuple[int, ...]]] = []
    samples = SampleLogger(4, lambda epoch, roll: shown.append((epoch, roll.pitch.shape)))
    fitted, network = fit(segments, tmp_path, replace(SHORT, epochs=10), more=[samples])
    costs = [row["validation"] for row in fitted.curves]
    assert min(costs) < 0.8 * costs[0]
    assert fitted.best_validation == min(costs)
    assert fitted.monitor.words == "nats per token by the objective"
    kept = torch.load(tmp_path / "best.ckpt", weights_only=True)["state_dict"]
    assert all(torch.equal(kept[f"network.{k}"], v) for k, v in network.state_dict().items())
    assert shown == [(epoch, (4, 1, 16)) for epoch in (4, 8, 10)]


@pytest.mark.parametrize("validated", [True, False])
@pytest.mark.parametrize("averaging", [None, 0.9])
def test_stopped_and_resumed_it_ends_in_the_same_weights(
    segments: tuple[Segments, Segments], tmp_path: Path, validated: bool, averaging: float | None
) -> None:
    training = replace(SHORT, averaging=averaging)
    whole, network = fit(segments, tmp_path / "whole", training, validated)
    assert ("validation" in whole.curves[0]) is validated
    with stopped_in_epoch(3, 3, VariationalModule):
        fit(segments, tmp_path / "stopped", training, validated)
    reached = torch.load(tmp_path / "stopped" / "last.ckpt", weights_only=True)
    assert reached["epoch"] == 1
    fitted, resumed = fit(segments, tmp_path / "stopped", training, validated)
    assert fitted == whole
    assert torch.equal(weights(resumed), weights(network))
    _, other = fit(segments, tmp_path / "other", training, validated, seed=2)
    assert not torch.equal(weights(other), weights(network))


@pytest.mark.parametrize("epoch", [1, 4])
@pytest.mark.parametrize("averaging", [None, 0.9])
def test_stopped_within_an_epoch_it_ends_in_the_same_weights(
    segments: tuple[Segments, Segments], tmp_path: Path, epoch: int, averaging: float | None
) -> None:
    training = replace(SHORT, averaging=averaging)
    often = replace(training, checkpoint_minutes=OFTEN)
    whole, network = fit(segments, tmp_path / "whole", training)
    with stopped_in_epoch(epoch, 4, VariationalModule):
        fit(segments, tmp_path / "stopped", often)
    reached = torch.load(tmp_path / "stopped" / "within.ckpt", weights_only=True)
    assert reached["epoch"] == epoch - 1
    fitted, resumed = fit(segments, tmp_path / "stopped", often)
    assert fitted == whole
    assert torch.equal(weights(resumed), weights(network))


def test_everything_is_logged_for_the_run(
    segments: tuple[Segments, Segments], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: dict[str, float] = {}

    def keep(_: VariationalModule, values: dict[str, Any], **__: Any) -> None:
        logged.update({name: float(value) for name, value in values.items()})

    monkeypatch.setattr(VariationalModule, "log_dict", keep)
    fit(segments, tmp_path, replace(SHORT, epochs=1))
    for part in ("train", "validation"):
        nll, kl = (logged[f"{part}_{name}_nats_per_token"] for name in ("nll", "kl"))
        assert logged[f"{part}_elbo_nats_per_token"] == pytest.approx(nll + kl)
    assert np.isfinite(list(logged.values())).all()
