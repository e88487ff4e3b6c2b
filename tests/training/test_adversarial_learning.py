"""A GAN learns, is judged, resumes to the same weights, and stops where it has collapsed."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from trainings import Points, joined

from defaults import build
from ostinato.data.datamodule import SegmentData
from ostinato.data.segments import Segments, cut
from ostinato.methods.adversarial import module as adversarial
from ostinato.methods.adversarial.callbacks import PATIENCE, CollapseStopping
from ostinato.methods.adversarial.module import AdversarialModule, Judgement
from ostinato.methods.adversarial.settings import AdversarialTraining
from ostinato.methods.segments.callbacks import SampleLogger
from ostinato.models.adversarial.gan import GAN
from ostinato.music.piece import Piece
from ostinato.representations.voice_roll import VoiceRoll
from ostinato.training import trainer
from ostinato.training.trainer import Fitted
from small_gans import gan_of
from small_networks import store_of
from stopping import OFTEN, stopped_in_epoch

SHORT = build(
    "training=cpu method=adversarial",
    epochs=4,
    batch_size=16,
    transpose=(-3, 3),
    schedule="constant",
    warmup=0.0,
    early_stopping=None,
)


@pytest.fixture(scope="module")
def segments(
    short_chorales: list[Piece], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Segments, Segments]:
    """Segments of a dozen chorales at eighths, and of four others."""
    voices = build("representation=voices", steps_per_quarter=2, bar_steps=8)
    store = store_of(short_chorales[:16], voices, tmp_path_factory.mktemp("store") / "tokens")
    every = np.arange(len(store.names))
    first, second = (
        cut(store, part, short_chorales, voices, 2, (36, 83)) for part in (every[:12], every[12:])
    )
    assert len(first) > 60
    assert len(second) > 10
    return first, second


def figures(roll: VoiceRoll) -> dict[str, float]:
    differ = (roll.pitch[1:] != roll.pitch[:-1]).mean()
    empty = (~roll.sounding).all(axis=2).mean()
    return {"diversity": float(differ), "empty_bars": float(empty), "qualified_notes": 1.0}


def judge(generated: VoiceRoll, real: VoiceRoll) -> Judgement:
    """How near the mean pitches are."""
    # silence counts as the pitch above the highest of the network
    means = [roll.pitch.clip(max=84).mean() for roll in (generated, real)]
    overlap = float(np.exp(-abs(means[0] - means[1]) / 10))
    return Judgement(overlap, figures(generated), figures(real))


def fit(
    segments: tuple[Segments, Segments],
    folder: Path,
    training: AdversarialTraining = SHORT,
    seed: int = 1,
    validated: bool = True,
    more: Any = (),
    judge: adversarial.Judge = judge,
    changed: dict[str, Any] | None = None,
    logger: Any = None,
    **objective: Any,
) -> tuple[Fitted, GAN]:
    settings = {f.name for f in fields(AdversarialTraining)} & set(objective)
    training = replace(training, **{name: objective.pop(name) for name in settings})
    network = gan_of(objective=objective, **(changed or {}))
    data = SegmentData(
        segments[0],
        segments[1] if validated else replace(segments[1], starts=segments[1].starts[:0]),
        batch_size=training.batch_size,
        transpose=training.transpose,
        transpose_probability=1.0,
        seed=seed,
        judged=50,
    )
    module = AdversarialModule(network, training, judge, seed)
    fitted = trainer.fit(
        module, data, training, trainer.FitOptions(seed, folder, logger, validated, more)
    )
    return fitted, network


def weights(network: torch.nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in network.parameters()])


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Whose step it was, in every training from here on."""
    seen: list[str] = []
    for name in ("critic", "generator"):
        method = getattr(AdversarialModule, f"_{name}_step")

        def step(*arguments: Any, name: str = name, method: Any = method) -> None:
            seen.append(name)
            method(*arguments)

        monkeypatch.setattr(AdversarialModule, f"_{name}_step", step)
    return seen


def test_the_generator_learns_where_voices_are(
    segments: tuple[Segments, Segments], tmp_path: Path
) -> None:
    rates = {"generator_rate": 0.01, "critic_rate": 0.01}
    fitted, _ = fit(segments, tmp_path, replace(SHORT, epochs=25), **rates)
    overlaps = [row["validation"] for row in fitted.curves]
    assert overlaps[0] < 0.6
    assert max(overlaps) > 0.85


def test_the_same_seed_gives_the_same_weights_bit_for_bit(
    segments: tuple[Segments, Segments], tmp_path: Path
) -> None:
    one, first = fit(segments, tmp_path / "one")
    two, second = fit(segments, tmp_path / "two")
    _, other = fit(segments, tmp_path / "other", seed=2)
    assert torch.equal(weights(first), weights(second))
    assert one == two
    assert not torch.equal(weights(first), weights(other))


