"""The contract of representations of music, as tokens and as frames."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ostinato.music.piece import Piece
from ostinato.representations.batched import Batched

Tokens = NDArray[np.integer[Any]]
StepsPerQuarter = Annotated[int, Field(ge=1, le=64, description="time steps to the quarter note")]
VelocityBins = Annotated[
    int, Field(ge=0, le=64, description="how many velocities there are; 0 leaves them out")
]
EndToken = Annotated[bool, Field(description="learn where pieces end")]

BAR_QUARTERS = 4  # quarter notes in the bar that positions count through

LOST = ("drums", "other_tracks", "together", "repeated")
"""Notes that a representation leaves out: of what, or because they begin together with another, or
repeat a pitch without a gap where it writes no onsets."""
CHANGED = ("long_notes", "long_rests", "bars", "tempos")  # what it writes otherwise than it is

PITCH_CLASSES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def pitch_name(pitch: int) -> str:
    """Return a MIDI pitch in words, middle C being C4 (60)."""
    return f"{PITCH_CLASSES[pitch % 12]}{pitch // 12 - 1} ({pitch})"


class Grammar(Batched, ABC):
    """Follows a batch of sequences as they grow, and says which tokens may come next.

    A new grammar stands at the beginning of a piece. `quarters: (batch,)` is the musical time
    reached, in quarter notes. `of_rows` names every array that `advance` changes.
    """

    quarters: NDArray[np.float64]

    @abstractmethod
    def legal(self) -> NDArray[np.bool_]:
        """Return which tokens may come next: (batch, size); at least one is true in every row."""

    @abstractmethod
    def advance(self, tokens: Tokens) -> None:
        """Append one token to each sequence: (batch,). The end token begins a new piece."""

    @abstractmethod
    def positions(self) -> NDArray[np.int64]:
        """Return the musical position of the token that comes next: (batch, features)."""


class Representation(ABC):
    """Encodes a `Piece` as an array of steps and decodes any such array to a valid `Piece`.

    A step is a token (`kind` tokens: arrays (time,)) or a frame (`kind` frames: arrays
    (time, size)). A step of a piece begins where the one before it ends.
    """

    kind: ClassVar[str]
    name: ClassVar[str]
    layout: ClassVar[str] = ""
    """What positions hold, by a name that parts of networks know; none where they need not."""
    resolution: int
    """Ticks per quarter note of the pieces that `decode` makes."""
    position_features: Mapping[str, int] = MappingProxyType({})
    """The name of each feature of `positions`, in order, and how many classes it has."""
    binary: bool = False
    """Whether frames hold 0 and 1 alone."""
    channels: int = 1
    """Copies of the pitches in a frame: those that sound and, where there are 2, that begin."""
    trainable: bool = False  # whether `train` must be called before anything is encoded
    lowest: int = 0
    highest: int = 127  # the pitches that it can hold
    voices_per_step: int = 1  # how many tokens, one after the other, make a time step
    falling: bool = False  # whether, of the tokens of a time step, pitches fall
    bar_steps: int = 0  # how many time steps make a bar, where it has bars of one length
    beat_steps: int = 0  # how many time steps make a quarter note, where it has time steps
    holds_drums: bool = False  # whether it writes percussion
    transposes: bool = True  # whether `transpose` moves by other than 0 semitones
    preserves: frozenset[str] = frozenset()
    """Those of tempo, metre and programs that decoded pieces have from the encoded ones."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Return the number of tokens, the end token included; or the width of a frame."""

    @property
    def unit(self) -> str:
        """Return one step by its name: token or frame."""
        return self.kind.removesuffix("s")

    @property
    def end(self) -> int | None:
        """Return the end token, where there is one."""
        return None

    @abstractmethod
    def encode(self, piece: Piece) -> NDArray[Any]:
        """Return the piece as steps: (time,) tokens, uint16, or (time, size) frames, uint8.

        Raises `UnencodableError`, with the reason, for a piece that cannot be held.
        """

    @abstractmethod
    def note_count(self, steps: NDArray[Any]) -> int:
        """Return how many notes the steps of `encode` begin."""

    def count_losses(self, piece: Piece, steps: NDArray[Any]) -> dict[str, int]:
        """Return how much of a piece its steps leave out or write otherwise: `LOST`, `CHANGED`."""
        notes = piece.notes
        drums = 0 if self.holds_drums else int(np.count_nonzero(notes["drum"]))
        return {"drums": drums, "together": len(notes) - drums - self.note_count(steps)}

    @abstractmethod
    def decode(self, steps: NDArray[Any], name: str = "") -> Piece:
        """Return the piece that the steps say. Decoding stops at the first end token."""

    def with_silence(self, steps: NDArray[Any], piece: Piece, end: int) -> NDArray[Any]:
        """Return the steps of `encode(piece)`, and silence after them up to the tick `end`.

        The same steps where the representation writes no silence after the last note.
        """
        del piece, end
        return steps

    @abstractmethod
    def describe(self, token: int) -> str:
        """Return what a token, or a column of a frame, means, in a word or two."""

    @abstractmethod
    def transpose(self, steps: NDArray[Any], semitones: Tokens) -> NDArray[Any]:
        """Return steps (batch, time, ...) moved by semitones (batch,); what has no pitch stays.

        The caller keeps pitches within 0 to 127.
        """

    @abstractmethod
    def positions(self, steps: NDArray[Any]) -> NDArray[np.uint8]:
        """Return the musical position of the step after each one: (time,) -> (time, features).

        Known from the steps so far alone. The end token, or an empty frame, stands before the
        first of a piece, so that `positions([end, *encode(piece)])` has a row for every token and
        for the end, and the same of frames a row for every frame and for one that would follow.
        """

    def vocabulary(self) -> str:
        """Return the meaning of each token, or column of a frame, as tab-separated values."""
        named = "token" if self.kind == "tokens" else "column"
        rows = [f"{i}\t{self.describe(i)}" for i in range(self.size)]
        return "\n".join([f"{named}\tmeaning", *rows]) + "\n"

    def transpose_positions(self, positions: Tokens, semitones: Tokens) -> Tokens:
        """Return positions (batch, time, features) of steps moved by `transpose`; most stay."""
        del semitones
        return positions

    def train(self, pieces: Iterable[Piece]) -> None:
        """Train the tokenizer on the training pieces; most have nothing to train."""
        del pieces

    def state(self) -> bytes | None:
        """Return what `train` found, as JSON for `load_state`; the same pieces, the same bytes."""
        return None

    def load_state(self, state: bytes) -> None:
        """Load what `state` returned; raises `ValueError` where it does not belong here."""
        raise ValueError(f"{self.name} has no state to load, and the file has {len(state)} bytes")


