"""The method of sequence models that know what is given."""

from typing import TYPE_CHECKING, Any, ClassVar

from ostinato.config import Config
from ostinato.errors import ConfigError
from ostinato.methods.base import Samples, SamplingTask, TrainingTask
from ostinato.methods.likelihood import Likelihood

if TYPE_CHECKING:
    from ostinato.methods.anticipation.module import AnticipationModule

DRAWN = tuple(
    f"sampling.{name}"
    for name in ("temperature", "top_k", "top_p", "pitch_temperature", "pitch_top_p")
)
"""Settings of one draw, which what is filled in takes as well."""


class Anticipation(Likelihood):
    """Trains sequence models by maximum likelihood, with parts of the music given ahead."""

    networks = "ostinato.models.anticipation.AnticipationModel"
    instead: ClassVar = {
        **Likelihood.instead,
        "training.label_weighting": "training.regions",
    }

    def unread(self, config: Config) -> tuple[str, ...]:
        """Return what `Likelihood` does not read either, but for the settings of one draw."""
        filled = config.build("sampling").needs == "fill"
        idle = [key for key in super().unread(config) if not (filled and key in DRAWN)]
        return (*idle, "training.label_weighting", *(["sampling.particles"] if filled else []))

    def check(self, config: Config) -> None:
        """Refuse several devices, and settings of the loss that have no effect here."""
        super().check(config)
        training, model = config.build("training"), config["choices"]["model"]
        if training.devices > 1 or training.compile:
            raise ConfigError(
                f"model={model} is trained on one device and not compiled: say "
                "training.devices=1 and training.compile=false."
            )

    def module(self, task: TrainingTask, network: Any) -> "AnticipationModule":
        """Return the module that minimises the negative log-likelihood of what is not given."""
        from ostinato.methods.anticipation.module import AnticipationModule

        return AnticipationModule(network, task.settings)

    def sample(self, task: SamplingTask) -> Samples:
        """Draw from left to right, knowing what is given further on."""
        if task.settings.needs == "fill":
            from ostinato.methods.anticipation.sampling import sample_filled

            return sample_filled(task)
        return super().sample(task)
