"""Base of the methods of whole segments."""

import tempfile
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ostinato.config import Config
from ostinato.errors import ConfigError, UserError
from ostinato.methods.base import Method, Samples, SamplingTask, TrainingTask

if TYPE_CHECKING:
    from pytorch_lightning.callbacks import Callback

    from ostinato.data.datamodule import SegmentData
    from ostinato.models.segments import SegmentModel
    from ostinato.music.page import Given
    from ostinato.representations.voice_roll import VoiceRoll
    from ostinato.tracking import Run

DECODING = (
    "temperature",
    "top_k",
    "top_p",
    "min_p",
    "pitch_temperature",
    "pitch_top_p",
    "candidates",
    "choose",
    "guidance",
    "repetition_penalty",
    "repetition_window",
    "min_bars",
)
SCORING = ("smoothing", "batch_size", "transpose")


class SegmentMethod(Method):
    """Trains networks that make whole segments from noise, and samples from them."""

    test_metric = "test_overlapping_area"
    instead: ClassVar = {"training.window": "model.bars"}

    def unread(self, config: Config) -> Collection[str]:
        """Return what chooses among the probabilities of a next token, and what scores them."""
        keys = [f"sampling.{name}" for name in DECODING]
        keys += [f"evaluation.{name}" for name in SCORING]
        return keys if self.needs_prompt(config) else [*keys, "sampling.max_bars"]

    def check(self, config: Config) -> None:
        """Refuse several devices, and bars or pitches that the representation does not have."""
        super().check(config)
        training, chosen = config.build("training"), config["choices"]
        if training.devices > 1 or training.precision == "16-mixed":
            raise ConfigError(
                f"model={chosen['model']} is trained on one device, in 32 bits or bfloat16: "
                "say training.devices=1 and training.precision=32-true or bf16-mixed."
            )
        if training.compile:
            raise ConfigError(
                f"model={chosen['model']} is not compiled: say training.compile=false."
            )
        representation, pitches = config.build("representation"), config["model"]["pitch_range"]
        if representation.kind == "frames" and not representation.binary:
            raise ConfigError(
                f"representation={chosen['representation']} says how loud notes are, and models "
                "take frames of what sounds alone: say representation.velocity=false."
            )
        if representation.kind == "frames" and not representation.beat_steps:
            raise ConfigError(
                f"model={chosen['model']} takes steps of which a whole number are a quarter note, "
                f"and representation.step={config['representation']['step']} is none: say "
                "representation.step=1/4."
            )
        if not representation.lowest <= pitches[0] <= pitches[1] <= representation.highest:
            raise ConfigError(
                f"model.pitch_range={list(pitches)} leaves the pitches of "
                f"representation={chosen['representation']}, {representation.lowest} to "
                f"{representation.highest}."
            )

    def check_sampling(self, config: Config) -> None:
        """Refuse a prompt that is not continued, none where one is needed, and given music."""
        super().check_sampling(config)
        model, sampling = config["choices"]["model"], config.build("sampling")
        conditional = self.needs_prompt(config)
        if conditional and sampling.prompt is None:
            raise ConfigError(
                f"model={model} makes music to what is given: say sampling=continue or "
                "sampling.prompt=my.mid."
            )
        if sampling.prompt is not None and not conditional:
            raise ConfigError(
                f"sampling.prompt={sampling.prompt} does not fit: model={model} makes whole "
                "segments and continues none: say sampling.prompt=null."
            )
        if conditional and sampling.interpolation_steps is not None:
            raise ConfigError(
                f"sampling.interpolation_steps={sampling.interpolation_steps} does not fit: "
                f"model={model} makes no segments from noise alone, to interpolate between: set it "
                "to null."
            )
        self.check_conditions(config)

    def check_conditions(self, config: Config) -> None:
        """Refuse music to vary: only a model with latent vectors can."""
        sampling, chosen = config.build("sampling"), config["choices"]
        if sampling.conditions:
            raise ConfigError(
                f"sampling={chosen['sampling']} begins with given music "
                f"({', '.join(sampling.conditions)}), and model={chosen['model']} finds no latent "
                "vectors of it: say model=vae."
            )

    def needs_prompt(self, config: Config) -> bool:
        """Return whether something of each segment is given."""
        model = config["model"]
        return bool(model.get("given_bars")) or model.get("given_voice") is not None

    def data(self, task: TrainingTask, network: "SegmentModel") -> "SegmentData":
        """Return segments of the training pieces, and those to judge by."""
        from ostinato.data.datamodule import SegmentData
        from ostinato.methods.segments.cutting import JUDGED, cut_segments, report_segments

        settings = task.settings
        training, validation = (
            cut_segments(task.store, indices, task.pieces, task.representation, network)
            for indices in (task.training, task.validation)
        )
        report_segments(training, validation, settings.batch_size)
        return SegmentData(
            training,
            validation,
            batch_size=settings.batch_size,
            transpose=settings.transpose,
            transpose_probability=settings.transpose_probability,
            seed=task.seed,
            judged=JUDGED,
        )

    def is_validated(self, task: TrainingTask, data: "SegmentData") -> bool:
        """Return whether a segment was cut from the validation pieces."""
        del task
        return len(data.real) > 1

    def callbacks(
        self, task: TrainingTask, network: "SegmentModel", run: "Run"
    ) -> "list[Callback]":
        """Return what puts samples on the MLflow run, where there is one."""
        del network
        from ostinato.methods.segments.callbacks import SampleLogger

        every = task.settings.samples_every
        if not every or run.client is None:
            return []
        return [SampleLogger(every, _show(task.representation, run))]

    def sample(self, task: SamplingTask) -> Samples:
        """Make segments from noise, or to bars or voices that are given."""
        from ostinato.methods.segments.sampling import sample, sample_to

        network: Any = task.bundle.network
        if network.condition_mask is not None:
            return sample_to(task)
        return sample(task, self.conditions(task), self.not_new(task))

    def conditions(self, task: SamplingTask) -> "VoiceRoll | None":
        """Return the segments to vary or to go between; None of a model without latent vectors."""
        if task.settings.conditions:
            raise UserError(
                "this sampling begins with given music, and "
                f"model={task.bundle.config['choices']['model']} finds no latent vectors of it: "
                "train model=vae."
            )
        return None

    def not_new(self, task: SamplingTask) -> "Given | None":
        """Return what of each piece is given; nothing where all is new."""
        del task
        return None


def _show(representation: Any, run: "Run") -> "Callable[[int, VoiceRoll], None]":
    """Return what puts a picture and the sound of segments on the MLflow run."""
    from ostinato.music import sound
    from ostinato.music.picture import piano_roll
    from ostinato.sampling.segments import join_segments

    def show(epoch: int, roll: "VoiceRoll") -> None:
        name = f"epoch-{epoch:04d}"
        piece = representation.decode(join_segments(roll, representation), name)
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            (folder / f"{name}.png").write_bytes(piano_roll(piece))
            sound.write_wav(folder / f"{name}.wav", sound.render(piece), sound.SAMPLE_RATE)
            run.artifacts(folder, "training")

    return show
