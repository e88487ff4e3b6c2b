"""The settings of training on random masks."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from ostinato.training.settings import GradientDescent


@dataclass(frozen=True)
class MaskedTraining(GradientDescent):
    """Settings of the training of a masked model on windows of pieces."""

    window: Annotated[int, Field(ge=2, description="length of a window, in tokens")]
    regions: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="share of windows that learn to fill in: some voices, or some bars, are to "
            "be made and all else is given; of the others any cell may be unknown",
        ),
    ]
