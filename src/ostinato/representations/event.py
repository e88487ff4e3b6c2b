"""The event representation: notes that begin and end, and the time between."""

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
from ostinato.representations.instrument import merge_tracks, separate_unisons, sort_times
from ostinato.representations.monophonic import SILENT_BARS, transpose_notes
from ostinato.representations.velocity import decode_velocities, encode_velocities

NOTE_OFF = 128
TIME_SHIFT = 256
SILENT = -1


class Event(TokenRepresentation):
    """Note-on (0 to 127), note-off (128 to 255), time-shift and velocity events, as in MusPy.

    A time shift of n steps is 255 + n; velocities follow, one before every note-on, where
    `velocity_bins` is more than 0. All tracks but drums become one. Where tracks share a pitch, it
    sounds as long as any of them holds it and begins again wherever one of them does, so that every
    note-on has its own note-off. Positions are the step within a bar of four quarter notes.

    Source: `muspy.to_event_representation` (Dong et al., MusPy, ISMIR 2020), after Oore et al.,
    This Time with Feeling (2018).
    """

    name: ClassVar[str] = "event"

    def __init__(
        self,
        steps_per_quarter: StepsPerQuarter,
        max_time_shift: Annotated[
            int, Field(ge=1, le=1000, description="steps in the longest time shift")
        ],
        velocity_bins: VelocityBins,
        end_token: EndToken = True,
    ) -> None:
        self.steps_per_quarter = self.resolution = steps_per_quarter
        self.max_time_shift = max_time_shift
        self.velocity_bins = velocity_bins
        self.end_token = end_token
        self.bar = BAR_QUARTERS * steps_per_quarter
        self.position_features = {"step": self.bar}
        self._shifts = np.zeros(self.size, np.int64)
        self._shifts[TIME_SHIFT : self.first_velocity] = np.arange(1, max_time_shift + 1)

    @property
    def size(self) -> int:
        return self.first_velocity + self.velocity_bins + self.end_token

    @property
    def first_velocity(self) -> int:
        """Return the token of the lowest velocity."""
        return TIME_SHIFT + self.max_time_shift

    def encode(self, piece: Piece) -> NDArray[np.uint16]:
        """Return the piece as tokens: (time,). Raises `UnencodableError` where only drums play."""
        return self._encode(*merge_tracks(piece, self.steps_per_quarter, self.velocity_bins > 0))

    def encode_notes(self, notes: NDArray[Any]) -> NDArray[np.uint16]:
        """Encode notes in steps as tokens (time,), with overlapping unisons, as MusPy does."""
        keys = ("onset", "pitch", "duration", "velocity")
        notes = notes.take(order_by(*(notes[key] for key in keys)))
        onsets, ends = notes["onset"], notes["onset"] + notes["duration"]
        return self._encode(onsets, ends, notes["pitch"], notes["velocity"])

    def _encode(
        self,
        onsets: NDArray[np.int64],
        ends: NDArray[np.int64],
        pitches: NDArray[np.uint8],
        velocities: NDArray[np.uint8],
    ) -> NDArray[np.uint16]:
        """Encode notes in the order of their tokens."""
        codes: list[NDArray[Any]] = [pitches, pitches.astype(np.uint16) + NOTE_OFF]
        times = [onsets, ends]
        if self.velocity_bins:
            codes.insert(0, self.first_velocity + encode_velocities(velocities, self.velocity_bins))
            times.insert(0, onsets)
        return self._insert_shifts(_interleave(codes, np.uint16), _interleave(times, np.int64))

    def _insert_shifts(
        self, codes: NDArray[np.uint16], times: NDArray[np.int64]
    ) -> NDArray[np.uint16]:
        """Order events by time, those at one time as they are, and fill the gaps by shifts."""
        order = sort_times(times)
        codes, times = codes.take(order), times.take(order)
        gaps = times.copy()
        gaps[1:] -= times[:-1]
        moves = np.flatnonzero(gaps > 0)  # where time moves on
        gaps = gaps.take(moves)
        shifts = (gaps + (self.max_time_shift - 1)) // self.max_time_shift  # tokens before each
        places = np.ones(len(codes), np.int64)
        places[moves] += shifts
        places = np.cumsum(places)
        places -= 1
        tokens = np.full(places[-1] + 1, self.first_velocity - 1, np.uint16)
        tokens[places] = codes
        rest = gaps - (shifts - 1) * self.max_time_shift
        tokens[places.take(moves) - 1] = (TIME_SHIFT - 1 + rest).astype(np.uint16)
        return tokens

    def decode(self, tokens: Tokens, name: str = "") -> Piece:
        """Return the piece that the tokens (time,) say, up to the first end token, as one track.

        A note ends at its note-off, when its pitch begins again, or with the last token; it lasts
        one step at least. The note-off of a pitch that does not sound means nothing.
        """
        tokens = self.before_end(tokens).astype(np.int64)
        times = np.cumsum(self.shifts(tokens))
        events = np.flatnonzero(tokens < TIME_SHIFT)
        events = events[np.argsort(tokens[events] % 128, kind="stable")]
        pitches = tokens[events] % 128
        ends = np.append(times[events][1:], 0)[: len(events)]
        last = np.append(pitches[1:] != pitches[:-1], True)[: len(events)]
        ends[last] = times.max(initial=0)
        begins = tokens[events] < NOTE_OFF
        onsets = times[events][begins]
        notes = array(
            NOTE,
            onset=onsets,
            duration=np.maximum(ends[begins] - onsets, 1),
            pitch=pitches[begins],
            velocity=self._velocities(tokens)[events][begins],
        )
        return Piece(name, self.resolution, separate_unisons(notes), track_names=("piano",))

    def shifts(self, tokens: Tokens) -> NDArray[np.int64]:
        """Return by how many steps each token moves on."""
        return self._shifts.take(tokens)

    def _velocities(self, tokens: Tokens) -> NDArray[np.int64]:
        is_velocity = (tokens >= self.first_velocity) & (tokens != self.end)
        numbers = np.where(is_velocity, tokens - self.first_velocity, -1)
        return decode_velocities(numbers, self.velocity_bins)

    def describe(self, token: int) -> str:
        if token == self.end:
            return "end"
        if token >= self.first_velocity:
            return f"velocity {token - self.first_velocity + 1} of {self.velocity_bins}"
        if token >= TIME_SHIFT:
            steps = token - TIME_SHIFT + 1
            return f"time-shift {steps} step{'s' * (steps > 1)}"
        return f"note-{'on' if token < NOTE_OFF else 'off'} {pitch_name(token % 128)}"

    def transpose(self, tokens: Tokens, semitones: Tokens) -> Tokens:
        return transpose_notes(tokens, semitones, 0, TIME_SHIFT - 1)

    def positions(self, tokens: Tokens) -> NDArray[np.uint8]:
        since = self.since_end(tokens, self.shifts(tokens))
        bar = self.bar
        steps = since - since // bar * bar  # faster than since % bar
        return steps.astype(np.uint8)[:, None]

    def note_counts(self) -> NDArray[np.int64]:
        return (np.arange(self.size) < NOTE_OFF).astype(np.int64)

    def grammar(self, batch: int) -> "EventGrammar":
        return EventGrammar(self, batch)


