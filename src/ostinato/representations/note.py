"""The note representation: one note after another, each in full."""

from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ostinato.music.piece import NOTE, Piece, array, order_by
from ostinato.representations.base import (
    BAR_QUARTERS,
    EndToken,
    Grammar,
    StepsPerQuarter,
    TokenRepresentation,
    Tokens,
    VelocityBins,
    pitch_name,
)
from ostinato.representations.instrument import select_pitched_notes, separate_unisons
from ostinato.representations.monophonic import SILENT_BARS, transpose_notes
from ostinato.representations.velocity import decode_velocities, encode_velocities

SHIFT = 128
BEGINNING, SHIFTED, PITCHED, LASTED, LOUD = range(5)  # kinds of the last token


def to_note_table(piece: Piece) -> NDArray[np.int64]:
    """Return onset, pitch, duration (ticks) and velocity of every note but drums': (notes, 4).

    Source: `muspy.to_note_representation` (Dong et al., MusPy, ISMIR 2020), and its order.
    """
    return _to_table(piece.notes.compress(~piece.notes["drum"]))


def _to_table(notes: NDArray[Any]) -> NDArray[np.int64]:
    rows = [notes[key].astype(np.int64) for key in ("onset", "pitch", "duration", "velocity")]
    return np.stack(rows, axis=1).take(order_by(*rows), axis=0)


