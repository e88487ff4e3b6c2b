"""The settings of sampling."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field


@dataclass(frozen=True)
class Sampling:
    """Settings of sampling. conf/sampling/ holds the options."""

    pieces: Annotated[int, Field(ge=1, le=4096, description="how many, in one batch")] = 6
    temperature: Annotated[
        float, Field(ge=0, le=10, description="1 as the model says; lower is safer")
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
    from_: Annotated[
        str | None, Field(description="a music file in which the way begins; null: drawn")
    ] = None
    to: Annotated[str | None, Field(description="a music file in which it ends")] = None
    soundfont: Annotated[
        str | None, Field(description="an .sf2 file; null: the General MIDI one of pretty_midi")
    ] = None
    sample_rate: Annotated[
        # what an MP3 file can have, by ISO/IEC 11172-3 and 13818-3; a WAV file takes any
        Literal[8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000],
        Field(description="of the sound files, in Hz"),
    ] = 22050

    def __post_init__(self) -> None:
        if self.temperature == 0:
            raise ValueError(
                "temperature=0 does not fit: say sampling.top_k=1, which takes the likeliest every "
                "time, or a temperature above 0."
            )
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
        if (self.from_ is None) != (self.to is None):
            raise ValueError(
                f"from={self.from_ or 'null'} and to={self.to or 'null'} go together: a way from "
                "one piece to another needs both."
            )
        if self.from_ is not None and self.steps is None:
            raise ValueError(
                f"from={self.from_} needs steps, how many segments are on the way: say "
                "sampling=interpolate, or sampling.steps=7."
            )

    @property
    def given(self) -> tuple[str, ...]:
        """The music that is read, by files, or `test` for pieces of the test split."""
        return (self.from_, self.to) if self.from_ and self.to else ()


@dataclass(frozen=True)
class OfPiece(Sampling):
    """Settings of what a model with latent vectors makes of a piece's first segment."""

    piece: Annotated[
        str, Field(description="a music file, or `test`: pieces of the test split, one each")
    ] = "test"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.prompt is not None or self.steps is not None:
            raise ValueError(
                "prompt and steps do not go with a piece that is varied: say null for both."
            )

    @property
    def given(self) -> tuple[str, ...]:
        """The one."""
        return (self.piece,)


@dataclass(frozen=True)
class Varying(OfPiece):
    """Segments around a given one: noise of so many standard deviations is added to its vector."""

    distance: Annotated[
        float, Field(ge=0, le=10, description="of variations; 0: what its vector says of itself")
    ] = 0.5


@dataclass(frozen=True)
class Asking(OfPiece):
    """More and less of an attribute of a given segment, one after the other in each piece."""

    attribute: Annotated[
        Literal["note_density", "pitch_height", "syncopation"],
        Field(description="what there shall be more or less of"),
    ] = "note_density"
    amounts: Annotated[
        tuple[Annotated[float, Field(ge=-20, le=20)], ...],
        Field(
            min_length=1,
            max_length=64,
            description="how much more; 1 is about a standard deviation of the prior's segments",
        ),
    ] = (-2.0, -1.0, 0.0, 1.0, 2.0)