@pytest.mark.parametrize("validated", [True, False])
@pytest.mark.parametrize(
    "objective", [{}, {"averaging": None, "critic_steps": 3}], ids=["averaged", "plain"]
)
def test_stopped_and_resumed_it_ends_in_the_same_weights(
    segments: tuple[Segments, Segments],
    tmp_path: Path,
    validated: bool,
    objective: dict[str, Any],
) -> None:
    whole, network = fit(segments, tmp_path / "whole", validated=validated, **objective)
    with stopped_in_epoch(3, 3, AdversarialModule):
        fit(segments, tmp_path / "stopped", validated=validated, **objective)
    reached = torch.load(tmp_path / "stopped" / "last.ckpt", weights_only=True)
    assert reached["epoch"] == 1
    fitted, resumed = fit(segments, tmp_path / "stopped", validated=validated, **objective)
    assert fitted == whole
    assert torch.equal(weights(resumed), weights(network))
    again, ended = fit(segments, tmp_path / "stopped", validated=validated, **objective)
    assert again == whole
    assert torch.equal(weights(ended), weights(network))


@pytest.mark.parametrize("epoch", [1, 4])
@pytest.mark.parametrize(
    "objective", [{}, {"averaging": None, "critic_steps": 3}], ids=["averaged", "plain"]
)
def test_stopped_within_an_epoch_it_ends_in_the_same_weights(
    segments: tuple[Segments, Segments], tmp_path: Path, epoch: int, objective: dict[str, Any]
) -> None:
    often = replace(SHORT, checkpoint_minutes=OFTEN)
    points = [Points() for _ in range(3)]
    whole, network = fit(segments, tmp_path / "whole", logger=points[0], **objective)
    with stopped_in_epoch(epoch, 4, AdversarialModule):
        fit(segments, tmp_path / "stopped", often, logger=points[1], **objective)
    reached = torch.load(tmp_path / "stopped" / "within.ckpt", weights_only=True)
    assert reached["epoch"] == epoch - 1
    fitted, resumed = fit(segments, tmp_path / "stopped", often, logger=points[2], **objective)
    assert fitted == whole
    assert torch.equal(weights(resumed), weights(network))
    assert "critic_gap" in points[0].points
    assert joined(points[1], points[2]) == points[0].points


def test_the_best_weights_are_kept(segments: tuple[Segments, Segments], tmp_path: Path) -> None:
    rates = {"generator_rate": 0.01, "critic_rate": 0.01}
    fitted, network = fit(segments, tmp_path, replace(SHORT, epochs=8), **rates)
    overlaps = [row["validation"] for row in fitted.curves]
    assert fitted.best_validation == max(overlaps)
    assert fitted.best_epoch == 1 + int(np.argmax(overlaps))
    assert fitted.monitor.words == "overlapping area"
    kept = torch.load(tmp_path / "best.ckpt", weights_only=True)["state_dict"]
    assert all(torch.equal(kept[f"network.{k}"], v) for k, v in network.state_dict().items())


def test_without_validation_pieces_the_last_weights_are_kept_and_still_judged(
    segments: tuple[Segments, Segments], tmp_path: Path
) -> None:
    fitted, _ = fit(segments, tmp_path, validated=False)
    assert fitted.best_validation is None
    assert fitted.best_epoch == SHORT.epochs
    assert all(set(row) == {"epoch", "train"} for row in fitted.curves)


