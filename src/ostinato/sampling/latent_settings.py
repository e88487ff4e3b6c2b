"""The settings of sampling at a place of a latent space."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from ostinato.sampling.settings import Sampling

Amount = Annotated[
    float, Field(ge=-20, le=20, description="about a standard deviation of the prior's segments")
]


@dataclass(frozen=True)
class Attributes:
    """How much more of each attribute a segment shall have; below 0: less."""

    note_density: Amount
    pitch_height: Amount
    syncopation: Amount


@dataclass(frozen=True)
class LatentSampling(Sampling):
    """Settings of a segment, drawn or of a piece, with more or less of several attributes."""

    needs: ClassVar[str] = "latent"
    piece: Annotated[
        str | None, Field(description="a music file, or `test`; null: segments of the prior")
    ]
    attributes: Annotated[Attributes, Field(description="how much more of each; 0: as it is")]

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.prompt is not None or self.interpolation_steps is not None:
            raise ValueError(
                "prompt and interpolation_steps do not go with attributes: set both to null."
            )

    @property
    def conditions(self) -> tuple[str, ...]:
        return () if self.piece is None else (self.piece,)