class Note(TokenRepresentation):
    """The rows of `to_note_table` as tokens: for each note its shift, pitch, duration and velocity.

    0 to 127 are pitches; then come shifts of 0 and more steps since the onset before, durations of
    1 and more steps, and velocities where `velocity_bins` is more than 0. A shift or a duration
    that is too long for one token takes several that add up, all but the last the longest. All
    tracks but drums become one, in which unisons that overlap follow one another, as in `Event`.
    Positions are the step within a bar of four quarter notes of the coming onset, as far as the
    tokens so far tell it, and the kind of the last token.
    """

    name: ClassVar[str] = "note"

    def __init__(
        self,
        steps_per_quarter: StepsPerQuarter,
        max_shift: Annotated[
            int, Field(ge=1, le=1000, description="steps between onsets in the longest shift token")
        ],
        max_duration: Annotated[
            int, Field(ge=1, le=1000, description="steps in the longest duration token")
        ],
        velocity_bins: VelocityBins,
        end_token: EndToken,
    ) -> None:
        self.steps_per_quarter = self.resolution = steps_per_quarter
        self.max_shift = max_shift
        self.max_duration = max_duration
        self.velocity_bins = velocity_bins
        self.end_token = end_token
        self.first_duration = SHIFT + max_shift + 1
        self.first_velocity = self.first_duration + max_duration
        self.bar = BAR_QUARTERS * steps_per_quarter
        self.position_features = {"step": self.bar, "previous_kind": LOUD + 1}

    @property
    def size(self) -> int:
        return self.first_velocity + self.velocity_bins + self.end_token

    def encode(self, piece: Piece) -> NDArray[np.uint16]:
        """Return the piece as tokens: (time,). Raises `UnencodableError` where only drums play."""
        notes = separate_unisons(select_pitched_notes(piece, self.steps_per_quarter))
        return self.encode_table(_to_table(notes))

    def encode_table(self, rows: NDArray[np.int64]) -> NDArray[np.uint16]:
        """Return rows of `to_note_table`, in steps, as tokens: (notes, 4) -> (time,)."""
        onset, pitch, duration, velocity = rows.T
        gap = np.diff(onset, prepend=0)
        shifts = np.maximum(-(-gap // self.max_shift), 1)  # how many tokens each takes
        durations = -(-duration // self.max_duration)
        one, loud = np.ones_like(pitch), np.full_like(pitch, min(self.velocity_bins, 1))
        counts = np.stack([shifts, one, durations, loud], axis=1).ravel()
        longest = [self.first_duration - 1, 0, self.first_velocity - 1, 0]
        tokens = np.repeat(np.array(longest * len(rows), np.uint16), counts)
        places = np.cumsum(counts)[1::4] - 1  # of the pitches
        tokens[places - 1] = SHIFT + gap - (shifts - 1) * self.max_shift
        tokens[places] = pitch
        rest = duration - (durations - 1) * self.max_duration
        tokens[places + durations] = self.first_duration - 1 + rest
        if self.velocity_bins:
            bins = encode_velocities(velocity, self.velocity_bins)
            tokens[places + durations + 1] = self.first_velocity + bins
        return tokens

    def decode(self, tokens: Tokens, name: str = "") -> Piece:
        """Return the piece that the tokens (time,) say, up to the first end token, as one track.

        A note begins with its pitch, after all shifts before it. Its durations and its velocity
        are the last before the next pitch; it lasts one step at least.
        """
        tokens = self.before_end(tokens).astype(np.int64)
        places = np.flatnonzero(tokens < SHIFT)
        last = np.append(places[1:], len(tokens))[: len(places)] - 1
        lengths = np.cumsum(self.durations(tokens))
        notes = array(
            NOTE,
            onset=np.cumsum(self.shifts(tokens))[places],
            duration=np.maximum(lengths[last] - lengths[places], 1),
            pitch=tokens[places],
            velocity=self._velocities(tokens)[last],
        )
        return Piece(name, self.resolution, separate_unisons(notes), track_names=("piano",))

    def shifts(self, tokens: Tokens) -> NDArray[np.int64]:
        """Return by how many steps each token moves on."""
        is_shift = (tokens >= SHIFT) & (tokens < self.first_duration)
        return np.where(is_shift, tokens.astype(np.int64) - SHIFT, 0)

    def durations(self, tokens: Tokens) -> NDArray[np.int64]:
        """Return by how many steps each token makes a note longer."""
        is_duration = (tokens >= self.first_duration) & (tokens < self.first_velocity)
        return np.where(is_duration, tokens.astype(np.int64) - self.first_duration + 1, 0)

    def _velocities(self, tokens: Tokens) -> NDArray[np.int64]:
        is_velocity = (tokens >= self.first_velocity) & (tokens != self.end)
        numbers = np.where(is_velocity, tokens - self.first_velocity, -1)
        return decode_velocities(numbers, self.velocity_bins)

    def to_kinds(self, tokens: Tokens) -> NDArray[np.int64]:
        """Return the kind of each token: shift, pitch, duration, velocity or end."""
        firsts = [SHIFT, self.first_duration, self.first_velocity]
        kinds = np.array([PITCHED, SHIFTED, LASTED, LOUD])[np.digitize(tokens, firsts)]
        return np.where(tokens == self.end, BEGINNING, kinds) if self.end_token else kinds

    def describe(self, token: int) -> str:
        if token == self.end:
            return "end"
        if token < SHIFT:
            return f"note {pitch_name(token)}"
        if token >= self.first_velocity:
            return f"velocity {token - self.first_velocity + 1} of {self.velocity_bins}"
        is_shift = token < self.first_duration
        steps = token - SHIFT if is_shift else token - self.first_duration + 1
        return f"{'shift' if is_shift else 'duration'} {steps} step{'s' * (steps != 1)}"

    def transpose(self, tokens: Tokens, semitones: Tokens) -> Tokens:
        return transpose_notes(tokens, semitones, 0, SHIFT - 1)

    def positions(self, tokens: Tokens) -> NDArray[np.uint8]:
        step = self.since_end(tokens, self.shifts(tokens)) % self.bar
        return np.stack([step, self.to_kinds(tokens)], axis=1).astype(np.uint8)

    def note_counts(self) -> NDArray[np.int64]:
        return (np.arange(self.size) < SHIFT).astype(np.int64)

    def grammar(self, batch: int) -> "NoteGrammar":
        return NoteGrammar(self, batch)


class NoteGrammar(Grammar):
    """The grammar of notes: what `encode` writes, and nothing else.

    Notes of one onset rise in pitch, and a pitch begins only after its last note has ended. Of the
    tokens that add up only the last may be shorter than the longest. Silence lasts two bars at the
    most. A piece ends after a note. The time reached is that of the last note's end.
    """

    of_rows = ("last_kind", "longest", "time", "moved", "pitch", "ends", "quarters")

    def __init__(self, notes: Note, batch: int) -> None:
        self.notes = notes
        self.last_kind = np.full(batch, BEGINNING, np.int64)
        self.longest = np.zeros(batch, np.bool_)  # the last token was, of its kind
        self.time = np.zeros(batch, np.int64)  # steps up to the coming onset
        self.moved = np.ones(batch, np.bool_)  # since the last note; nothing is below the first
        self.pitch = np.zeros(batch, np.int64)  # of the last note
        self.ends = np.zeros((batch, 128), np.int64)  # of the last note of each pitch
        self.quarters = np.zeros(batch)

    @property
    def rows(self) -> NDArray[np.int64]:
        """Return the number of each sequence: (batch,)."""
        return np.arange(len(self.time))

    def legal(self) -> NDArray[np.bool_]:
        notes = self.notes
        more = self.longest[:, None]
        complete = self.last_kind == (LOUD if notes.velocity_bins else LASTED)
        shifted, lasted = self.last_kind == SHIFTED, self.last_kind == LASTED
        free, shifts = self._free(), self._shifts()
        shifts &= (complete | (self.last_kind == BEGINNING))[:, None] | (shifted[:, None] & more)
        shifts[shifted, 0] = False
        allowed = np.zeros((len(self.rows), notes.size), np.bool_)
        allowed[:, :SHIFT] = free & shifted[:, None]
        allowed[:, SHIFT : notes.first_duration] = shifts
        allowed[:, notes.first_duration : notes.first_velocity] = (self.last_kind == PITCHED)[
            :, None
        ] | (lasted[:, None] & more)
        velocities = slice(notes.first_velocity, notes.first_velocity + notes.velocity_bins)
        allowed[:, velocities] = lasted[:, None]
        if notes.end is not None:
            allowed[:, notes.end] = complete
        return allowed

    def _free(self) -> NDArray[np.bool_]:
        """Return which pitches may begin at the time reached: (batch, 128)."""
        above: NDArray[np.bool_] = np.arange(128) > self.pitch[:, None]
        return (self.moved[:, None] | above) & (self.ends <= self.time[:, None])

    def _shifts(self) -> NDArray[np.bool_]:
        """Return which shifts lead to an onset: (batch, max_shift + 1)."""
        limit = SILENT_BARS * self.notes.bar
        steps = np.arange(self.notes.max_shift + 1)
        onset: NDArray[np.int64] = self.time[:, None] + steps
        leads: NDArray[np.bool_] = onset >= self.ends.min(
            axis=1, keepdims=True
        )  # a pitch is free by then
        leads[:, 0] = self._free().any(axis=1)
        leads[:, -1] = True  # more may follow
        leads &= onset <= self.ends.max(axis=1, keepdims=True) + limit
        return leads

    def advance(self, tokens: Tokens) -> None:
        notes = self.notes
        tokens = tokens.astype(np.int64)
        self.last_kind = notes.to_kinds(tokens)
        shifts, durations = notes.shifts(tokens), notes.durations(tokens)
        self.longest = (shifts == notes.max_shift) | (durations == notes.max_duration)
        self.time += shifts
        self.moved |= shifts > 0
        begins = self.last_kind == PITCHED
        self.moved &= ~begins
        self.pitch[begins] = tokens[begins]
        self.ends[begins, tokens[begins]] = self.time[begins]
        self.ends[self.rows, self.pitch] += durations
        self._restart(self.last_kind == BEGINNING)
        reached = np.maximum(self.time, self.ends.max(axis=1))
        self.quarters = reached / notes.steps_per_quarter

    def _restart(self, ended: NDArray[np.bool_]) -> None:
        self.moved[ended] = True
        for state in (self.time, self.pitch, self.ends):
            state[ended] = 0

    def positions(self) -> NDArray[np.int64]:
        """Return the step within the bar and the kind of the last token: (batch, 2)."""
        return np.stack([self.time % self.notes.bar, self.last_kind], axis=1)
