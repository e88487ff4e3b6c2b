"""The settings of sampling."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ostinato.sampling.controls import CONTROLS as CONTROLS
from ostinato.sampling.controls import Control

NOVEL = "novel"  # the value of `choose` that compares with training pieces


@dataclass(frozen=True)
class Sampling:
    """Settings of sampling. conf/sampling/ holds the options.

    needs: what a method must be able to do for it, of `methods.base.ABILITIES`; nothing by default.
    """

    needs: ClassVar[str] = ""
    pieces: Annotated[int, Field(ge=1, le=4096, description="how many, in one batch")]
    temperature: Annotated[
        float, Field(ge=0, le=10, description="divides the logits: 1 as they are; lower is safer")
    ]
    top_k: Annotated[
        int | None, Field(ge=1, description="draw among the k likeliest tokens; null: all")
    ]
    top_p: Annotated[
        float | None,
        Field(gt=0, le=1, description="draw among the likeliest that make up this share"),
    ]
    min_p: Annotated[
        float | None,
        Field(ge=0, le=1, description="draw among those at least so likely, to the likeliest's 1"),
    ]
    pitch_temperature: Annotated[
        float, Field(gt=0, le=10, description="divides the logits of the pitches of a note")
    ]
    pitch_top_p: Annotated[
        float | None,
        Field(gt=0, le=1, description="draw a note among the likeliest that make up this share"),
    ]
    candidates: Annotated[
        int, Field(ge=1, le=64, description="drawn for each piece; one of them is kept")
    ]
    choose: Annotated[
        Literal["typical", "likely", "control", "novel"],
        Field(
            description="which candidate is kept: the most typical, the likeliest by nats per "
            "note, the one nearest to `control`, or the one that shares least with training pieces"
        ),
    ]
    control: Annotated[Control, Field(description="what bars of the samples shall be like")]
    guidance: Annotated[
        float,
        Field(
            ge=0,
            le=10,
            description="how much the model heeds `control`; 1 as it learned to, above: more",
        ),
    ]
    repetition_penalty: Annotated[
        float, Field(ge=1, le=10, description="divide the odds of notes just played; 1: not")
    ]
    repetition_window: Annotated[
        int, Field(ge=1, description="how many tokens back a note counts as just played")
    ]
    min_bars: Annotated[
        int,
        Field(ge=0, le=4096, description="bars before which no piece ends, if max_bars allows"),
    ]
    max_bars: Annotated[int, Field(ge=1, le=4096, description="bars of 4/4, prompt included")]
    prompt: Annotated[
        str | None,
        Field(description="a MIDI file to continue, or `test`: pieces of the test split"),
    ]
    prompt_bars: Annotated[int, Field(ge=1, description="how many bars of it are the prompt")]
    interpolation_steps: Annotated[
        int | None,
        Field(
            ge=2,
            le=256,
            description="segments interpolated in each piece, both ends included; null: none",
        ),
    ]
    start: Annotated[str | None, Field(description="a music file to interpolate from; null: drawn")]
    to: Annotated[str | None, Field(description="a music file to interpolate to")]
    novelty: Annotated[
        int,
        Field(
            ge=0,
            le=100,
            description="draws in place of samples that copy training pieces; 0: copies stay",
        ),
    ]
    soundfont: Annotated[
        str | None, Field(description="an .sf2 file; null: the General MIDI one of pretty_midi")
    ]
    sample_rate: Annotated[
        # what an MP3 file can have, by ISO/IEC 11172-3 and 13818-3; a WAV file takes any
        Literal[8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000],
        Field(description="of the sound files, in Hz"),
    ]

    def __post_init__(self) -> None:
        if self.temperature == 0:
            raise ValueError(
                "temperature=0 does not fit: say sampling.top_k=1, which takes the likeliest every "
                "time, or a temperature above 0."
            )
        if self.guidance != 1 and not self.control.shares:
            raise ValueError(
                f"guidance={self.guidance:g} needs something to heed: say "
                "sampling.control.density=0.7, or guidance=1."
            )
        if self.choose == "control" and not self.control.shares:
            raise ValueError(
                "choose=control needs something to come near to: say sampling.control.density=0.7, "
                "or choose=typical."
            )
        if self.choose == NOVEL and self.candidates == 1:
            raise ValueError(f"choose={NOVEL} needs a choice: say sampling.candidates=4.")
        if self.prompt is not None and self.prompt_bars >= self.max_bars:
            raise ValueError(
                f"prompt_bars={self.prompt_bars} leaves nothing to compose: it should be less "
                f"than max_bars={self.max_bars}."
            )
        if self.prompt is not None and self.interpolation_steps is not None:
            raise ValueError(
                f"prompt={self.prompt} does not go with "
                f"interpolation_steps={self.interpolation_steps}: a piece continues a prompt or "
                "interpolates between segments; set one of them to null."
            )
        if (self.start is None) != (self.to is None):
            raise ValueError(
                f"start={self.start or 'null'} and to={self.to or 'null'} go together: an "
                "interpolation between two pieces needs both."
            )
        if self.start is not None and self.interpolation_steps is None:
            raise ValueError(
                f"start={self.start} needs interpolation_steps, how many segments there are: set "
                "sampling=interpolate, or sampling.interpolation_steps=7."
            )

    @property
    def conditions(self) -> tuple[str, ...]:
        """Return the files of the music that is encoded, or `test`: pieces of the test split."""
        return (self.start, self.to) if self.start and self.to else ()


@dataclass(frozen=True)
class FromPiece(Sampling):
    """Settings of sampling from the latent vector of a piece's first segment."""

    piece: Annotated[
        str, Field(description="a music file, or `test`: pieces of the test split, one each")
    ]

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.prompt is not None or self.interpolation_steps is not None:
            raise ValueError(
                "prompt and interpolation_steps do not go with a piece that is varied: set both to "
                "null."
            )

    @property
    def conditions(self) -> tuple[str, ...]:
        return (self.piece,)


