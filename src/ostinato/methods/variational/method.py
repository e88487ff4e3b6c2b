"""The method of a lower bound of the likelihood of segments."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from ostinato.config import Config
from ostinato.methods.base import EvaluationTask, Findings, SamplingTask, TrainingTask
from ostinato.methods.segments.findings import describe_nothing, describe_segments
from ostinato.methods.segments.method import SegmentMethod
from ostinato.methods.segments.monitoring import OBJECTIVE

if TYPE_CHECKING:
    from ostinato.data.datamodule import SegmentData
    from ostinato.methods.variational.module import VariationalModule
    from ostinato.methods.variational.settings import VariationalTraining
    from ostinato.models.variational.vae import VAE
    from ostinato.music.page import Given
    from ostinato.representations.voice_roll import VoiceRoll
    from ostinato.training.monitor import Monitor

MEASURED = 100  # training segments, at most, by which attribute vectors are measured


class Variational(SegmentMethod):
    """Trains variational autoencoders; given music is encoded, varied and decoded."""

    networks = "ostinato.models.variational.vae.VAE"
    abilities = frozenset({"latent"})
    instead: ClassVar = {
        **SegmentMethod.instead,
        "training.generator_rate": "training.learning_rate",
        "training.critic_rate": "training.learning_rate",
        "training.betas": "training.optimizer",
    }

    @classmethod
    def monitor(cls, unit: str) -> "Monitor":
        """Return the objective at its full weight, in nats per token."""
        del unit
        return OBJECTIVE

    def check_conditions(self, config: Config) -> None:
        """Accept given music: it has latent vectors."""

    def module(self, task: TrainingTask, network: "VAE") -> "VariationalModule":
        """Return the module that maximises the bound."""
        from ostinato.methods.variational.module import VariationalModule

        settings: VariationalTraining = task.settings
        return VariationalModule(network, settings, task.seed)

    def finish(self, task: TrainingTask, network: "VAE", data: "SegmentData") -> None:
        """Measure the attribute vectors."""
        from ostinato.evaluation.attribute_vectors import measure_attribute_vectors
        from ostinato.sampling.voice_rolls import encode

        roll = data.training.sample(MEASURED, task.seed)
        tokens = encode(roll, network.spec, network.directions.device)
        means = network.encode(tokens).mean
        network.directions.copy_(measure_attribute_vectors(network, means, task.seed))

    def conditions(self, task: SamplingTask) -> "VoiceRoll | None":
        """Return the first segments of the music that the settings name."""
        from ostinato.methods.variational.conditions import read_segments

        return read_segments(task) if task.settings.conditions else None

    def not_new(self, task: SamplingTask) -> "Given | None":
        """Return that the segment which is varied comes first."""
        from ostinato.methods.variational.conditions import mark_varied

        return mark_varied(task)

    def evaluate(self, task: EvaluationTask) -> Findings:
        """Compare segments of the prior with those of the test split, and measure the latter."""
        from ostinato.methods.segments.metrics import measure_segments, rounded
        from ostinato.methods.variational.latents import flatten, measure_latents

        if (found := measure_segments(task)) is None:
            return describe_nothing()
        metrics, ours, test = found
        network: Any = task.bundle.network
        latents = measure_latents(network, test, ours, task.config["seed"])
        findings = describe_segments(metrics, latents.figures["reconstruction"]["exact"])
        return replace(
            findings,
            metrics={**findings.metrics, "latents": rounded(latents.figures)},
            figures={**findings.figures, **flatten(latents.figures)},
            details={**latents.findings(), **findings.details},
            charts=latents.drawn,
            rolls=latents.rolls,
        )
