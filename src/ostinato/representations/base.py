"""What every representation of music as tokens can do."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ostinato.music.piece import Piece

Tokens = NDArray[np.integer[Any]]

PITCH_CLASSES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def pitch_name(pitch: int) -> str:
    """A MIDI pitch in words, middle C being C4 (60)."""
    return f"{PITCH_CLASSES[pitch % 12]}{pitch // 12 - 1} ({pitch})"


class Grammar(ABC):
    """Follows a batch of sequences as they grow, and says which tokens may come next.

    A new grammar stands at the beginning of a piece. `quarters: (batch,)` is the musical time
    reached, in quarter notes.
    """

    quarters: NDArray[np.float64]

    @abstractmethod
    def legal(self) -> NDArray[np.bool_]:
        """Which tokens may come next: (batch, size); at least one is true in every row."""

    @abstractmethod
    def advance(self, tokens: Tokens) -> None:
        """Append one token to each sequence: (batch,). The end token begins a new piece."""

    @abstractmethod
    def positions(self) -> NDArray[np.int64]:
        """The musical position of the token that comes next: (batch, features)."""


class Representation(ABC):
    """Encodes a `Piece` as a sequence of tokens and decodes any sequence to a valid `Piece`.

    `encode` never writes the end token; the sequence models see one before and after each piece
    where `end_token` is true, and it is then the last of the vocabulary.
    """

    kind: ClassVar[str] = "tokens"
    name: ClassVar[str]
    end_token: bool
    resolution: int
    """Ticks per quarter note of the pieces that `decode` makes."""
    position_sizes: tuple[int, ...] = ()
    """How many values each feature of `positions` takes."""

    @property
    @abstractmethod
    def size(self) -> int:
        """How many tokens the vocabulary holds, the end token included."""

    @property
    def end(self) -> int | None:
        """The end token, where there is one."""
        return self.size - 1 if self.end_token else None

    def before_end(self, tokens: Tokens) -> Tokens:
        """The tokens (time,) of the first piece: those before the first end token."""
        ends = self.last_end(tokens) >= 0
        return tokens[: ends.argmax()] if ends.any() else tokens

    def last_end(self, tokens: Tokens) -> NDArray[np.int64]:
        """Where the last end token at or before each token stands, -1 before the first: (time,)."""
        places = np.arange(len(tokens))
        ends = np.where(tokens == self.end, places, -1) if self.end is not None else 0 * places - 1
        return np.maximum.accumulate(ends)

    @abstractmethod
    def encode(self, piece: Piece) -> NDArray[np.uint16]:
        """The piece as tokens: (time,).

        Raises `UnencodableError`, with the reason, for a piece that cannot be held.
        """

    @abstractmethod
    def decode(self, tokens: Tokens, name: str = "") -> Piece:
        """The piece that the tokens (time,) say. Decoding stops at the first end token."""

    @abstractmethod
    def describe(self, token: int) -> str:
        """What a token means, in a word or two."""

    @abstractmethod
    def transpose(self, tokens: Tokens, semitones: Tokens) -> Tokens:
        """Tokens (batch, time) moved by semitones (batch,); what has no pitch stays.

        The caller keeps pitches within 0 to 127.
        """

    @abstractmethod
    def positions(self, tokens: Tokens) -> NDArray[np.uint8]:
        """The musical position of the token that follows each one: (time,) -> (time, features).

        Known from the tokens so far alone. The end token stands before the first of a piece, so
        that `positions([end, *encode(piece)])` has a row for every token and for the end.
        """

    def transpose_positions(self, positions: Tokens, semitones: Tokens) -> Tokens:
        """Positions (batch, time, features) of tokens moved by `transpose`; most stay."""
        del semitones
        return positions

    @abstractmethod
    def note_tokens(self) -> NDArray[np.bool_]:
        """Which tokens begin a note: (size,)."""

    @abstractmethod
    def grammar(self, batch: int) -> Grammar:
        """A grammar that follows `batch` sequences from their beginning."""
