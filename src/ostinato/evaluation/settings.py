"""The settings of evaluation."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field


@dataclass(frozen=True)
class Evaluation:
    """Settings of evaluation. conf/evaluation/ holds the options."""

    smoothing: Annotated[
        float, Field(gt=0, description="added to every count of the unigram and bigram baselines")
    ]
    batch_size: Annotated[int, Field(ge=1, description="test pieces scored side by side")]
    transpose: Annotated[
        tuple[Annotated[int, Field(ge=-24, le=0)], Annotated[int, Field(ge=0, le=24)]],
        Field(description="average what the model says of each step over these transpositions"),
    ]
    originality_pieces: Annotated[
        int,
        Field(ge=0, description="training pieces in which copies are looked for, at most; 0: none"),
    ]
    corpora: Annotated[
        list[Annotated[str, Field(min_length=1)]],
        Field(
            description="options of corpus on whose test split the model is scored as well; a "
            "sweep over corpus takes those that it is over; []: none"
        ),
    ]
