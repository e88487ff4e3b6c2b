"""A monophonic line as one token per time step, shared by `Pitch` and `Voices`.

Tokens 0 to 127 begin a note of that pitch, `REST` is silence, and `HOLD` continues what sounds (or
the silence).
"""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ostinato.music.piece import LOUDNESS, NOTE, array
from ostinato.representations.base import Grammar, Tokens

REST = 128
HOLD = 129
SILENT_BARS = 2  # the longest silence that a grammar allows


def to_monophonic(notes: NDArray[Any]) -> NDArray[Any]:
    """Return the notes of one track (sorted, as in `Piece`) without overlaps.

    Of notes that begin together the highest stays; a note ends at the latest when the next begins.
    """
    last = np.append(notes["onset"][1:] != notes["onset"][:-1], True)[: len(notes)]
    line: NDArray[Any] = notes[last].copy()
    line["duration"][:-1] = np.minimum(line["duration"][:-1], np.diff(line["onset"]))
    return line


def line_to_tokens(notes: NDArray[Any], steps: int) -> NDArray[np.uint16]:
    """Return notes that do not overlap, in steps, as tokens: (steps,)."""
    grid = np.arange(steps)
    index = np.searchsorted(notes["onset"], grid, side="right") - 1
    ends = np.append(notes["onset"] + notes["duration"], 0)  # index -1 is before the first note
    tokens = np.where(grid < ends[index], HOLD, REST).astype(np.uint16)
    tokens[notes["onset"]] = notes["pitch"]
    return tokens


def tokens_to_line(tokens: Tokens, track: int = 0) -> NDArray[Any]:
    """Return the notes, in steps, that tokens (steps,) say; a hold without a note is a rest."""
    starts = np.flatnonzero(tokens < REST)
    changes = np.append(np.flatnonzero(tokens != HOLD), len(tokens))
    ends = changes[np.searchsorted(changes, starts, side="right")]
    return array(
        NOTE,
        onset=starts,
        duration=ends - starts,
        pitch=tokens[starts],
        velocity=LOUDNESS,
        track=track,
    )


def tokens_to_grid(
    grid: Tokens, before: Tokens | None = None
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return what sounds in each step of excerpts, a pitch or `REST`, and where notes begin.

    grid: (batch, steps, lines) tokens; before: (batch, lines), what sounds before the first step,
    nothing by default. What is held over the beginning of an excerpt begins there.
    """
    steps = np.arange(grid.shape[1])[:, None]
    latest = np.maximum.accumulate(np.where(grid != HOLD, steps, -1), axis=1)
    current = np.take_along_axis(grid, np.maximum(latest, 0), axis=1)
    held = np.full(grid.shape[::2], REST) if before is None else before
    pitch = np.where(latest < 0, held[:, None], current).astype(np.uint8)
    onset = grid < REST
    onset[:, :1] = pitch[:, :1] < REST
    return pitch, onset


def grid_to_tokens(pitch: Tokens, onset: NDArray[np.bool_]) -> NDArray[np.uint16]:
    """Return tokens (batch, steps, lines) of what `tokens_to_grid` gave; changes are onsets."""
    changed = np.ones(pitch.shape, np.bool_)
    changed[:, 1:] = pitch[:, 1:] != pitch[:, :-1]
    return np.where(onset | changed | (pitch == REST), pitch, HOLD).astype(np.uint16)


def transpose_notes(tokens: Tokens, semitones: Tokens, lowest: int, highest: int) -> Tokens:
    """Move the tokens (batch, time) from lowest up to highest by semitones (batch,)."""
    moved = tokens.astype(np.int64) + semitones[:, None]
    has_pitch = (tokens >= lowest) & (tokens <= highest)
    return np.where(has_pitch, moved, tokens).astype(tokens.dtype)


def rotate_to_turn(of_lines: Tokens, turn: Tokens) -> Tokens:
    """Rotate columns (time, lines) so that the line whose turn it is comes first, then the next."""
    lines = of_lines.shape[1]
    return np.take_along_axis(of_lines, (turn[:, None] + np.arange(lines)) % lines, axis=1)


class LineGrammar(Grammar):
    """The grammar of lines that are interleaved by time step.

    A hold needs a sounding note in its line, no silence in all lines is longer than two bars, and
    a piece ends at the end of a step, with at least one note in it.
    """

    of_rows: ClassVar[tuple[str, ...]] = (
        "count",
        "silence",
        "begun",
        "sounding",
        "pitch",
        "quarters",
    )

    def __init__(
        self, batch: int, lines: int, bar_steps: int, steps_per_quarter: int, hold: bool, end: bool
    ) -> None:
        self.lines, self.bar_steps, self.steps_per_quarter = lines, bar_steps, steps_per_quarter
        self.rest = REST if hold else 0
        self.hold = HOLD if hold else None
        self.size = (130 if hold else 128) + end
        self.end = self.size - 1 if end else None
        self.count = np.zeros(batch, np.int64)  # tokens since the beginning of the piece
        self.silence = np.zeros(batch, np.int64)  # whole steps
        self.begun = np.zeros(batch, np.bool_)
        self.sounding = np.zeros((batch, lines), np.bool_)
        self.pitch = np.zeros((batch, lines), np.int64)  # of the note that sounds, or sounded last
        self.quarters = np.zeros(batch)

    @property
    def rows(self) -> NDArray[np.int64]:
        """Return the number of each sequence: (batch,)."""
        return np.arange(len(self.count))

    def legal(self) -> NDArray[np.bool_]:
        turn = self.count % self.lines
        allowed = np.zeros((len(self.rows), self.size), np.bool_)
        allowed[:, :128] = True
        still_silent = (turn == self.lines - 1) & ~self.sounding.any(axis=1)
        too_long = self.silence >= SILENT_BARS * self.bar_steps
        allowed[:, self.rest] = ~(still_silent & too_long)
        if self.hold is not None:
            allowed[:, self.hold] = self.sounding[self.rows, turn]
        if self.end is not None:
            allowed[:, self.end] = (turn == 0) & self.begun
        return allowed

    def advance(self, tokens: Tokens) -> None:
        turn = self.count % self.lines
        begins = (tokens < 128) & (tokens != self.rest)
        held = np.zeros_like(begins) if self.hold is None else tokens == self.hold
        self.sounding[self.rows, turn] = begins | (held & self.sounding[self.rows, turn])
        self.pitch[self.rows, turn] = np.where(begins, tokens, self.pitch[self.rows, turn])
        self.begun |= begins
        self.count += 1
        silence = np.where(self.sounding.any(axis=1), 0, self.silence + 1)
        self.silence = np.where(turn == self.lines - 1, silence, self.silence)
        if self.end is not None:
            self._restart(tokens == self.end)
        self.quarters = self.count // self.lines / self.steps_per_quarter

    def _restart(self, ended: NDArray[np.bool_]) -> None:
        for state in (self.count, self.silence, self.begun, self.sounding):
            state[ended] = 0

    def positions(self) -> NDArray[np.int64]:
        """Return whose turn it is and the step within the bar: (batch, 2)."""
        turn, step = self.count % self.lines, self.count // self.lines % self.bar_steps
        return np.stack([turn, step], axis=1)
