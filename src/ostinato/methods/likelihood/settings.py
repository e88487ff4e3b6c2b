"""The settings of training by maximum likelihood."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from ostinato.training.settings import GradientDescent


@dataclass(frozen=True)
class LikelihoodTraining(GradientDescent):
    """Settings of the training of a sequence model on windows of pieces."""

    window: Annotated[int, Field(ge=2, description="length of a window, in tokens or frames")]
    label_weighting: Annotated[
        float,
        Field(ge=0, le=1, description="weigh a token by its frequency to the power of minus this"),
    ]
