"""The piano-roll: which pitches sound in each step of time."""

import re
from fractions import Fraction
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from ostinato.errors import UnencodableError
from ostinato.music.piece import LOUDNESS, NOTE, Piece, array, order_by
from ostinato.representations.bar_grid import BarGrid
from ostinato.representations.base import BAR_QUARTERS, FrameRepresentation, Tokens, pitch_name
from ostinato.representations.instrument import select_pitched_notes
from ostinato.representations.monophonic import REST
from ostinato.representations.voice_roll import VoiceRoll, by_step
from ostinato.wording import quantity

FINEST = 64  # steps to the quarter note, so that a position fits a byte
MOST_POSITIONS = 256
MOST_BYTES = 2**31  # to encode a piece in
INDEX_BYTES = 24  # of them for each step of each note

Frames = NDArray[np.uint8]


def read_step(step: Any) -> Fraction:
    """Return a step in quarter notes from what a config says: 1/4, 3/2, 0.5, 1."""
    match = re.fullmatch(r"\d{1,4}(/\d{1,4}|\.\d{1,9})?", str(step).strip())
    if match and not re.search(r"/0+$", match.string):
        quarters = Fraction(match.string)
        if 0 < quarters <= BAR_QUARTERS and quarters.denominator <= FINEST:
            return quarters
    raise PydanticCustomError(
        "step",
        "it should be a fraction of a quarter note from 1/64 to 4, such as 1/4, 1/24 or 3/2, with "
        "a denominator of at most 64",
    )


def _check_step(step: Any) -> Any:
    read_step(step)
    return step


def _check_order(pitches: tuple[int, int]) -> tuple[int, int]:
    if pitches[0] > pitches[1]:
        raise PydanticCustomError(
            "pitch_range", "it should be the lowest pitch and then the highest"
        )
    return pitches


