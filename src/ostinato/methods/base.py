"""Contract of methods, and the tasks that stages hand to them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from ostinato.config import Config
from ostinato.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    import pytorch_lightning as pl
    from numpy.typing import NDArray
    from pytorch_lightning.callbacks import Callback

    from ostinato.corpora.store import PieceStore
    from ostinato.data.store import TokenStore
    from ostinato.evaluation.likelihood import PieceLikelihoods
    from ostinato.evaluation.verdict import Headline, Verdict
    from ostinato.models.bundle import Bundle
    from ostinato.music.page import Given
    from ostinato.music.piece import Piece
    from ostinato.representations.base import Representation
    from ostinato.sampling.settings import Sampling
    from ostinato.tracking import Run
    from ostinato.training.module import MethodModule
    from ostinato.training.monitor import Monitor

TEST = "test"  # what a setting of sampling says for pieces of the test split
ABILITIES = {
    "fill": ("fills in given music", "lstm or masked"),
    "gibbs": ("draws music again, part by part", "masked"),
    "latent": ("has latent vectors", "vae"),
}
"""What some methods can do, by the name that sampling asks for it, and a model that does it."""


@dataclass(frozen=True)
class TrainingTask:
    """Music to train on; `training` and `validation` are indices into `store`.

    callbacks: of whoever trains, besides those of the method.
    """

    config: Config
    representation: "Representation"
    store: "TokenStore"
    pieces: "PieceStore"
    training: "NDArray[np.int64]"
    validation: "NDArray[np.int64]"
    callbacks: "Sequence[Callback]" = ()

    @property
    def seed(self) -> int:
        """Return the seed of weights and batches."""
        seed: int = self.config["seed"]
        return seed

    @cached_property
    def settings(self) -> Any:
        """Return the settings of the training, built once."""
        return self.config.build("training")


@dataclass(frozen=True)
class SamplingTask:
    """Model to sample from, settings, and the pieces of the test split.

    watch: called with the first piece as far as it goes, after each bar, by methods that compose
    from left to right.
    """

    bundle: "Bundle"
    settings: "Sampling"
    seed: int
    test_pieces: "Callable[[], Iterable[Piece]]"
    watch: "Callable[[Piece], None] | None" = None


@dataclass(frozen=True)
class Sample:
    """A new piece. ended: whether it came to an end of its own; None where none can.

    given: what of it is not new; facts: in a few words, what a listener should know of it.
    """

    piece: "Piece"
    ended: bool | None
    given: "Given | None" = None
    facts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Samples:
    """New pieces. continued: the name of the first piece of the test split that is continued."""

    samples: list[Sample]
    continued: str | None = None


@dataclass(frozen=True)
class EvaluationTask:
    """A bundle, the stored pieces, and by part of the split which of them (`indices`)."""

    config: Config
    bundle: "Bundle"
    store: "TokenStore"
    pieces: "PieceStore"
    split: Mapping[str, list[str]]


@dataclass(frozen=True)
class Findings:
    """Measurements of a model by its method.

    metrics: for metrics.json; figures: for the MLflow run, by name; summary: in a line; verdict:
    what a reader should know first; subtitle: what was measured; originals: by part of the split,
    `test` and `train`, real music of the form of the samples, to compare them with, None for whole
    pieces; likelihoods: rows of the report, the model's first; table: of the test pieces, as CSV;
    details: further figures in words; charts and rolls: PNGs by caption; headlines: the figures
    that count, with their controls.
    """

    summary: str
    verdict: "Verdict"
    metrics: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)
    subtitle: str = ""
    originals: "Mapping[str, list[Piece]] | None" = None
    likelihoods: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    table: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    charts: Mapping[str, bytes] = field(default_factory=dict)
    rolls: Mapping[str, bytes] = field(default_factory=dict)
    headlines: "Sequence[Headline]" = ()


class Method(ABC):
    """A way of learning music and of making it.

    networks: the class of the networks that it trains, by its dotted name. test_metric: the metric
    by which runs are compared in MLflow. instead: for settings of other methods, by dotted key,
    which one is right here. scores_pieces: whether it gives the likelihood of a whole piece.
    abilities: which of `ABILITIES` it has.
    """

    networks: ClassVar[str] = "torch.nn.modules.module.Module"
    test_metric: ClassVar[str]
    instead: ClassVar[Mapping[str, str]] = {}
    scores_pieces: ClassVar[bool] = False
    abilities: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    @abstractmethod
    def monitor(cls, unit: str) -> "Monitor":
        """Return the metric that chooses the best weights; steps are called `unit`."""

    def unread(self, config: Config) -> Collection[str]:
        """Return the dotted keys of sampling and evaluation that have no effect."""
        del config
        return ()

    def check(self, config: Config) -> None:
        """Raise `ConfigError` for what does not go together in a config."""
        model = config.target("model")
        if self.networks not in {f"{c.__module__}.{c.__qualname__}" for c in model.__mro__}:
            raise ConfigError(
                f"method={type(self).__name__} does not fit: it trains a "
                f"{self.networks.rpartition('.')[2]}, and model={config['choices']['model']} is a "
                f"{model.__name__}."
            )

    def check_sampling(self, config: Config) -> None:
        """Raise `ConfigError` for sampling that a model of the config cannot do."""
        sampling, chosen = config.build("sampling"), config["choices"]
        needs = sampling.needs
        if needs and needs not in self.abilities:
            words, model = ABILITIES[needs]
            raise ConfigError(
                f"sampling={chosen['sampling']} needs a model that {words}, and "
                f"model={chosen['model']} does not: say model={model}."
            )
        if unknown := sorted(set(sampling.control.shares) - set(self.controls(config))):
            raise ConfigError(
                f"sampling.control.{unknown[0]} needs a model that was trained with it, and this "
                f"model={chosen['model']} was not: train one on representation=voices with "
                f"model=lstm 'model.voices.controls.names=[{unknown[0]}]'."
            )

    def controls(self, config: Config) -> Collection[str]:
        """Return the names of `sampling.control` that a model of the config heeds."""
        del config
        return ()

    def needs_prompt(self, config: Config) -> bool:
        """Return whether a model of the config makes nothing from nothing."""
        del config
        return False

    def check_prompt(self, config: Config, prompt: "Piece") -> None:
        """Raise `UnencodableError` for a prompt that no model of the config can take."""
        del config, prompt

    @abstractmethod
    def data(self, task: TrainingTask, network: Any) -> "pl.LightningDataModule":
        """Return the batches to train and to validate on."""

    @abstractmethod
    def module(self, task: TrainingTask, network: Any) -> "MethodModule":
        """Return what Lightning trains; it holds the network."""

    def callbacks(self, task: TrainingTask, network: Any, run: "Run") -> "list[Callback]":
        """Return callbacks besides those of every training."""
        del task, network, run
        return []

    def is_validated(self, task: TrainingTask, data: Any) -> bool:
        """Return whether `data` has music to validate on, by which to choose the best weights."""
        del data
        return len(task.validation) > 0

    def finish(self, task: TrainingTask, network: Any, data: Any) -> None:
        """Complete a network that has its best weights; `data` is what it was trained on."""
        del task, network, data

    @abstractmethod
    def sample(self, task: SamplingTask) -> Samples:
        """Return new pieces; the same task gives the same ones.

        Raises `UserError` for music to continue or to vary that cannot be used.
        """

    @abstractmethod
    def evaluate(self, task: EvaluationTask) -> Findings:
        """Return what is measured of a model on the test split."""

    def score(self, task: EvaluationTask, names: Sequence[str]) -> "PieceLikelihoods":
        """Return the likelihood of stored pieces, which need not be of the model's own corpus.

        Of a method that `scores_pieces` alone.
        """
        raise NotImplementedError(f"{type(self).__name__} has no likelihood of {len(names)} pieces")
