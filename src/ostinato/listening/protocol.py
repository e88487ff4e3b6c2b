"""Files of a listening test: its key, and the votes of each listener; checked when they are read.

The protocol follows Music Arena (Kim et al., "Music Arena: Live Evaluation for Text-to-Music",
NeurIPS 2025): pairs without names, five seconds of each before a vote, four answers.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from ostinato.console import where
from ostinato.errors import UserError
from ostinato.untrusted import MIB, printable, read_regular

PROTOCOL: Literal["ostinato-listening-1"] = "ostinato-listening-1"
MINIMUM_SECONDS = 5.0  # of each side: MINIMUM_LISTEN_TIME of Music Arena
SLACK = 2.0  # seconds by which the clock of the sound may differ from that of the page
LARGEST = 16 * MIB  # bytes of a file; a vote takes three hundred
LONGEST_SHOWN = 60  # characters of a wrong value

Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}$")]
LongId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
Seconds = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]
T = TypeVar("T", bound=BaseModel)


class Answer(StrEnum):
    """An answer to a pair: the left side is A, the right side is B."""

    A = "A"
    B = "B"
    TIE = "tie"
    BOTH_BAD = "both_bad"


class _Checked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Clip(_Checked):
    """A clip of sound, and the system that made its music."""

    system: Id
    clip: Id


class Side(Clip):
    """One side of a pair as it was heard. heard: seconds of sound, what is heard again counts."""

    heard: Seconds


class Vote(_Checked):
    """An answer to a pair. seconds: how long the pair was on the screen."""

    pair: Id
    position: Annotated[int, Field(ge=0)]
    left: Side
    right: Side
    answer: Answer
    seconds: Seconds
    voted: AwareDatetime

    @model_validator(mode="after")
    def _check_seconds(self) -> "Vote":
        for letter, side in (("A", self.left), ("B", self.right)):
            if side.heard < MINIMUM_SECONDS:
                raise ValueError(
                    f"{side.heard:g} seconds of {letter} were heard, and the page takes no vote "
                    f"before {MINIMUM_SECONDS:g}"
                )
        heard = self.left.heard + self.right.heard
        if heard > self.seconds + SLACK:
            raise ValueError(
                f"{heard:g} seconds were heard within {self.seconds:g}, which is impossible"
            )
        return self


class VotesFile(_Checked):
    """The votes of one listener. order: every pair of the test as this listener is shown them."""

    protocol: Literal["ostinato-listening-1"]
    test: LongId
    voter: LongId
    order: list[Id]
    votes: list[Vote]

    @model_validator(mode="after")
    def _check_order(self) -> "VotesFile":
        if len(set(self.order)) != len(self.order):
            raise ValueError("a pair is twice in the order")
        for vote in self.votes:
            if self.order[vote.position : vote.position + 1] != [vote.pair]:
                raise ValueError(f"the pair {vote.pair} is not at {vote.position} in the order")
        if len({vote.pair for vote in self.votes}) != len(self.votes):
            raise ValueError("a pair has two votes")
        return self


class KeySystem(_Checked):
    """A system. source: where its samples are from; about: how they were made."""

    name: str
    source: str
    about: dict[str, Any] = {}


class KeyClip(_Checked):
    """A clip: which piece of which system; seconds: how long it plays."""

    system: Id
    piece: str
    seconds: Seconds


class Key(_Checked):
    """Content that the page hides: the names of systems and clips. left_out: counts, by reason."""

    protocol: Literal["ostinato-listening-1"]
    test: LongId
    seed: int
    systems: dict[Id, KeySystem]
    clips: dict[Id, KeyClip]
    pairs: dict[Id, tuple[Clip, Clip]]
    left_out: dict[str, int]


def read_votes(path: Path) -> VotesFile:
    """Return the votes in a file that a listener downloaded; raises `UserError`."""
    return _read(path, VotesFile, "give the JSON files that listeners downloaded from the page")


def read_key(path: Path) -> Key:
    """Return the key of a test; raises `UserError`."""
    return _read(path, Key, "give the key.json that `ostinato listen` wrote beside the page")


def _read(path: Path, kind: type[T], advice: str) -> T:
    if not path.exists():
        raise UserError(f"{where(path)} is not there: {advice}.")
    if path.is_dir():
        raise UserError(f"{where(path)} is a folder: {advice}.")
    data = read_regular(path, LARGEST)
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        raise UserError(f"{where(path)} {explain_problem(error)}: {advice}, unchanged.") from error


def explain_problem(error: ValidationError) -> str:
    """Return words for the first thing that does not fit: where it is, what it is, and why."""
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "json_invalid":
        return "is not JSON"
    if first["type"] == "missing":
        return f"does not fit, as {place} is missing"
    reason = first["msg"].removeprefix("Value error, ").replace("Input should", "it should")
    if first["type"] == "value_error":
        return f"does not fit{f' at {place}' if place else ''}, as {reason}"
    shown = printable(repr(first["input"]), LONGEST_SHOWN)
    return f"does not fit, as {printable(place)} is {shown} and {reason}"
