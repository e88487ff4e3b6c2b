"""Requests and answers of the API, as /openapi.json publishes them. Times are in quarter notes."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ostinato.listening.protocol import Answer
from ostinato.untrusted import MIB

LARGEST_BODY = 4 * MIB
LARGEST_MIDI = MIB
MOST_NOTES = 10_000
MOST_BARS = 256
MOST_CANDIDATES = 8
LONGEST = 100_000  # quarter notes
LONGEST_NAME = 200  # characters
MOST_STEPS = 32  # of an interpolation

Share = Annotated[float, Field(ge=0, le=1)]
Shares = Share | Annotated[list[Share], Field(min_length=1, max_length=MOST_BARS)]
Counted = Annotated[int, Field(ge=1, le=MOST_NOTES)]
Pitch = Annotated[int, Field(ge=0, le=127)]
Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
Base64 = Annotated[str, Field(max_length=LARGEST_MIDI * 4 // 3 + 4, description="base64")]


class _Checked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class NoteIn(_Checked):
    """A note of music that is given."""

    onset: Annotated[float, Field(ge=0, le=LONGEST)]
    duration: Annotated[float, Field(gt=0, le=LONGEST)]
    pitch: Pitch
    track: Annotated[int, Field(ge=0, le=63)] = 0
    velocity: Annotated[int, Field(ge=1, le=127)] = 80
    drum: bool = False


class TrackIn(_Checked):
    """A track of music that is given. program: of General MIDI."""

    name: Annotated[str, Field(max_length=LONGEST_NAME)] = ""
    program: Pitch = 0


class TempoIn(_Checked):
    """A tempo from a place on, in quarter notes per minute."""

    onset: Annotated[float, Field(ge=0, le=LONGEST)] = 0.0
    qpm: Annotated[float, Field(ge=10, le=1000)]


class MetreIn(_Checked):
    """A metre from a place on, which begins a bar."""

    onset: Annotated[float, Field(ge=0, le=LONGEST)] = 0.0
    numerator: Annotated[int, Field(ge=1, le=64)]
    denominator: Literal[1, 2, 4, 8, 16, 32]


class Music(_Checked):
    """Music: a MIDI file, or notes with tempos (120 by default) and metres (4/4)."""

    midi: Base64 | None = None
    notes: Annotated[list[NoteIn], Field(max_length=MOST_NOTES)] | None = None
    tempos: Annotated[list[TempoIn], Field(min_length=1, max_length=MOST_NOTES)] = [
        TempoIn(qpm=120)
    ]
    metres: Annotated[list[MetreIn], Field(min_length=1, max_length=MOST_NOTES)] = [
        MetreIn(numerator=4, denominator=4)
    ]
    tracks: Annotated[list[TrackIn], Field(max_length=64)] = []

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if (self.midi is None) == (self.notes is None):
            raise ValueError("music should have midi or notes, and not both")
        return self


class Drawing(_Checked):
    """How music is drawn; what is left out is as the project's settings say."""

    model: Annotated[str, Field(max_length=32, description="id of an open model")]
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    temperature: Annotated[float, Field(gt=0, le=10)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    min_p: Annotated[float, Field(ge=0, le=1)] | None = None
    candidates: Annotated[
        int, Field(ge=1, le=MOST_CANDIDATES, description="how many pieces come back")
    ] = 1
    controls: dict[Literal["density", "polyphony", "pitch", "duration"], Shares] = {}


class Compose(Drawing):
    """Music from nothing, or music that goes on after the first bars of what is given."""

    music: Music | None = None
    prompt_bars: Annotated[int, Field(ge=1, le=MOST_BARS)] | None = None
    bars: Annotated[
        int | None, Field(ge=1, le=MOST_BARS, description="of 4/4, at most, given ones included")
    ] = None


class Infill(Drawing):
    """What is named of the music is made anew, and the rest is given. All counts begin at 1."""

    music: Music
    bars: Annotated[tuple[Counted, Counted] | None, Field(description="first and last")] = None
    tracks: Annotated[list[Counted] | None, Field(min_length=1, max_length=64)] = None
    pitches: Annotated[tuple[Pitch, Pitch] | None, Field(description="lowest, highest")] = None
    notes: Annotated[list[Counted] | None, Field(min_length=1)] = None


class Harmonise(Drawing):
    """Other voices are made to the first track of the music."""

    music: Music


class Vary(Drawing):
    """The first segment of the music, and a variation of it; distance in standard deviations."""

    music: Music
    distance: Annotated[float, Field(ge=0, le=10)] = 0.5


class Interpolate(Drawing):
    """Segments between the first segments of two pieces of music."""

    start: Music
    to: Music
    steps: Annotated[int, Field(ge=2, le=MOST_STEPS)] = 8


class Latent(Drawing):
    """A segment with more or less of attributes; without music one that is drawn."""

    music: Music | None = None
    attributes: dict[
        Literal["note_density", "pitch_height", "syncopation"],
        Annotated[float, Field(ge=-20, le=20)],
    ] = {}


DRAWINGS: dict[str, type[Drawing]] = {
    "compose": Compose,
    "infill": Infill,
    "harmonise": Harmonise,
    "vary": Vary,
    "interpolate": Interpolate,
    "latent": Latent,
}
"""Requests for new music, by the last part of their address."""


class OpenModel(_Checked):
    """A model to open: a folder, `models:/NAME/1`, or the id or the name of an MLflow run."""

    name: Name


class Notation(_Checked):
    """Music to draw as notation, so many pixels wide; scale in per cent."""

    music: Music
    width: Annotated[int, Field(ge=200, le=4000)] = 900
    scale: Annotated[int, Field(ge=10, le=200)] = 40


class Export(_Checked):
    """Music to write as a file."""

    music: Music
    name: Annotated[str, Field(pattern=r"^[\w][\w .-]{0,99}$")] = "sample-01"


class Heard(_Checked):
    """A side of a comparison. heard: for how many seconds."""

    model: Annotated[str, Field(max_length=32)]
    midi: Base64
    heard: Annotated[float, Field(ge=0, le=86_400)]


class VoteIn(_Checked):
    """An answer to two pieces. seconds: how long they were on the screen."""

    sides: tuple[Heard, Heard]
    answer: Answer
    seconds: Annotated[float, Field(ge=0, le=86_400)]


class Log(_Checked):
    """A piece to keep on the MLflow run of its model."""

    model: Annotated[str, Field(max_length=32)]
    music: Music
    name: Annotated[str, Field(pattern=r"^[\w][\w.-]{0,99}$")]
    command: Annotated[str, Field(max_length=4000)] = ""


class NoteOut(BaseModel):
    """A note of a piece. given: no model made it."""

    onset: float
    duration: float
    pitch: int
    velocity: int
    track: int
    drum: bool
    given: bool


class PieceOut(BaseModel):
    """A piece: its MIDI file in base64, and the same for a page to draw and to play.

    bars: where bars begin, and where the last one ends; first_bar: the number of the first one, 0
    for a pickup; ended: whether the model ended it, null where it cannot.
    """

    name: str
    midi: str
    notes: list[NoteOut]
    tracks: list[dict[str, Any]]
    tempos: list[dict[str, float]]
    metres: list[dict[str, float]]
    bars: list[float]
    first_bar: int
    end: float
    ended: bool | None = None
    facts: list[str] = []


class ReadOut(PieceOut):
    """The piece of a file. warnings: what of the file it does not have."""

    warnings: list[str] = []


class Composed(BaseModel):
    """New pieces. command: makes the same bytes, beside `files`, which are in base64."""

    id: str = ""
    seed: int
    pieces: list[PieceOut]
    seconds: float
    command: str
    files: dict[str, str]
    warnings: list[str]


class ModelOut(BaseModel):
    """An open model. can: which requests it answers; reads: which settings have an effect when it
    composes; measured: figures; minutes: of training.
    """

    id: str = ""
    name: str
    corpus: str
    representation: str
    architecture: str
    method: str
    parameters: int
    measured: list[dict[str, Any]]
    minutes: float | None
    can: list[str]
    why_not: dict[str, str]
    reads: list[str]
    controls: list[str]
    attributes: list[str]
    defaults: dict[str, Any]
    tracks: int


class QueueOut(BaseModel):
    """How much is done and waits."""

    running: int
    waiting: int
    workers: int


class ErrorOut(BaseModel):
    """What was wrong, in a sentence."""

    error: str
