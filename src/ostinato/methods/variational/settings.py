"""The settings of training by a lower bound of the likelihood."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from ostinato.training.settings import GradientDescent


@dataclass(frozen=True)
class VariationalTraining(GradientDescent):
    """Settings of the training of a variational autoencoder on segments."""

    samples_every: Annotated[
        int | None, Field(ge=1, description="epochs from samples on MLflow to the next; null: none")
    ]