class Pianoroll(BarGrid, FrameRepresentation):
    """Frames (time, pitches) of what sounds: 1 or its velocity, from the lowest pitch.

    All tracks but drums become one. Where notes of one pitch overlap, the velocity is that of the
    one that began last; of those that begin together, of the longest. With `onsets` as many columns
    again say, by a 1, which pitches begin: without them, notes of one pitch that touch are one.

    The position is the step within `position_bars` bars of four quarter notes; where they are no
    whole number of steps, within the fewest times as many that are: three bars, of 8 steps
    together, for one bar and a step of 3/2. Bars that segments are cut into are of `bar_steps`, or
    of four quarter notes; none can be cut where a quarter note is no whole number of steps.

    Source: `muspy.to_pianoroll_representation` (Dong et al., MusPy, ISMIR 2020), but for an empty
    frame that it adds at the end. The second channel is that of Hawthorne et al., Onsets and Frames
    (ISMIR 2018).
    """

    name: ClassVar[str] = "pianoroll"
    one_voice_per_pitch = True

    def __init__(
        self,
        step: Annotated[
            str | int | float,
            BeforeValidator(_check_step),
            Field(description="how long a step is, in quarter notes: 1/4, 1/24, 1, 3/2"),
        ],
        velocity: Annotated[
            bool, Field(description="say how loud a pitch sounds, not only that it does")
        ],
        onsets: Annotated[
            bool, Field(description="say where notes begin, so that repeated notes stay apart")
        ],
        pitch_range: Annotated[
            tuple[Annotated[int, Field(ge=0, le=127)], Annotated[int, Field(ge=0, le=127)]],
            AfterValidator(_check_order),
            Field(description="the lowest and the highest pitch; [21, 108] are a piano's keys"),
        ],
        position_bars: Annotated[
            int, Field(ge=1, le=64, description="through how many bars positions count: a phrase")
        ],
        bar_steps: Annotated[
            int | None,
            Field(ge=1, le=256, description="steps to the bar of segments; null: four quarters"),
        ],
    ) -> None:
        self.step = read_step(step)
        whole = self.step.numerator == 1
        self.beat_steps = self.step.denominator if whole else 0
        self.bar_steps = (bar_steps or BAR_QUARTERS * self.beat_steps) if whole else 0
        self.resolution = self.step.denominator  # the coarsest at which a step is whole ticks
        self.velocity = velocity
        self.binary = not velocity
        self.onsets = onsets
        self.channels = 1 + onsets
        self.lowest, self.highest = pitch_range
        self.pitches = self.highest - self.lowest + 1
        self.by_track = (self.pitches,)
        self.position_steps = (position_bars * BAR_QUARTERS / self.step).numerator
        self.position_features = {"step": self.position_steps}
        if self.position_steps > MOST_POSITIONS:
            raise ValueError(
                f"representation.position_bars={position_bars} with steps of {step} makes "
                f"{self.position_steps} positions; at most {MOST_POSITIONS} can be told apart."
            )

    @property
    def size(self) -> int:
        return self.pitches * self.channels

    def encode(self, piece: Piece) -> Frames:
        """Return the piece as frames: (time, size), up to the end of the last note.

        Raises `UnencodableError` where only drums play, where pitches are out of range, and where
        encoding would take more than 2 GiB.
        """
        notes = select_pitched_notes(piece, 1 / self.step)
        self._check(notes)
        if self.velocity:  # a later note covers an earlier one
            notes = notes.take(order_by(*(notes[k] for k in ("onset", "duration", "velocity"))))
        onset, duration = notes["onset"], notes["duration"]
        frames = np.zeros((int((onset + duration).max()), self.size), np.uint8)
        flat = frames.reshape(-1)
        first = onset * self.size + notes["pitch"] - self.lowest
        if self.onsets:
            flat[first + self.pitches] = 1
        before = np.cumsum(duration) - duration  # steps of the notes before, all in a row
        rows = np.arange(0, int(duration.sum()) * self.size, self.size)
        sounding = np.repeat(first - before * self.size, duration) + rows
        flat[sounding] = np.repeat(notes["velocity"], duration) if self.velocity else 1
        return frames

    def _check(self, notes: NDArray[Any]) -> None:
        outside = int(((notes["pitch"] < self.lowest) | (notes["pitch"] > self.highest)).sum())
        if outside:
            raise UnencodableError(
                f"has {quantity(outside, 'note')} outside of the pitches {self.lowest} to "
                f"{self.highest}"
            )
        steps = int((notes["onset"] + notes["duration"]).max())
        needed = steps * self.size + INDEX_BYTES * int(notes["duration"].sum())
        if needed > MOST_BYTES:
            raise UnencodableError(
                f"would take {needed / 2**30:,.1f} GiB as {steps:,} frames of {self.step} quarter "
                f"notes; a piece may take {MOST_BYTES / 2**30:g} GiB"
            )

    def count_losses(self, piece: Piece, steps: NDArray[Any]) -> dict[str, int]:
        losses = super().count_losses(piece, steps)
        if self.onsets:
            return losses
        notes = select_pitched_notes(piece, 1 / self.step)
        together = len(notes) - len(np.unique(notes["onset"] * 128 + notes["pitch"]))
        return {**losses, "together": together, "repeated": losses["together"] - together}

    def decode(self, steps: NDArray[Any], name: str = "") -> Piece:
        """Return the piece that the frames (time, size) say, as one track.

        A pitch sounds where its column or its onset is not 0. A note begins at an onset, and where
        its pitch did not sound before; it has the velocity of that step, 127 at the most.
        """
        sound = steps[:, : self.pitches]
        onset, end, pitch = _spans(*self._sounds_and_onsets(steps))
        velocities = np.minimum(sound[onset, pitch], 127)
        notes = array(
            NOTE,
            onset=onset * self.step.numerator,
            duration=(end - onset) * self.step.numerator,
            pitch=pitch + self.lowest,
            velocity=np.where(velocities > 0, velocities, LOUDNESS) if self.velocity else LOUDNESS,
        )
        return Piece(name, self.resolution, notes, track_names=("piano",))

    def to_grid(
        self, steps: NDArray[Any], before: NDArray[np.integer[Any]] | None = None
    ) -> VoiceRoll:
        del before  # every frame says what is held
        sounds, begins = self._sounds_and_onsets(steps)
        pitches = np.arange(self.lowest, self.highest + 1)
        return self.voice_roll(np.where(sounds, pitches, REST).astype(np.uint8), begins)

    def _sounds_and_onsets(
        self, steps: NDArray[Any]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return what sounds and what begins in frames (…, time, size): (…, time, pitches) each."""
        sounds = steps[..., : self.pitches] > 0
        begins = steps[..., self.pitches :] > 0 if self.onsets else np.zeros_like(sounds)
        sounds |= begins
        begins[..., :1, :] |= sounds[..., :1, :]
        begins[..., 1:, :] |= sounds[..., 1:, :] & ~sounds[..., :-1, :]
        return sounds, begins

    def from_grid(self, roll: VoiceRoll) -> NDArray[np.uint8]:
        pitch, onset = by_step(roll)
        frames = np.zeros((*pitch.shape[:2], self.channels, self.pitches), np.uint8)
        for channel, marked in enumerate((pitch < REST, onset & (pitch < REST))[: self.channels]):
            row, step, line = np.nonzero(marked)
            frames[row, step, channel, pitch[row, step, line] - self.lowest] = 1
        return frames.reshape(*pitch.shape[:2], self.size)

    def describe(self, token: int) -> str:
        channel, pitch = divmod(token, self.pitches)
        return f"{pitch_name(pitch + self.lowest)} {'begins' if channel else 'sounds'}"

    def transpose(self, steps: NDArray[Any], semitones: Tokens) -> NDArray[Any]:
        """Return frames (batch, time, size) moved by semitones (batch,).

        A pitch that leaves `pitch_range` falls silent.
        """
        channels = steps.reshape(*steps.shape[:2], -1, self.pitches)
        sources = np.arange(self.pitches) - semitones[:, None]
        there = (sources >= 0) & (sources < self.pitches)
        moved = np.take_along_axis(channels, (sources * there)[:, None, None], axis=3)
        return (moved * there[:, None, None]).astype(steps.dtype).reshape(steps.shape)

    def positions(self, steps: NDArray[Any]) -> NDArray[np.uint8]:
        following = np.arange(len(steps)) % self.position_steps
        return following.astype(np.uint8)[:, None]


def _spans(sounding: NDArray[np.bool_], begins: NDArray[np.bool_]) -> tuple[Tokens, Tokens, Tokens]:
    """Return first step, step after the last, and column of all that sounds (time, pitches)."""
    stops = sounding.copy()
    stops[:-1] &= begins[1:] | ~sounding[1:]
    onset, pitch = np.divmod(np.flatnonzero(begins), begins.shape[1])  # faster than nonzero
    end, stopping = np.divmod(np.flatnonzero(stops), begins.shape[1])
    by_pitch = np.argsort(pitch, kind="stable")  # in a pitch, beginnings and ends take turns
    return onset[by_pitch], end[np.argsort(stopping, kind="stable")] + 1, pitch[by_pitch]
