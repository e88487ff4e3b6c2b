"""Lines on a grid that know where bars begin, so that pieces can be cut into whole bars."""

from abc import abstractmethod
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.music.piece import Piece
from ostinato.representations.base import Representation, TokenRepresentation, Tokens
from ostinato.representations.monophonic import REST
from ostinato.representations.voice_roll import VoiceRoll


class BarGrid(Representation):
    """Lines side by side in bars of `bar_steps` steps, of which `beat_steps` are a quarter note.

    A line sounds one pitch at a time. With `one_voice_per_pitch` there is a line for each pitch
    from `lowest` to `highest`, which sounds that one alone. by_track: how many of the lines each
    track has, in order.
    """

    one_voice_per_pitch: bool = False
    by_track: tuple[int, ...] = (1,)

    @property
    def parts(self) -> list[slice]:
        """Return the lines of each track."""
        ends = np.cumsum(self.by_track).tolist()
        return [slice(end - lines, end) for end, lines in zip(ends, self.by_track, strict=True)]

    def bars(self, piece: Piece) -> NDArray[np.int64]:
        """Return the steps of the encoded piece at which bars of `bar_steps` begin.

        Bars of other lengths and a pickup that was filled up are left out; the last may be cut off.
        """
        lines = piece.barlines()
        last = piece.time_signatures[piece.time_signatures["onset"] <= lines[-1]][-1:]
        beats = Fraction(*last[["numerator", "denominator"]][0].tolist()) if len(last) else 1
        lengths = np.append(np.diff(lines), round(4 * beats * piece.resolution))
        whole = lengths * self.beat_steps == self.bar_steps * piece.resolution
        steps, rest = np.divmod(lines[whole] * self.beat_steps, piece.resolution)
        starts: NDArray[np.int64] = steps[rest == 0] + self.steps_before(piece)
        return starts

    def steps_before(self, piece: Piece) -> int:
        """Return how many steps of the encoded piece come before the piece begins."""
        del piece
        return 0

    def with_silence(self, steps: NDArray[Any], piece: Piece, end: int) -> NDArray[Any]:
        until = self.steps_before(piece) + round(Fraction(end * self.beat_steps, piece.resolution))
        missing = max(0, until * self.voices_per_step - len(steps))
        silence = REST if self.kind == "tokens" else 0
        rests = np.full((missing, *steps.shape[1:]), silence, steps.dtype)
        return np.concatenate([steps, rests])

    @abstractmethod
    def to_grid(
        self, steps: NDArray[Any], before: NDArray[np.integer[Any]] | None = None
    ) -> VoiceRoll:
        """Return what sounds and where notes begin.

        steps: (batch, time, …), each from the beginning of a grid step on; before: (batch, lines),
        what sounds before the first, a pitch or `REST`, nothing by default. What is held over it
        begins there.
        """

    @abstractmethod
    def from_grid(self, roll: VoiceRoll) -> NDArray[Any]:
        """Return the steps (batch, time, …) of what `to_grid` gave, of voices of any number."""

    def voice_roll(self, pitch: Tokens, onset: NDArray[np.bool_]) -> VoiceRoll:
        """Return the voice roll of lines, step by step: (batch, steps, lines) both."""
        return VoiceRoll(
            np.ascontiguousarray(pitch.transpose(0, 2, 1), np.int16),
            np.ascontiguousarray(onset.transpose(0, 2, 1)),
            self.beat_steps,
            self.bar_steps,
            self.one_voice_per_pitch,
        )


class TokenBarGrid(BarGrid, TokenRepresentation):
    """`voices_per_step` lines, each one token per step."""

    steps_per_quarter: int
