"""Chords: the pitches that sound in each step of time, from the highest down."""

from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ostinato.errors import UnencodableError
from ostinato.music.piece import Piece
from ostinato.representations.base import EndToken, StepsPerQuarter, Tokens
from ostinato.representations.monophonic import REST
from ostinato.representations.pianoroll import Pianoroll
from ostinato.representations.voice_roll import VoiceRoll, by_step
from ostinato.representations.voices import BarSteps, History, PositionBars, Voices
from ostinato.representations.voices_grammar import VoicesGrammar


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


class Chords(Voices):
    """A piano-roll as tokens: of each step, a fixed number, its pitches from the highest down.

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
    grammar_class = ChordsGrammar

    def __init__(
        self,
        voices: Annotated[int, Field(ge=1, le=16, description="the most pitches in a step")],
        steps_per_quarter: StepsPerQuarter,
        bar_steps: BarSteps,
        position_bars: PositionBars,
        end_token: EndToken = True,
        history: History = None,
    ) -> None:
        super().__init__(
            voices, steps_per_quarter, bar_steps, position_bars, (voices,), end_token, history
        )
        self.roll = Pianoroll(
            step=f"1/{steps_per_quarter}",
            velocity=False,
            onsets=False,
            pitch_range=(self.lowest, self.highest),
            position_bars=1,
            bar_steps=bar_steps,
        )

    def encode(self, piece: Piece) -> NDArray[np.uint16]:
        """Return the piece as tokens: (time,), up to the end of the last note.

        Raises `UnencodableError` where a piano-roll does, and where more pitches sound at once.
        """
        frames = self.roll.encode(piece)
        step, below_highest = np.nonzero(frames[:, ::-1])  # step by step, the highest pitch first
        rank = np.arange(len(step)) - np.searchsorted(step, step)
        if (most := int(rank.max()) + 1) > self.voices:
            raise UnencodableError(
                f"sounds {most} pitches at once, and representation.voices={self.voices}"
            )
        before = self.steps_before(piece)
        tokens = np.full((before + len(frames), self.voices), REST, np.uint16)
        tokens[before + step, rank] = self.highest - below_highest
        return tokens.ravel()

    def note_count(self, steps: NDArray[Any]) -> int:
        return self.roll.note_count(self._frames(self.before_end(steps)))

    def count_losses(self, piece: Piece, steps: NDArray[Any]) -> dict[str, int]:
        return self.roll.count_losses(piece, self._frames(steps))

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
        return self.roll.decode(self._frames(self.before_end(tokens)), name)

    def _frames(self, tokens: Tokens) -> NDArray[np.uint8]:
        """Return the frames (steps, 128) that tokens (time,) say."""
        steps = -(-len(tokens) // self.voices)
        grid = np.full(steps * self.voices, REST)
        grid[: len(tokens)] = np.minimum(tokens, REST)
        frames = np.zeros((steps, REST + 1), np.uint8)
        frames[np.arange(steps)[:, None], grid.reshape(steps, self.voices)] = 1
        return frames[:, :REST]