def _interleave(columns: list[NDArray[Any]], dtype: Any) -> NDArray[Any]:
    """Return the first of each column, then the second of each, …: (n,) -> (n · columns,)."""
    out = np.empty(len(columns) * len(columns[0]), dtype)
    for place, column in enumerate(columns):
        out[place :: len(columns)] = column
    return out


class EventGrammar(Grammar):
    """The grammar of events: which tokens may come next.

    A note-on needs a silent pitch, and its velocity before it where there are velocities; a
    note-off a pitch that began at an earlier time. Silence lasts two bars at the most. A piece ends
    in silence, with at least one note in it.
    """

    of_rows = ("time", "began", "silent_from", "begun", "has_velocity", "quarters")

    def __init__(self, events: Event, batch: int) -> None:
        self.events = events
        self.time = np.zeros(batch, np.int64)  # steps
        self.began = np.full((batch, 128), SILENT, np.int64)  # when each pitch did
        self.silent_from = np.zeros(batch, np.int64)
        self.begun = np.zeros(batch, np.bool_)
        self.has_velocity = np.zeros(batch, np.bool_)
        self.quarters = np.zeros(batch)

    def legal(self) -> NDArray[np.bool_]:
        events, sounding = self.events, self.began != SILENT
        free = ~self.has_velocity[:, None]
        may_begin = self.has_velocity if events.velocity_bins else np.ones_like(self.begun)
        limit = SILENT_BARS * BAR_QUARTERS * events.steps_per_quarter
        left = limit - (self.time - self.silent_from)
        left[sounding.any(axis=1)] = events.max_time_shift
        allowed = np.zeros((len(self.time), events.size), np.bool_)
        allowed[:, :NOTE_OFF] = ~sounding & may_begin[:, None]
        allowed[:, NOTE_OFF:TIME_SHIFT] = sounding & (self.began < self.time[:, None]) & free
        shifts = np.arange(1, events.max_time_shift + 1) <= left[:, None]
        allowed[:, TIME_SHIFT : events.first_velocity] = shifts & free
        velocities = slice(events.first_velocity, events.first_velocity + events.velocity_bins)
        allowed[:, velocities] = ~sounding.all(axis=1, keepdims=True) & free
        if events.end is not None:
            allowed[:, events.end] = self.begun & ~sounding.any(axis=1) & free[:, 0]
        return allowed

    def advance(self, tokens: Tokens) -> None:
        events = self.events
        sounded = (self.began != SILENT).any(axis=1)
        begins, ends = tokens < NOTE_OFF, (tokens >= NOTE_OFF) & (tokens < TIME_SHIFT)
        self.began[begins, tokens[begins]] = self.time[begins]
        self.began[ends, tokens[ends] - NOTE_OFF] = SILENT
        sounding = self.began != SILENT
        stopped = sounded & ~sounding.any(axis=1)
        self.silent_from[stopped] = self.time[stopped]
        self.begun |= begins
        self.time += events.shifts(tokens)
        # A velocity while every pitch sounds leads nowhere.
        is_velocity = (tokens >= events.first_velocity) & (tokens != events.end)
        self.has_velocity = is_velocity & ~sounding.all(axis=1)
        if events.end is not None:
            self._restart(tokens == events.end)
        self.quarters = self.time / events.steps_per_quarter

    def _restart(self, ended: NDArray[np.bool_]) -> None:
        self.began[ended] = SILENT
        for state in (self.time, self.silent_from, self.begun):
            state[ended] = 0

    def positions(self) -> NDArray[np.int64]:
        """The step within the bar: (batch, 1)."""
        return (self.time % self.events.bar)[:, None]
