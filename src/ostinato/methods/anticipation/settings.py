"""The settings of training to fill music in from left to right."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from ostinato.methods.likelihood.settings import LikelihoodTraining


@dataclass(frozen=True)
class AnticipationTraining(LikelihoodTraining):
    """Settings of the training of a sequence model that knows what is given."""

    regions: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="share of windows that learn to fill in: some voices, or some bars, are to "
            "be made and all else is given; of the others nothing is",
        ),
    ]
