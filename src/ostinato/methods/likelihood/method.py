"""The method of maximum likelihood."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from ostinato.config import Config
from ostinato.config.hydra_settings import flatten
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
from ostinato.sampling.settings import CONTROLS

if TYPE_CHECKING:
    import pytorch_lightning as pl

    from ostinato.evaluation.likelihood import PieceLikelihoods
    from ostinato.methods.likelihood.module import LikelihoodModule
    from ostinato.methods.likelihood.settings import LikelihoodTraining
    from ostinato.models.sequence import SequenceModel
    from ostinato.music.piece import Piece
    from ostinato.training.monitor import Monitor

PENALTY = ("sampling.repetition_penalty", "sampling.repetition_window")
NUCLEUS = (
    "sampling.top_k",
    "sampling.top_p",
    "sampling.min_p",
    "sampling.pitch_temperature",
    "sampling.pitch_top_p",
)
UNREAD_FILLING = (
    "sampling.temperature",
    *NUCLEUS,
    *PENALTY,
    "sampling.candidates",
    "sampling.choose",
    "sampling.guidance",
    *(f"sampling.control.{name}" for name in CONTROLS),
    "sampling.min_bars",
    "sampling.max_bars",
    "sampling.passes",
)
OF_TOKENS = (*PENALTY, "sampling.candidates", "sampling.choose", "sampling.min_bars")


class Likelihood(Method):
    """Trains sequence models to predict the next step, and samples from what they predict."""

    networks = "ostinato.models.sequence.SequenceModel"
    test_metric = "test_nats_per_note"
    scores_pieces = True
    abilities = frozenset({"fill"})
    instead: ClassVar = {
        "training.generator_rate": "training.learning_rate",
        "training.critic_rate": "training.learning_rate",
        "training.betas": "training.optimizer",
    }

    @classmethod
    def monitor(cls, unit: str) -> "Monitor":
        """Return the negative log-likelihood by token or frame."""
        return nats_per(unit)

    def unread(self, config: Config) -> Collection[str]:
        """Return settings of decoding that frames do not read, and those of unused parts.

        What is filled in is drawn from the distribution as it is.
        """
        idle = UNREAD_FILLING if config.build("sampling").needs == "fill" else ()
        return (*_unused_parts(config), *_unread_decoding(config), *idle)

    def check(self, config: Config) -> None:
        """Refuse weights of tokens where steps are none, and frames of more than 0 and 1."""
        super().check(config)
        training: LikelihoodTraining = config.build("training")
        representation, chosen = config.build("representation"), config["choices"]["representation"]
        if training.label_weighting and representation.kind != "tokens":
            raise ConfigError(
                f"training.label_weighting={training.label_weighting:g} weighs tokens, and the "
                f"steps of representation={chosen} are {representation.kind}: say "
                "training.label_weighting=0.0."
            )
        if representation.kind == "frames" and not representation.binary:
            raise ConfigError(
                f"representation={chosen} says how loud notes are, and models take frames of what "
                "sounds alone: say representation.velocity=false."
            )

    def check_sampling(self, config: Config) -> None:
        """Refuse no prompt where one is needed, and what only other models or voices allow."""
        super().check_sampling(config)
        model, sampling = config["choices"]["model"], config.build("sampling")
        if sampling.prompt is None and self.needs_prompt(config):
            raise ConfigError(
                f"model={model} has no token for a beginning: it makes music to what is given: say "
                "sampling=continue or sampling.prompt=my.mid."
            )
        refuse_segments(config)
        if sampling.needs == "fill":
            refuse_without_voices(config)
            if sampling.control.shares:
                raise ConfigError(
                    "sampling.control is not heeded where a piece is filled in: leave it out."
                )

    def controls(self, config: Config) -> Collection[str]:
        """Return what bars of the model can be asked to be like."""
        if config.build("representation").layout != "voices":
            return ()
        voices = config["model"].get("voices") or {}
        names: Collection[str] = (voices.get("controls") or {}).get("names", ())
        return names

    def needs_prompt(self, config: Config) -> bool:
        """Return whether tokens have no beginning of their own."""
        representation = config.build("representation")
        return representation.kind == "tokens" and not representation.end_token

    def check_prompt(self, config: Config, prompt: "Piece") -> None:
        """Refuse a prompt that cannot be written, where that is known before training."""
        representation = config.build("representation")
        if not representation.trainable:
            representation.encode(prompt)

    def data(self, task: TrainingTask, network: "SequenceModel") -> "pl.LightningDataModule":
        """Return windows of the training pieces, and the validation pieces whole."""
        from ostinato.data.datamodule import MusicData
        from ostinato.data.windows import WindowSettings

        settings: LikelihoodTraining = task.settings
        return MusicData(
            task.store,
            task.training,
            task.validation,
            task.representation,
            WindowSettings(
                settings.window,
                settings.batch_size,
                settings.transpose,
                task.seed,
                network.backbone.period,
                settings.transpose_probability,
            ),
        )

    def module(self, task: TrainingTask, network: "SequenceModel") -> "LikelihoodModule":
        """Return the module that minimises the negative log-likelihood."""
        from ostinato.methods.likelihood.module import (
            LikelihoodModule,
            fit_controls,
            token_weights,
        )

        settings: LikelihoodTraining = task.settings
        if network.controls is not None:
            fit_controls(network.controls, task)
        weights = token_weights(
            task.store, task.training, task.representation.size, settings.label_weighting
        )
        return LikelihoodModule(network, settings, weights)

    def sample(self, task: SamplingTask) -> Samples:
        """Draw sequences step by step, each after its prompt or from nothing."""
        if task.settings.needs == "fill":
            from ostinato.methods.likelihood.filling import sample_filled

            return sample_filled(task)
        from ostinato.methods.likelihood.sampling import sample

        return sample(task)

    def evaluate(self, task: EvaluationTask) -> Findings:
        """Score the test pieces, beside counting tokens."""
        from ostinato.methods.likelihood.scoring import score_pieces

        return score_pieces(task)

    def score(self, task: EvaluationTask, names: Sequence[str]) -> "PieceLikelihoods":
        """Score pieces of any corpus, as `evaluate` does those of the test split."""
        from ostinato.methods.likelihood.scoring import score_named

        return score_named(task, names)


def _unread_decoding(config: Config) -> Collection[str]:
    """Return the keys of decoding that frames do not read."""
    if config.build("representation").kind != "frames":
        return ()
    if config["model"].get("frame_head") is None:
        return OF_TOKENS
    head: Any = config.target("model.frame_head")
    return OF_TOKENS if head.one_of_many else (*OF_TOKENS, *NUCLEUS)


def _unused_parts(config: Config) -> list[str]:
    """Return the keys of the parts of the model that serve other representations."""
    representation, model = config.build("representation"), config["model"]
    unused: tuple[str, ...]
    if representation.kind == "frames":
        unused = ("input", "head", "voices")
    elif representation.layout == "voices" and model.get("voices") is not None:
        unused = ("input", "head", "frame_input", "frame_head")
    else:
        unused = ("frame_input", "frame_head", "voices")
    nodes = {part: model[part] for part in unused if model.get(part) is not None}
    return [key for part, node in nodes.items() for key in flatten(node, f"model.{part}.")]
