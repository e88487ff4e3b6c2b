"""Chords: the pitches that sound in each step of time, from the highest down."""

from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ostinato.errors import UnencodableError
from ostinato.music.piece import LOUDNESS, NOTE, Piece, array
from ostinato.representations.base import Tokens
from ostinato.representations.instrument import select_pitched_notes
from ostinato.representations.monophonic import REST
from ostinato.representations.voice_history import VoiceHistory
from ostinato.representations.voice_roll import VoiceRoll, by_step
from ostinato.representations.voices import Voices
from ostinato.representations.voices_grammar import VoicesGrammar


class Chords(Voices):
    """What sounds in each step, as a fixed number of tokens: the pitches from the highest down.

    0 to 127 are pitches, 128 fills up a step in which fewer sound; 129, which holds a note in
    `Voices`, is never written. No token says where notes begin: a pitch that sounds in two steps
    in a row is one note, as in a piano-roll without onsets. A set of pitches has one list, so that
    the probability of the tokens of a step is that of its frame. Positions are those of `Voices`,
    the n-th highest pitch being voice n, and a pickup is filled up as there.

    Source: the pitches of a frame one after the other, as RNN-NADE (Boulanger-Lewandowski et al.,
    ICML 2012) factorises them; written as tokens.
    """

    name: ClassVar[str] = "chords"
    falling = True

    def __init__(
        self,
        voices: Annotated[int, Field(ge=1, le=16, description="the most pitches in a step")],
        steps_per_quarter: Annotated[
            int, Field(ge=1, le=64, description="time steps to the quarter note")
        ],
        bar_steps: Annotated[
            int, Field(ge=1, le=256, description="steps to the bar, for positions")
        ],
        position_bars: Annotated[
            int, Field(ge=1, le=64, description="through how many bars positions count: a phrase")
        ],
        end_token: Annotated[bool, Field(description="learn where pieces end")] = True,
        history: Annotated[
            VoiceHistory | None,
            Field(description="what positions say of the piece so far; null: nothing"),
        ] = None,
    ) -> None:
        super().__init__(
            voices, steps_per_quarter, bar_steps, position_bars, (voices,), end_token, history
        )

    def encode(self, piece: Piece) -> NDArray[np.uint16]:
        """Return the piece as tokens: (time,), up to the end of the last note.

        Raises `UnencodableError` where only drums play, and where more pitches sound at once.
        """
        notes = select_pitched_notes(piece, self.steps_per_quarter)
        onset, duration = notes["onset"], notes["duration"]
        earlier = np.cumsum(duration) - duration  # steps of the notes before, all in a row
        step = np.arange(int(duration.sum())) + np.repeat(onset - earlier, duration)
        pitch = np.repeat(notes["pitch"], duration)
        step, pitch = np.divmod(np.unique(step * 128 + 127 - pitch), 128)  # highest first
        pitch = 127 - pitch
        rank = np.arange(len(step)) - np.searchsorted(step, step)
        if (most := int(rank.max()) + 1) > self.voices:
            raise UnencodableError(
                f"sounds {most} pitches at once, and representation.voices={self.voices}"
            )
        before = self.steps_before(piece)
        tokens = np.full((before + int(step.max()) + 1, self.voices), REST, np.uint16)
        tokens[before + step, rank] = pitch
        return tokens.ravel()

    def note_count(self, steps: NDArray[Any]) -> int:
        return len(self._notes(self.before_end(steps)))

    def to_grid(self, tokens: Tokens, before: NDArray[np.integer[Any]] | None = None) -> VoiceRoll:
        del before  # every step says all that sounds
        batch, time = tokens.shape
        grid = tokens.reshape(batch, time // self.voices, self.voices)
        pitch = np.where(grid < REST, grid, REST).astype(np.uint8)
        onset = pitch < REST
        # (batch, steps - 1, voices, voices): which pitch of the step before each goes on with
        goes_on = pitch[:, 1:, :, None] == pitch[:, :-1, None, :]
        onset[:, 1:] &= ~goes_on.any(axis=3)
        return self.voice_roll(pitch, onset)

    def from_grid(self, roll: VoiceRoll) -> NDArray[np.uint16]:
        pitch, _ = by_step(roll)
        falling = -np.sort(-np.where(pitch < REST, pitch, -1).astype(np.int64), axis=2)
        return np.where(falling >= 0, falling, REST).astype(np.uint16).reshape(len(roll), -1)

    def decode(self, tokens: Tokens, name: str = "") -> Piece:
        """Return the piece that the tokens (time,) say, up to the first end token, as one track."""
        return Piece(
            name, self.resolution, self._notes(self.before_end(tokens)), track_names=("piano",)
        )

    def _notes(self, tokens: Tokens) -> NDArray[Any]:
        """Return the notes, in steps, that tokens (time,) say."""
        steps = -(-len(tokens) // self.voices)
        grid = np.full(steps * self.voices, REST)
        grid[: len(tokens)] = tokens
        sounds = np.zeros((steps + 2, REST + 2), np.int8)  # silence before and after
        sounds[np.arange(steps)[:, None] + 1, grid.reshape(steps, self.voices)] = 1
        changes = np.diff(sounds[:, :REST], axis=0).T  # (pitches, steps + 1): 1, 0 or -1
        pitch, onset = np.nonzero(changes == 1)
        _, end = np.nonzero(changes == -1)
        notes = array(NOTE, onset=onset, duration=end - onset, pitch=pitch, velocity=LOUDNESS)
        return notes[np.lexsort((notes["pitch"], notes["onset"]))]

    def grammar(self, batch: int) -> "ChordsGrammar":
        return ChordsGrammar(
            batch,
            self.voices,
            self.bar_steps,
            self.steps_per_quarter,
            self.end_token,
            self.position_steps,
            self.history,
        )


class ChordsGrammar(VoicesGrammar):
    """Follows chords: in a step each pitch lies below the one before, and nothing is held."""

    def legal(self) -> NDArray[np.bool_]:
        allowed = super().legal()
        allowed[:, self.hold] = False
        turn = self.count % self.lines
        above = np.where(self.sounding[self.rows, turn - 1], self.pitch[self.rows, turn - 1], 0)
        highest = np.where(turn == 0, 128, above)
        allowed[:, :128] &= np.arange(128) < highest[:, None]
        return allowed
