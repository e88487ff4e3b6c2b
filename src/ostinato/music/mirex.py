"""Prompts and continuations as the symbolic music generation task of MIREX 2025 writes them.

A prompt is a JSON file of notes in the steps 0 to 79: a bar for a pickup, and four bars of 4/4 in
sixteenths. A continuation has notes in the steps 80 to 271.
Source: https://www.music-ir.org/mirex/wiki/2025:Symbolic_Music_Generation
"""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ostinato.console import where
from ostinato.errors import UserError
from ostinato.music.piece import LOUDNESS, NOTE, TIME_SIGNATURE, Piece, array
from ostinato.untrusted import MIB, printable, read_regular

STEPS_PER_QUARTER = 4
STEPS_PER_BAR = 16
PROMPT_BARS, BARS = 5, 17  # the bar of the pickup included
BEGIN, END = PROMPT_BARS * STEPS_PER_BAR, BARS * STEPS_PER_BAR  # steps of a continuation
LARGEST = MIB  # bytes of a prompt; a note takes fifty
LONGEST_SHOWN = 60  # characters of a wrong value


class _Note(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    start: Annotated[int, Field(ge=0, lt=BEGIN)]
    pitch: Annotated[int, Field(ge=0, le=127)]
    duration: Annotated[int, Field(ge=1, le=END)]


class _PromptFile(BaseModel):
    model_config = ConfigDict(strict=True)
    prompt: Annotated[list[_Note], Field(min_length=1)]


def read_prompt(path: Path) -> Piece:
    """Return the piece of a prompt, in one track, 4 ticks to the quarter note.

    Raises `UserError` for a file that cannot be read or is no prompt.
    """
    try:
        content = read_regular(path, LARGEST)
    except OSError as error:
        raise UserError(f"{where(path)} cannot be read: {error.strerror}.") from error
    try:
        notes = _PromptFile.model_validate_json(content).prompt
    except ValidationError as error:
        raise UserError(f"{where(path)} is no prompt of MIREX: {_explain(error)}.") from error
    columns = [[note.start, note.duration, note.pitch] for note in notes]
    onset, duration, pitch = np.array(columns).T
    duration = np.minimum(duration, BEGIN - onset)
    found = array(NOTE, onset=onset, duration=duration, pitch=pitch, velocity=LOUDNESS)
    metre = array(TIME_SIGNATURE, onset=0, numerator=4, denominator=4)
    return Piece(path.stem, STEPS_PER_QUARTER, found, time_signatures=metre)


def continue_beyond(prompt: Piece) -> Piece:
    """Return a prompt with a note after it, so that its bars end where they should.

    A prompt may end in silence, and nothing but a later note says how long it is.
    """
    later = array(NOTE, onset=BEGIN, duration=1, pitch=60, velocity=LOUDNESS)
    notes = np.concatenate([prompt.notes, later])
    return Piece(prompt.name, prompt.resolution, notes, time_signatures=prompt.time_signatures)


def list_continuation(piece: Piece, prompt: Piece) -> tuple[dict[str, Any], int]:
    """Return the notes of a piece after its prompt, as JSON has them, and how many were left out.

    piece: it begins with the first note of `prompt`. Notes that begin within the prompt's bars,
    and are none of the prompt's, are left out; notes that last longer than the last bar end there.
    """
    notes = piece.at_resolution(STEPS_PER_QUARTER).notes
    onset = notes["onset"] - notes["onset"][:1].sum() + prompt.notes["onset"][:1].sum()
    end = np.minimum(onset + notes["duration"], END)
    new = (onset >= BEGIN) & (onset < END)
    early = int((onset < BEGIN).sum()) - _count_in_prompt(onset, notes["pitch"], prompt)
    columns = (onset[new], notes["pitch"][new], (end - onset)[new])
    rows = zip(*(column.tolist() for column in columns), strict=True)
    names = ("start", "pitch", "duration")
    return {"generation": [dict(zip(names, row, strict=True)) for row in rows]}, early


def _count_in_prompt(onset: NDArray[Any], pitch: NDArray[Any], prompt: Piece) -> int:
    """Return how many of the notes begin as one of the prompt does."""
    given = set(zip(prompt.notes["onset"].tolist(), prompt.notes["pitch"].tolist(), strict=True))
    return sum(note in given for note in zip(onset.tolist(), pitch.tolist(), strict=True))


def _explain(error: ValidationError) -> str:
    """Return the first thing that is wrong, in a few words."""
    first = error.errors(include_url=False)[0]
    place, value = list(first["loc"]), first["input"]
    if first["type"] == "json_invalid":
        return "it is no JSON"
    if not place or place == ["prompt"]:
        return 'it should be {"prompt": [{"start": 16, "pitch": 72, "duration": 6}, …]}'
    number = int(place[1]) + 1 if len(place) > 1 else 0
    of_note = f"note {number} " if number else "it "
    if len(place) < 3 or first["type"] in ("missing", "extra_forbidden"):
        return f"{of_note}should have start, pitch and duration, and nothing else"
    right = {"start": f"0 to {BEGIN - 1}", "pitch": "0 to 127", "duration": f"1 to {END}"}
    name = str(place[2])
    shown = printable(repr(value), LONGEST_SHOWN)
    return f"{of_note}has {name} {shown}, which should be a whole number from {right[name]}"
