"""Byte-pair encoding: tokens that stand for chains of others, learned from how often they meet.

Source: Gage (1994); for music Fradet et al., Byte Pair Encoding for Symbolic Music (EMNLP 2023),
with the `tokenizers` library, as MidiTok does it where `encode_ids_split` is `no`. To that library
a base token is a character, and a chain is a text.
"""

import json
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import UnencodableError, UserError
from ostinato.music.piece import Piece
from ostinato.representations.base import TokenRepresentation

Ints = NDArray[np.int64]

FIRST = 34  # the character of token 0, as in MidiTok, whose padding is character 33
LARGEST = 1 << 24  # base tokens in all chains together: pairs of pairs of pairs grow without limit


class Chains:
    """The base tokens of each token: of `base` tokens, of `pairs` of tokens before, and of the end.

    A chain that comes again is no new token. The end, where there is one, is the last token, and
    base token number `base`. `tokens` holds the chains one after the other, that of a token from
    its `starts` on, of its `lengths`. Raises `ValueError` where a pair is of tokens that are not
    there yet, and where the chains would fill the memory.
    """

    def __init__(self, base: int, end: bool, pairs: Sequence[tuple[int, int]] = ()) -> None:
        from tokenizers import models

        self.settings = base, end, pairs
        texts = [chr(FIRST + token) for token in range(base)]
        known = {text: token for token, text in enumerate(texts)}
        total, merges = base, []
        for left, right in pairs:
            if not (0 <= left < len(texts) and 0 <= right < len(texts)):
                raise ValueError("a pair of tokens is unknown")
            merges.append((texts[left], texts[right]))
            text = texts[left] + texts[right]
            total += len(text)
            if total > LARGEST:
                raise ValueError("its pairs of tokens grow too long")
            if text not in known:
                known[text] = len(texts)
                texts.append(text)
        self._model = models.BPE(known, merges) if merges else None
        texts += [chr(FIRST + base)] * end
        self.lengths = np.array([len(text) for text in texts])
        self.starts = np.cumsum(self.lengths) - self.lengths
        self.tokens = np.array([*map(ord, "".join(texts))]) - FIRST

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self.settings

    def merge(self, tokens: Ints) -> Ints:
        """Return base tokens (time,) as fewer tokens."""
        if self._model is None:
            return tokens
        return np.array([token.id for token in self._model.tokenize(_to_text(tokens))], np.int64)

    def expand(self, tokens: NDArray[np.integer]) -> tuple[Ints, Ints]:
        """Return the base tokens of tokens (time,), and where the last one of each is."""
        lengths = self.lengths[tokens]
        stops = np.cumsum(lengths)
        places = np.arange(lengths.sum()) - np.repeat(stops - lengths, lengths)
        return self.tokens[np.repeat(self.starts[tokens], lengths) + places], stops - 1


class BytePairRepresentation(TokenRepresentation):
    """Base tokens, of which byte pairs are trained until there are `final_size`; null: none."""

    final_size: int | None

    @property
    @abstractmethod
    def base_size(self) -> int:
        """Return the number of base tokens, without the end."""

    @abstractmethod
    def encode_base(self, piece: Piece) -> Ints:
        """Return the piece as base tokens: (time,). Raises as `encode` does."""

    @cached_property
    def chains(self) -> Chains:
        """What each token stands for in base tokens."""
        if self.trainable:
            raise RuntimeError(f"{self.name} is not trained yet")
        return Chains(self.base_size, self.end_token)

    @property
    def size(self) -> int:
        return len(self.chains.lengths)

    def encode(self, piece: Piece) -> NDArray[np.uint16]:
        return self.chains.merge(self.encode_base(piece)).astype(np.uint16)

    def train(self, pieces: Iterable[Piece]) -> None:
        """Train byte pairs on the pieces; those that cannot be encoded are passed over.

        They are kept in memory as text, four bytes a base token at the most. Raises `UserError`
        where `final_size` leaves no room for any pair.
        """
        from tokenizers import Tokenizer, models, trainers

        if self.final_size is None:
            return
        base = self.base_size
        if self.final_size <= base + self.end_token:
            raise UserError(
                f"representation.vocabulary={self.final_size} leaves nothing to train: {self.name} "
                f"has {base + self.end_token} tokens before any training."
            )
        tokenizer = Tokenizer(models.BPE())
        trainer = trainers.BpeTrainer(
            vocab_size=self.final_size - self.end_token,
            show_progress=False,
            special_tokens=[],
            initial_alphabet=[chr(FIRST + token) for token in range(base)],
        )
        tokenizer.train_from_iterator(self._texts(pieces), trainer=trainer)
        model = json.loads(tokenizer.to_str())["model"]
        self._set_pairs([(model["vocab"][a], model["vocab"][b]) for a, b in model["merges"]])

    def _texts(self, pieces: Iterable[Piece]) -> Iterable[str]:
        for piece in pieces:
            with suppress(UnencodableError):
                yield _to_text(self.encode_base(piece))

    def state(self) -> bytes | None:
        if not self.trainable or "chains" not in vars(self):
            return None
        return json.dumps({"merges": self.chains.settings[2]}, separators=(",", ":")).encode()

    def load_state(self, state: bytes) -> None:
        if not self.trainable:
            super().load_state(state)
        try:
            pairs = [(left, right) for left, right in json.loads(state)["merges"]]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError("it holds no pairs of tokens") from error
        if not all(type(token) is int for pair in pairs for token in pair):
            raise ValueError("a token is no whole number")
        self._set_pairs(pairs)

    def _set_pairs(self, pairs: Sequence[tuple[int, int]]) -> None:
        self.chains = Chains(self.base_size, self.end_token, pairs)


def _to_text(tokens: Ints) -> str:
    return (tokens.astype("<u4") + FIRST).astype("<u4").tobytes().decode("utf-32-le")
