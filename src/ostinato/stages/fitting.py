"""What a network is fitted on and by: likelihood, a critic, or the bound of an autoencoder."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato import console
from ostinato.config import Config
from ostinato.errors import UserError
from ostinato.stages.workspace import Workspace
from ostinato.tracking import Run
from ostinato.wording import agree, quantity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pytorch_lightning import LightningModule
    from pytorch_lightning.callbacks import Callback

    from ostinato.data.segments import Segments
    from ostinato.data.store import TokenStore
    from ostinato.models.segments import Lines, SegmentModel
    from ostinato.models.variational.vae import VAE
    from ostinato.representations.bar_grid import BarGrid
    from ostinato.representations.base import Representation
    from ostinato.training.adversarial import Judge
    from ostinato.training.settings import Training
    from ostinato.training.trainer import Fitted

ASKED = 100  # training segments, at most, by which directions are measured


@dataclass(frozen=True)
class Task:
    """What there is to train on: the stored pieces, and which are for what."""

    config: Config
    workspace: Workspace
    representation: "Representation"
    store: "TokenStore"
    training: "NDArray[np.int64]"
    validation: "NDArray[np.int64]"


def fit(task: Task, network: Any, checkpoints: Path, mlflow_run: Run) -> "Fitted":
    """Fit a network by what it is; it carries the best weights afterwards."""
    from ostinato.models.segments import SegmentModel

    if isinstance(network, SegmentModel):
        return _fit_segments(task, network, checkpoints, mlflow_run)
    return _fit_sequences(task, network, checkpoints, mlflow_run)


def _fit_sequences(task: Task, network: Any, checkpoints: Path, mlflow_run: Run) -> "Fitted":
    from ostinato.data.datamodule import MusicData
    from ostinato.training import trainer
    from ostinato.training.likelihood import LikelihoodModule, token_weights

    settings, seed = task.config.build("training"), task.config["seed"]
    data = MusicData(
        task.store,
        task.training,
        task.validation,
        task.representation,
        settings.window,
        settings.batch_size,
        settings.transpose,
        seed,
        network.backbone.period,
        settings.transposed,
    )
    weights = token_weights(
        task.store, task.training, task.representation.size, settings.label_weighting
    )
    module = LikelihoodModule(network, settings, weights)
    validated = len(task.validation) > 0
    return trainer.fit(module, data, settings, seed, checkpoints, mlflow_run.logger(), validated)


def _fit_segments(
    task: Task, network: "SegmentModel", checkpoints: Path, mlflow_run: Run
) -> "Fitted":
    from ostinato.data.datamodule import SegmentData
    from ostinato.models.variational.vae import VAE
    from ostinato.training import trainer
    from ostinato.training.adversarial import JUDGED
    from ostinato.training.watching import Samples

    settings, seed, objective = (
        task.config.build("training"),
        task.config["seed"],
        network.objective,
    )
    training, validation = (_segments(task, network, part) for part in ("training", "validation"))
    _say(training, validation, settings.batch_size)
    data = SegmentData(
        training,
        validation,
        settings.batch_size,
        settings.transpose,
        settings.transposed,
        seed,
        JUDGED,
    )
    module, more = _learner(network, settings, seed)
    if objective.samples_every and mlflow_run.client is not None:
        show = _show(network, task.representation, mlflow_run)  # type: ignore[arg-type]
        more.append(Samples(objective.samples_every, show))
    logger = mlflow_run.logger()
    validated = len(validation) > 0
    fitted = trainer.fit(module, data, settings, seed, checkpoints, logger, validated, more)
    if isinstance(network, VAE):
        _learn_directions(network, training, seed)
    return fitted


def _learner(
    network: "SegmentModel", settings: "Training", seed: int
) -> "tuple[LightningModule, list[Callback]]":
    """What fits a segment model, and watches it."""
    from ostinato.models.adversarial.gan import GAN
    from ostinato.models.variational.vae import VAE
    from ostinato.training.adversarial import AdversarialModule
    from ostinato.training.variational import VariationalModule
    from ostinato.training.watching import Collapse

    if isinstance(network, VAE):
        return VariationalModule(network, settings, seed), []
    if isinstance(network, GAN):
        judge = _judge(network)
        collapse = Collapse(network.objective.collapse)
        return AdversarialModule(network, settings, judge, seed), [collapse]
    raise TypeError(f"no way to fit {type(network).__name__}")


def _learn_directions(network: "VAE", training: "Segments", seed: int) -> None:
    """Where more and less of each attribute lies."""
    from ostinato.evaluation.directions import directions_of

    batch = training.drawn(ASKED, seed)
    means = network.encode(network.say(batch.pitch, batch.onset)).mean
    network.directions.copy_(directions_of(network, means, seed))


def _segments(task: Task, network: "SegmentModel", part: str) -> "Segments":
    from ostinato.stages.cutting import segments_of

    indices = task.training if part == "training" else task.validation
    return segments_of(task.workspace, task.store, indices, task.representation, network)


def _say(training: "Segments", validation: "Segments", batch_size: int) -> None:
    """Tell what was cut, and refuse where nothing was."""
    low, high = training.pitches
    bars = f"{quantity(training.bars, 'bar')} of {training.representation.bar_steps} steps"
    left_out = []
    if training.other_bars:
        others = training.other_bars
        left_out.append(
            f"{quantity(others, 'piece')} {agree(others, 'has', 'have')} no {bars} in a row"
        )
    if training.outside:
        away = quantity(training.outside, "segment")
        left_out.append(
            f"{away} {agree(training.outside, 'leaves', 'leave')} the pitches {low} to {high}"
        )
    if not len(training):
        raise UserError(
            f"no segment of {bars} can be cut from the training pieces: "
            f"{' and '.join(left_out) or 'they are silent'}. Change model.bars, model.pitch_range, "
            "representation.bar_steps or the corpus."
        )
    console.say(
        f"{quantity(len(training), 'segment')} of {bars} to train on, {len(validation)} for "
        "validation" + (f"; left out: {' and '.join(left_out)}" if left_out else "")
    )
    if len(training) < batch_size:
        console.warn(f"all segments fit into one batch: training.batch_size is {batch_size}.")


def _judge(network: "SegmentModel") -> "Judge":
    """Measures generated segments against real ones."""
    from ostinato.evaluation.segments import by_themselves, excerpts_of, overlap, overlaps
    from ostinato.training.adversarial import Judgement

    def judge(generated: "Lines", real: "Lines") -> Judgement:
        ours, theirs = (excerpts_of(lines, network.shape) for lines in (generated, real))
        return Judgement(
            overlap(overlaps(ours, theirs)), by_themselves(ours), by_themselves(theirs)
        )

    return judge


def _show(
    network: "SegmentModel", representation: "BarGrid", mlflow_run: Run
) -> "Callable[[int, Lines], None]":
    """Puts a picture and the sound of segments on the MLflow run."""
    from ostinato.music import sound
    from ostinato.music.picture import piano_roll
    from ostinato.sampling.segments import strung

    def show(epoch: int, lines: "Lines") -> None:
        name = f"epoch-{epoch:04d}"
        piece = representation.decode(strung(lines, network.shape, representation), name)
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            (folder / f"{name}.png").write_bytes(piano_roll(piece))
            sound.write_wav(folder / f"{name}.wav", sound.render(piece), sound.SAMPLE_RATE)
            mlflow_run.artifacts(folder, "training")

    return show