def test_the_critic_steps_so_often_before_the_generator(
    segments: tuple[Segments, Segments], tmp_path: Path, steps: list[str]
) -> None:
    fit(segments, tmp_path, replace(SHORT, epochs=1, batch_size=8), critic_steps=3)
    whole = len(steps) // 4 * 4
    assert steps[:whole] == ["critic", "critic", "critic", "generator"] * (whole // 4)


def test_fewer_segments_than_a_batch_are_a_batch(
    segments: tuple[Segments, Segments], tmp_path: Path, steps: list[str]
) -> None:
    fitted, _ = fit(segments, tmp_path, replace(SHORT, batch_size=1000))
    assert steps == ["critic", "generator"] * SHORT.epochs
    assert len(fitted.curves) == SHORT.epochs


def test_everything_is_logged_for_the_run(
    segments: tuple[Segments, Segments], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: dict[str, float] = {}

    def keep(_: AdversarialModule, values: dict[str, Any], **__: Any) -> None:
        logged.update({name: float(value) for name, value in values.items()})

    monkeypatch.setattr(AdversarialModule, "log_dict", keep)
    fit(segments, tmp_path, replace(SHORT, epochs=1))
    names = {"critic_gap", "gradient_penalty", "generator_loss", "diversity", "empty_bars"}
    assert names <= set(logged)
    assert np.isfinite(list(logged.values())).all()


def collapsed(generated: VoiceRoll, real: VoiceRoll) -> Judgement:
    alike = {"diversity": 0.05, "empty_bars": 0.0, "qualified_notes": 1.0}
    return replace(judge(generated, real), generated=alike)


def test_a_training_that_collapses_stops_in_a_sentence_with_its_best_weights(
    segments: tuple[Segments, Segments], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = replace(SHORT, epochs=50)
    fitted, network = fit(segments, tmp_path, long, judge=collapsed, more=[CollapseStopping(0.2)])
    assert len(fitted.curves) == PATIENCE
    told = " ".join(capsys.readouterr().err.split())
    assert told.startswith("warning: the training has collapsed: for 5 validations its segments")
    assert told.count("collapsed") == 1
    kept = torch.load(tmp_path / "best.ckpt", weights_only=True)["state_dict"]
    assert all(torch.equal(kept[f"network.{k}"], v) for k, v in network.state_dict().items())
    again, ended = fit(segments, tmp_path, long, judge=collapsed, more=[CollapseStopping(0.2)])
    assert again == fitted, "what had stopped stays stopped"
    assert torch.equal(weights(ended), weights(network))


def test_silence_is_a_collapse_and_a_bad_moment_is_none(
    segments: tuple[Segments, Segments], tmp_path: Path
) -> None:
    calls = iter(range(10_000))

    def silent(_: VoiceRoll, real: VoiceRoll) -> Judgement:
        often = next(calls) // 2 >= 6  # it is asked twice a validation
        empty = {"diversity": 0.9, "empty_bars": 0.8, "qualified_notes": 0.0}
        fine = figures(real)
        return Judgement(0.5, empty if often else fine, fine)

    def moody(generated: VoiceRoll, real: VoiceRoll) -> Judgement:
        bad = next(calls) // 2 % 2
        return (collapsed if bad else judge)(generated, real)

    long = replace(SHORT, epochs=14, batch_size=1000)
    fitted, _ = fit(segments, tmp_path / "silent", long, judge=silent, more=[CollapseStopping(0.2)])
    assert len(fitted.curves) == 6 + PATIENCE
    fitted, _ = fit(segments, tmp_path / "moody", long, judge=moody, more=[CollapseStopping(0.0)])
    assert len(fitted.curves) == 14


@pytest.mark.parametrize("changed", [{"given_bars": 1}, {"given_voice": 0}])
def test_what_is_given_comes_from_the_segments_it_is_judged_by(
    segments: tuple[Segments, Segments], tmp_path: Path, changed: dict[str, int]
) -> None:
    alike: list[bool] = []

    def look(generated: VoiceRoll, real: VoiceRoll) -> Judgement:
        ours, theirs = (roll.pitch[: len(real)] for roll in (generated, real))
        part = (slice(None), 0) if "given_voice" in changed else (..., slice(0, 8))
        alike.append(np.array_equal(ours[part], theirs[part]) and not np.array_equal(ours, theirs))
        assert len(generated) == adversarial.JUDGED
        return judge(generated, real)

    fitted, _ = fit(segments, tmp_path, replace(SHORT, epochs=2), judge=look, changed=changed)
    assert len(fitted.curves) == 2
    assert alike == [True] * 4


def test_samples_of_the_same_noise_are_shown_every_few_epochs_and_at_the_end(
    segments: tuple[Segments, Segments], tmp_path: Path
) -> None:
    shown: list[tuple[int, tuple[int, ...]]] = []
    samples = SampleLogger(2, lambda epoch, roll: shown.append((epoch, roll.pitch.shape)))
    fit(segments, tmp_path, replace(SHORT, epochs=5), more=[samples])
    assert shown == [(epoch, (4, 4, 16)) for epoch in (2, 4, 5)]


def test_rates_follow_the_schedule(
    segments: tuple[Segments, Segments], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[float, ...]] = []

    def look(module: AdversarialModule, *_: Any) -> None:
        seen.append(tuple(o.param_groups[0]["lr"] for o in module.optimizers()))  # type: ignore[union-attr]

    monkeypatch.setattr(AdversarialModule, "on_train_batch_end", look)
    rates = {"generator_rate": 0.001, "critic_rate": 0.002}
    fit(segments, tmp_path, replace(SHORT, schedule="linear"), **rates)
    generator, critic = np.array(seen).T
    assert np.allclose(critic, 2 * generator)
    assert np.allclose(np.diff(generator), -0.001 / len(seen))
    assert generator[0] == 0.001
