"""The settings of training by a generator and its critic."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from ostinato.training.settings import Training

Rate = Annotated[float, Field(gt=0, le=1)]


@dataclass(frozen=True)
class AdversarialTraining(Training):
    """Settings of the training of a GAN on segments.

    Source of the average of the generator's weights: Yazıcı et al., The Unusual Effectiveness of
    Averaging in GAN Training (ICLR 2019).
    """

    generator_rate: Annotated[Rate, Field(description="learning rate at its highest")]
    critic_rate: Annotated[Rate, Field(description="learning rate at its highest")]
    betas: Annotated[
        tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]],
        Field(description="of Adam, for both"),
    ]
    averaging: Annotated[
        float | None,
        Field(
            gt=0,
            lt=1,
            description="decay of an average of the generator's weights, kept in their place",
        ),
    ]
    collapse: Annotated[
        float,
        Field(ge=0, lt=1, description="stop where segments differ by less than this share of real"),
    ]
    samples_every: Annotated[
        int | None, Field(ge=1, description="epochs from samples on MLflow to the next; null: none")
    ]