class TokenRepresentation(Representation):
    """A representation as a sequence of tokens.

    `encode` never writes the end token; the sequence models see one before and after each piece
    where `end_token` is true, and it is then the last of the vocabulary.
    """

    kind: ClassVar[str] = "tokens"
    end_token: bool

    @property
    def end(self) -> int | None:
        return self.size - 1 if self.end_token else None

    def before_end(self, tokens: Tokens) -> Tokens:
        """Return the tokens (time,) of the first piece: those before the first end token."""
        ends = self.last_end(tokens) >= 0
        return tokens[: ends.argmax()] if ends.any() else tokens

    def last_end(self, tokens: Tokens) -> NDArray[np.int64]:
        """Return the place of the last end token up to each token, -1 before the first: (time,)."""
        ends = np.flatnonzero(tokens == self.end) if self.end is not None else np.zeros(0, np.int64)
        bounds = np.concatenate(([0], ends, [len(tokens)]))
        return np.repeat(np.concatenate(([-1], ends)), bounds[1:] - bounds[:-1])

    def since_end(self, tokens: Tokens, steps: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the sum of the tokens' steps since the last end token, or the first: (time,)."""
        sums = np.cumsum(steps)
        if self.end is not None:
            ends = np.flatnonzero(tokens == self.end)
            bounds = np.concatenate((ends, [len(tokens)]))
            sums[bounds[0] :] -= np.repeat(sums.take(ends), bounds[1:] - bounds[:-1])
        return sums

    @abstractmethod
    def note_counts(self) -> NDArray[np.int64]:
        """Return how many notes each token begins: (size,)."""

    def note_count(self, steps: NDArray[Any]) -> int:
        return int(self.note_counts().take(steps).sum())

    @abstractmethod
    def grammar(self, batch: int) -> Grammar:
        """Return a grammar that follows `batch` sequences from their beginning."""


class FrameRepresentation(Representation):
    """A representation as a sequence of frames.

    `encode` begins with the first frame; the sequence models see an empty one before each piece.
    """

    kind: ClassVar[str] = "frames"
    step: Fraction  # how long a frame is, in quarter notes

    def note_count(self, steps: NDArray[Any]) -> int:
        """Return how many notes frames (time, size) of `encode` hold: what they say begins.

        Without a channel of onsets, notes of one pitch that touch are one.
        """
        if self.channels > 1:
            return int(np.count_nonzero(steps[:, self.size // self.channels :]))
        begins = steps > 0
        begins[1:] &= steps[:-1] == 0
        return int(begins.sum())
