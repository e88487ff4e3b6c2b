"""The settings of a training."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from ostinato.config.registered import is_registered, parse_address

Precision = Literal["32-true", "16-mixed", "bf16-mixed"]


@dataclass(frozen=True)
class Training:
    """Settings of training. conf/training/ holds the options.

    With `minutes`, how many steps are made, and at which rates, depends on the machine and on what
    else it does: such a training is not reproducible bit for bit. `epochs` stays an upper bound.
    """

    epochs: Annotated[int, Field(ge=1, description="passes over the training pieces")]
    batch_size: Annotated[int, Field(ge=1, description="windows side by side, on each device")]
    accumulate: Annotated[
        int, Field(ge=1, description="batches whose gradients are averaged before each step")
    ]
    schedule: Annotated[
        Literal["constant", "cosine", "linear"],
        Field(description="of the learning rate after the warm-up: as it is, or down to 0"),
    ]
    warmup: Annotated[
        float, Field(ge=0, lt=1, description="share of all steps in which the rate rises from 0")
    ]
    transpose: Annotated[
        tuple[int, int],
        Field(description="lowest and highest transposition drawn for a window, in semitones"),
    ]
    transpose_probability: Annotated[
        float,
        Field(ge=0, le=1, description="share of windows that are transposed at random"),
    ]
    early_stopping: Annotated[
        int | None,
        Field(
            ge=1, description="validations without a better likelihood to stop after; null: none"
        ),
    ]
    validate_every: Annotated[
        int, Field(ge=1, description="epochs from one validation to the next; the last has one too")
    ]
    minutes: Annotated[
        float | None,
        Field(
            gt=0,
            description="end training, and its schedule, by the clock: not reproducible; null: no",
        ),
    ]
    checkpoint_minutes: Annotated[
        float | None,
        Field(
            gt=0,
            description="time in an epoch after which, and then again, a checkpoint is written; "
            "null: after epochs only",
        ),
    ]
    accelerator: Annotated[
        Literal["auto", "cpu", "gpu", "mps"], Field(description="where to train")
    ]
    devices: Annotated[
        int, Field(ge=1, description="how many of them, each with a process of its own")
    ]
    threads: Annotated[
        int | None,
        Field(
            ge=1,
            le=1024,
            description="threads that the processor computes with; null: a sweep's job its share "
            "of the cores, else one for each core",
        ),
    ]
    strategy: Annotated[
        str, Field(description="Lightning's strategy where there are several: auto is ddp")
    ]
    precision: Annotated[
        Precision,
        Field(description="of the arithmetic; a processor without bfloat16 takes 32 bits for it"),
    ]
    compile: Annotated[
        bool, Field(description="compile the training step: slow to begin, needs a C++ compiler")
    ]
    overfit_batches: Annotated[
        int, Field(ge=0, description="train on this many batches alone; 0: on everything")
    ]
    initial: Annotated[
        str | None,
        Field(
            min_length=1,
            description="the model whose weights training starts from, a folder or "
            "models:/NAME@ALIAS; null: random weights",
        ),
    ]
    lora_rank: Annotated[
        int | None,
        Field(
            ge=1,
            description="rank of the small matrices that are trained in place of the weights of "
            "training.initial (Hu et al. 2022); null: all weights are trained",
        ),
    ]
    max_pieces: Annotated[
        int | None, Field(ge=1, description="train on the first of the pieces only; null: all")
    ]
    profiler: Annotated[
        Literal["simple", "advanced"] | None, Field(description="Lightning's profiler")
    ]

    def __post_init__(self) -> None:
        if self.initial is not None and is_registered(self.initial):
            parse_address(self.initial)
        if self.lora_rank is not None and (self.initial is None or self.devices > 1):
            raise ValueError(
                f"lora_rank={self.lora_rank} adapts a trained model on one device: name the model "
                "by training.initial and say training.devices=1, or say training.lora_rank=null."
            )
        low, high = self.transpose
        if not -60 <= low <= 0 <= high <= 60:
            raise ValueError(
                f"transpose=[{low}, {high}] does not fit: it should be the lowest (-60 to 0) and "
                "the highest (0 to 60) transposition in semitones."
            )
        if self.minutes is not None and self.devices > 1:
            raise ValueError(
                f"minutes={self.minutes:g} goes with devices=1: each of several processes would "
                "take the learning rate from a clock of its own."
            )


@dataclass(frozen=True)
class GradientDescent(Training):
    """Settings of the training of a network with a single loss."""

    optimizer: Annotated[
        Literal["adam", "adamw"],
        Field(description="Kingma & Ba 2015, or with decoupled decay: Loshchilov & Hutter 2019"),
    ]
    learning_rate: Annotated[float, Field(gt=0, le=10, description="at its highest")]
    weight_decay: Annotated[float, Field(ge=0, description="of the optimizer")]
    gradient_clip: Annotated[
        float | None, Field(gt=0, description="largest norm of the gradient; null: no limit")
    ]
    averaging: Annotated[
        float | None,
        Field(
            gt=0,
            lt=1,
            description="decay of a moving average of the weights, kept in their place; null: none",
        ),
    ]
