"""The method of masked models."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, ClassVar

from ostinato.config import Config
from ostinato.errors import ConfigError
from ostinato.methods.base import (
    EvaluationTask,
    Findings,
    Method,
    Samples,
    SamplingTask,
    TrainingTask,
)
from ostinato.methods.likelihood.monitoring import nats_per
from ostinato.methods.refusals import refuse_segments, refuse_without_voices

if TYPE_CHECKING:
    import pytorch_lightning as pl

    from ostinato.evaluation.likelihood import PieceLikelihoods
    from ostinato.methods.masked.module import MaskedModule
    from ostinato.methods.masked.settings import MaskedTraining
    from ostinato.models.masked.model import MaskedModel
    from ostinato.training.monitor import Monitor

IDLE = ("candidates", "choose", "guidance", "repetition_penalty", "repetition_window", "particles")


class Masked(Method):
    """Trains order-agnostic models of grids of voices, and fills in with them whatever is asked."""

    networks = "ostinato.models.masked.model.MaskedModel"
    test_metric = "test_nats_per_note"
    scores_pieces = True
    abilities = frozenset({"fill", "gibbs"})
    instead: ClassVar = {
        "training.label_weighting": "training.regions",
        "training.generator_rate": "training.learning_rate",
        "training.critic_rate": "training.learning_rate",
        "training.betas": "training.optimizer",
    }

    @classmethod
    def monitor(cls, unit: str) -> "Monitor":
        """Return the mean over orders of the negative log-likelihood by token."""
        return nats_per(unit)

    def unread(self, config: Config) -> Collection[str]:
        """Return settings of decoding from left to right, and scoring in several keys."""
        del config
        return (*(f"sampling.{name}" for name in IDLE), "evaluation.transpose")

    def check(self, config: Config) -> None:
        """Refuse several devices, and voices without an end."""
        super().check(config)
        training, chosen = config.build("training"), config["choices"]
        if training.devices > 1 or training.compile:
            raise ConfigError(
                f"model={chosen['model']} is trained on one device and not compiled: say "
                "training.devices=1 and training.compile=false."
            )
        if not config.build("representation").end_token:
            raise ConfigError(
                f"model={chosen['model']} learns how long pieces are: say "
                "representation.end_token=true."
            )

    def check_sampling(self, config: Config) -> None:
        """Refuse what only models of segments allow, and to fill in what has no voices."""
        super().check_sampling(config)
        sampling = config.build("sampling")
        refuse_segments(config)
        if sampling.needs == "fill" or sampling.prompt is not None:
            refuse_without_voices(config)

    def data(self, task: TrainingTask, network: "MaskedModel") -> "pl.LightningDataModule":
        """Return windows of the training pieces, and the validation pieces whole."""
        from ostinato.data.datamodule import MusicData
        from ostinato.data.windows import WindowSettings

        settings: MaskedTraining = task.settings
        voices = network.voices
        return MusicData(
            task.store,
            task.training,
            task.validation,
            task.representation,
            WindowSettings(
                max(voices, settings.window // voices * voices),  # whole time steps
                settings.batch_size,
                settings.transpose,
                task.seed,
                voices,
                settings.transpose_probability,
            ),
        )

    def module(self, task: TrainingTask, network: "MaskedModel") -> "MaskedModule":
        """Return the module that minimises the mean over orders."""
        import numpy as np
        import torch

        from ostinato.methods.masked.module import MaskedModule

        settings: MaskedTraining = task.settings
        offsets = task.store.offsets
        # a piece has an end token before its first step and one after its last
        tokens = offsets[task.training + 1] - offsets[task.training] - 2
        logs = np.log(np.maximum(tokens // network.voices, 1))
        deviation = max(float(logs.std()), 0.1)
        network.length.copy_(torch.tensor([float(logs.mean()), deviation]))
        return MaskedModule(network, settings)

    def sample(self, task: SamplingTask) -> Samples:
        """Draw cells that are not given, in random order or again and again."""
        from ostinato.methods.masked.sampling import sample

        return sample(task)

    def evaluate(self, task: EvaluationTask) -> Findings:
        """Score the test pieces by the mean over orders, beside counting tokens."""
        from ostinato.methods.likelihood.scoring import score_pieces

        return score_pieces(task)

    def score(self, task: EvaluationTask, names: Sequence[str]) -> "PieceLikelihoods":
        """Score pieces of any corpus, as `evaluate` does those of the test split."""
        from ostinato.methods.likelihood.scoring import score_named

        return score_named(task, names)
