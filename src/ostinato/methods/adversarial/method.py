"""The method of a generator against a critic."""

from typing import TYPE_CHECKING, ClassVar

from ostinato.config import Config
from ostinato.errors import ConfigError
from ostinato.methods.base import EvaluationTask, Findings, TrainingTask
from ostinato.methods.segments.findings import describe_nothing, describe_segments
from ostinato.methods.segments.method import SegmentMethod
from ostinato.methods.segments.monitoring import OVERLAP

if TYPE_CHECKING:
    from pytorch_lightning.callbacks import Callback

    from ostinato.methods.adversarial.module import AdversarialModule, Judgement
    from ostinato.methods.adversarial.settings import AdversarialTraining
    from ostinato.models.adversarial.gan import GAN
    from ostinato.models.segments import SegmentModel
    from ostinato.representations.voice_roll import VoiceRoll
    from ostinato.tracking import Run
    from ostinato.training.monitor import Monitor


class Adversarial(SegmentMethod):
    """Trains GANs; the best weights are those whose segments are most like real ones."""

    networks = "ostinato.models.adversarial.gan.GAN"
    instead: ClassVar = {
        **SegmentMethod.instead,
        "training.learning_rate": "training.generator_rate and training.critic_rate",
        "training.optimizer": "training.betas, which are Adam's,",
        "training.gradient_clip": "model.objective.penalty",
    }

    @classmethod
    def monitor(cls, unit: str) -> "Monitor":
        """Return the overlapping area with real segments."""
        del unit
        return OVERLAP

    def check(self, config: Config) -> None:
        """Refuse gradients that are averaged over batches: two networks take turns."""
        super().check(config)
        accumulate = config.build("training").accumulate
        if accumulate > 1:
            raise ConfigError(
                f"training.accumulate={accumulate} does not fit a GAN, whose networks take turns: "
                "say training.accumulate=1, and raise training.batch_size."
            )

    def module(self, task: TrainingTask, network: "GAN") -> "AdversarialModule":
        """Return the module that trains generator and critic."""
        from ostinato.methods.adversarial.module import AdversarialModule

        settings: AdversarialTraining = task.settings
        return AdversarialModule(network, settings, _judge, task.seed)

    def callbacks(
        self, task: TrainingTask, network: "SegmentModel", run: "Run"
    ) -> "list[Callback]":
        """Return what ends a training that has collapsed, besides those of every segment model."""
        from ostinato.methods.adversarial.callbacks import CollapseStopping

        stopping = CollapseStopping(task.settings.collapse)
        return [stopping, *super().callbacks(task, network, run)]

    def evaluate(self, task: EvaluationTask) -> Findings:
        """Compare generated segments with those of the test split."""
        from ostinato.methods.segments.metrics import measure_segments

        found = measure_segments(task)
        return describe_nothing() if found is None else describe_segments(found[0])


def _judge(generated: "VoiceRoll", real: "VoiceRoll") -> "Judgement":
    """Return what a comparison of generated segments with real ones gives."""
    from ostinato.evaluation.segments import overlap, overlaps, set_statistics
    from ostinato.methods.adversarial.module import Judgement

    area = overlap(overlaps(generated, real))
    return Judgement(area, set_statistics(generated), set_statistics(real))
