"""Byte-pair encoding: tokens that stand for chains of others, learned from how often they meet.

Source: Gage (1994); for music Fradet et al., Byte Pair Encoding for Symbolic Music (EMNLP 2023),
with the `tokenizers` library, as MidiTok does it where `encode_ids_split` is `no`. To that library
a base token is a character, and a chain is a text.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

FIRST = 34  # the character of token 0, as in MidiTok, whose padding is character 33
LARGEST = 1 << 24  # base tokens in all chains together: pairs of pairs of pairs grow without limit


class BytePairs:
    """The chain of each token: of `base` tokens, of `pairs` of tokens before, and of the end.

    A chain that comes again is no new token. The end, where there is one, is the last token, and
    base token number `base`. `tokens` holds the chains one after the other, that of a token from
    its `starts` on, of its `lengths`.

    Raises `ValueError` where a pair is of tokens that are not there yet, and where the chains
    would fill the memory.
    """

    def __init__(self, base: int, end: bool, pairs: Sequence[tuple[int, int]] = ()) -> None:
        from tokenizers import models

        self._settings = base, end, pairs
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
        return type(self), self._settings

    @classmethod
    def learn(cls, sequences: Iterable[Ints], base: int, end: bool, size: int) -> "BytePairs":
        """Learn pairs until there are `size` tokens.

        Sequences (time,) of base tokens are kept in memory as text, four bytes a token at the most.
        """
        from tokenizers import Tokenizer, models, trainers

        tokenizer = Tokenizer(models.BPE())
        alphabet = [chr(FIRST + token) for token in range(base)]
        trainer = trainers.BpeTrainer(
            vocab_size=size - end, show_progress=False, special_tokens=[], initial_alphabet=alphabet
        )
        tokenizer.train_from_iterator(map(_to_text, sequences), trainer=trainer)
        model = json.loads(tokenizer.to_str())["model"]
        pairs = tuple((model["vocab"][a], model["vocab"][b]) for a, b in model["merges"])
        return cls(base, end, pairs)

    @classmethod
    def load(cls, state: bytes, base: int, end: bool) -> "BytePairs":
        """Load what `state` returned; raises `ValueError` where it is anything else."""
        try:
            pairs = tuple((left, right) for left, right in json.loads(state)["merges"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError("it holds no pairs of tokens") from error
        if not all(type(token) is int for pair in pairs for token in pair):
            raise ValueError("a token is no whole number")
        return cls(base, end, pairs)

    def state(self) -> bytes:
        """Return the pairs as JSON."""
        return json.dumps({"merges": self._settings[2]}, separators=(",", ":")).encode()

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


def _to_text(tokens: Ints) -> str:
    return (tokens.astype("<u4") + FIRST).astype("<u4").tobytes().decode("utf-32-le")