@dataclass(frozen=True)
class VariationSampling(FromPiece):
    """Settings of variations: noise of `distance` standard deviations is added to the vector."""

    distance: Annotated[
        float, Field(ge=0, le=10, description="standard deviations of noise; 0: reconstruct")
    ]


@dataclass(frozen=True)
class AttributeSampling(FromPiece):
    """Settings of less and more of an attribute, one segment after the other in each piece."""

    attribute: Annotated[
        Literal["note_density", "pitch_height", "syncopation"],
        Field(description="attribute whose latent vector is added"),
    ]
    amounts: Annotated[
        tuple[Annotated[float, Field(ge=-20, le=20)], ...],
        Field(
            min_length=1,
            max_length=64,
            description="how much more; 1 is about a standard deviation of the prior's segments",
        ),
    ]


Passes = Annotated[
    int | None,
    Field(
        ge=1,
        le=4096,
        description="of blocked Gibbs sampling: each draws again what is not given, less and less "
        "of it; null: each cell once, in random order (ancestral)",
    ),
]


@dataclass(frozen=True)
class GibbsSampling(Sampling):
    """Settings of blocked Gibbs sampling from nothing, by a masked model."""

    needs: ClassVar[str] = "gibbs"
    passes: Passes


@dataclass(frozen=True)
class FillSampling(FromPiece):
    """Settings of filling in a piece: what is named is made anew, and all else is given.

    Notes that begin in `bars` and `tracks`, and have `pitches`, are made anew, together with the
    rests between them. With `pitches` or `notes` what is made anew lies where those notes were.
    """

    needs: ClassVar[str] = "fill"
    bars: Annotated[
        tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] | None,
        Field(description="first and last bar to make, [5, 8], as a score counts them; null: all"),
    ]
    tracks: Annotated[
        tuple[Annotated[int, Field(ge=1, le=64)], ...] | None,
        Field(min_length=1, description="tracks to make, counted from 1; null: all"),
    ]
    pitches: Annotated[
        tuple[Annotated[int, Field(ge=0, le=127)], Annotated[int, Field(ge=0, le=127)]] | None,
        Field(description="lowest and highest MIDI pitch of the notes to make anew; null: all"),
    ]
    notes: Annotated[
        tuple[Annotated[int, Field(ge=1)], ...] | None,
        Field(
            min_length=1,
            description="notes to make anew, counted from 1 in the order in which they begin; "
            "null: all",
        ),
    ]
    passes: Passes
    particles: Annotated[
        int,
        Field(
            ge=1,
            le=65536,
            description="pieces that a model which reads from left to right draws side by side for "
            "each, weighed by what is given further on (sequential Monte Carlo)",
        ),
    ]

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("bars", "pitches"):
            ends = getattr(self, name)
            if ends is not None and ends[0] > ends[1]:
                raise ValueError(
                    f"{name}=[{ends[0]}, {ends[1]}] does not fit: it should be the first and then "
                    "the last."
                )
