"""The pitch-based representation: a melody as one token per time step."""

from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ostinato.errors import UnencodableError
from ostinato.music.piece import Piece
from ostinato.representations.bar_grid import TokenBarGrid
from ostinato.representations.base import (
    BAR_QUARTERS,
    EndToken,
    StepsPerQuarter,
    Tokens,
    pitch_name,
)
from ostinato.representations.monophonic import (
    HOLD,
    REST,
    LineGrammar,
    grid_to_tokens,
    line_to_tokens,
    to_monophonic,
    tokens_to_grid,
    tokens_to_line,
    transpose_notes,
)
from ostinato.representations.voice_roll import VoiceRoll, by_step
from ostinato.wording import agree, quantity


class Pitch(TokenBarGrid):
    """One monophonic track, one token per time step, as MusPy defines it.

    With holds, 0 to 127 begin a note, 128 is a rest and 129 holds the note. Without, a token is
    the pitch that sounds, and 0 is a rest: equal neighbours are one note, so repeated notes
    merge and the lowest pitch, 0, cannot be written. Positions are the step within a bar of
    `bar_steps`, or of four quarter notes, counted from the beginning of the piece.

    Source: `muspy.to_pitch_representation` (Dong et al., MusPy, ISMIR 2020), which writes what
    sounds last where notes overlap; here a note is cut when the next one begins.
    """

    name: ClassVar[str] = "pitch"

    def __init__(
        self,
        steps_per_quarter: StepsPerQuarter,
        track: Annotated[
            int, Field(ge=0, description="the track that is the melody; 0 is the first")
        ],
        hold: Annotated[
            bool, Field(description="tell a repeated note from a long one by a hold token")
        ],
        end_token: EndToken,
        bar_steps: Annotated[
            int | None, Field(ge=1, le=256, description="steps to the bar; null: four quarters")
        ],
    ) -> None:
        self.steps_per_quarter = self.resolution = self.beat_steps = steps_per_quarter
        self.bar_steps = bar_steps or BAR_QUARTERS * steps_per_quarter
        self.track = track
        self.hold = hold
        self.end_token = end_token
        self.position_features = {"step": self.bar_steps}

    @property
    def size(self) -> int:
        return (130 if self.hold else 128) + self.end_token

    def encode(self, piece: Piece) -> NDArray[np.uint16]:
        """Return the melody as tokens: (time,). It ends with the last note.

        Raises `UnencodableError` where the track is missing or a drum track, where notes begin
        together, and for pitch 0 without holds.
        """
        notes = piece.at_resolution(self.steps_per_quarter).track(self.track)
        line = to_monophonic(notes)
        self._check(piece, notes, line)
        tokens = line_to_tokens(line, int(line["onset"][-1] + line["duration"][-1]))
        return tokens if self.hold else _remove_holds(tokens)

    def _check(self, piece: Piece, notes: NDArray[Any], line: NDArray[Any]) -> None:
        which = f"track {self.track} (counted from 0)"
        if self.track >= len(piece.track_names):
            raise UnencodableError(
                f"has {quantity(len(piece.track_names), 'track')}, so no {which}"
            )
        if not len(notes):
            raise UnencodableError(f"has no notes in {which}")
        if notes["drum"].any():
            raise UnencodableError(f"has drums in {which}, and this representation takes a melody")
        if lost := len(notes) - len(line):
            raise UnencodableError(
                f"is not monophonic: in {which} {lost} of {quantity(len(notes), 'note')} "
                f"{agree(lost, 'begins', 'begin')} together with another, "
                f"at {self.steps_per_quarter} steps per quarter note"
            )
        if not self.hold and (lowest := int((notes["pitch"] == 0).sum())):
            raise UnencodableError(
                f"has {quantity(lowest, 'note')} of pitch 0 in {which}; 0 is a rest here"
            )

    def to_grid(self, tokens: Tokens, before: NDArray[np.integer[Any]] | None = None) -> VoiceRoll:
        if self.hold:
            return self.voice_roll(*tokens_to_grid(tokens[..., None], before))
        pitch = np.where(tokens == 0, REST, tokens)[..., None].astype(np.uint8)
        begins = np.ones(pitch.shape, np.bool_)
        begins[:, 1:] = pitch[:, 1:] != pitch[:, :-1]
        return self.voice_roll(pitch, begins & (pitch < REST))

    def from_grid(self, roll: VoiceRoll) -> NDArray[np.uint16]:
        pitch, onset = by_step(roll)
        if self.hold:
            return grid_to_tokens(pitch, onset)[..., 0]
        return np.where(pitch == REST, 0, pitch)[..., 0].astype(np.uint16)

    def decode(self, tokens: Tokens, name: str = "") -> Piece:
        tokens = self.before_end(tokens)
        notes = tokens_to_line(tokens if self.hold else _insert_holds(tokens))
        return Piece(name, self.resolution, notes, track_names=("melody",))

    def describe(self, token: int) -> str:
        if token == self.end:
            return "end"
        if token == (REST if self.hold else 0):
            return "rest"
        return "hold" if token == HOLD else f"note {pitch_name(token)}"

    def transpose(self, tokens: Tokens, semitones: Tokens) -> Tokens:
        return transpose_notes(tokens, semitones, 0 if self.hold else 1, 127)

    def positions(self, tokens: Tokens) -> NDArray[np.uint8]:
        steps = np.arange(len(tokens)) - self.last_end(tokens)
        return (steps % self.bar_steps).astype(np.uint8)[:, None]

    def note_counts(self) -> NDArray[np.int64]:
        tokens = np.arange(self.size)
        return ((tokens < 128) & (self.hold | (tokens > 0))).astype(np.int64)

    def note_count(self, steps: NDArray[Any]) -> int:
        if self.hold:
            return super().note_count(steps)
        return int(np.count_nonzero((steps > 0) & (np.diff(steps, prepend=0) != 0)))

    def count_losses(self, piece: Piece, steps: NDArray[Any]) -> dict[str, int]:
        notes = piece.notes
        others = notes["drum"][notes["track"] != self.track]
        drums, left = int(others.sum()), len(notes) - len(others)
        kind = "together" if self.hold else "repeated"
        lost = {kind: left - self.note_count(steps)}
        return {"drums": drums, "other_tracks": len(others) - drums, **lost}

    def grammar(self, batch: int) -> "PitchGrammar":
        return PitchGrammar(
            batch, 1, self.bar_steps, self.steps_per_quarter, self.hold, self.end_token
        )


class PitchGrammar(LineGrammar):
    """The grammar of a melody; see `LineGrammar`."""

    def positions(self) -> NDArray[np.int64]:
        """Return the step within the bar: (batch, 1)."""
        return super().positions()[:, 1:]


def _remove_holds(tokens: Tokens) -> NDArray[np.uint16]:
    latest = np.maximum.accumulate(np.where(tokens == HOLD, 0, np.arange(len(tokens))))
    return np.where(tokens[latest] == REST, 0, tokens[latest]).astype(np.uint16)


def _insert_holds(pitches: Tokens) -> NDArray[np.uint16]:
    repeated = np.append(False, pitches[1:] == pitches[:-1])[: len(pitches)]
    return np.where(pitches == 0, REST, np.where(repeated, HOLD, pitches)).astype(np.uint16)
