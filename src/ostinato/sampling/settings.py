"""The settings of sampling."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field


@dataclass(frozen=True)
class Sampling:
    """How pieces are drawn from a model. conf/sampling/ holds the options."""

    pieces: Annotated[int, Field(ge=1, le=4096, description="how many, in one batch")] = 6
    temperature: Annotated[
        float, Field(gt=0, le=10, description="1 as the model says; lower is safer")
    ] = 1.0
    top_k: Annotated[
        int | None, Field(ge=1, description="draw among the k likeliest tokens; null: all")
    ] = None
    top_p: Annotated[
        float | None,
        Field(gt=0, le=1, description="draw among the likeliest that make up this share"),
    ] = None
    repetition_penalty: Annotated[
        float, Field(ge=1, le=10, description="divide the odds of notes just played; 1: not")
    ] = 1.0
    repetition_window: Annotated[
        int, Field(ge=1, description="how many tokens back a note counts as just played")
    ] = 64
    max_bars: Annotated[int, Field(ge=1, le=4096, description="bars of 4/4, prompt included")] = 24
    prompt: Annotated[
        str | None,
        Field(description="a MIDI file to continue, or `test`: pieces of the test split"),
    ] = None
    prompt_bars: Annotated[
        int, Field(ge=1, description="how many bars of the prompt are given")
    ] = 4
    steps: Annotated[
        int | None,
        Field(
            ge=2,
            le=256,
            description="segments on the way from one to another, in each piece; null: no way",
        ),
    ] = None
    soundfont: Annotated[
        str | None, Field(description="an .sf2 file; null: the General MIDI one of pretty_midi")
    ] = None
    sample_rate: Annotated[
        int, Field(ge=8000, le=96000, description="of the sound files, in Hz")
    ] = 22050

    def __post_init__(self) -> None:
        if self.prompt is not None and self.prompt_bars >= self.max_bars:
            raise ValueError(
                f"prompt_bars={self.prompt_bars} leaves nothing to compose: it should be less "
                f"than max_bars={self.max_bars}."
            )
        if self.prompt is not None and self.steps is not None:
            raise ValueError(
                f"prompt={self.prompt} does not go with steps={self.steps}: a piece continues a "
                "prompt or leads from one segment to another; say null for one of them."
            )
