"""Byte-pair encoding: tokens that stand for chains of others, learned from how often they meet.

Source: Gage (1994); for music Fradet et al., Byte Pair Encoding for Symbolic Music (EMNLP 2023),
with the `tokenizers` library, as MidiTok does it where `encode_ids_split` is `no`. A base token is
a character to it, and a chain is a text.
"""

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

FIRST = 34  # the character of token 0, as in MidiTok, whose padding is character 33
LARGEST = 1 << 24  # base tokens in all chains together: pairs of pairs of pairs grow without limit

Merges = tuple[tuple[int, int], ...]


class BytePairs:
    """The chain, as a text, of each token: of `base` tokens, then of pairs of those before.

    Raises `ValueError` where a pair is of tokens that are not there yet, and where the chains
    would fill the memory. A chain that comes again is no new token.
    """

    def __init__(self, base: int, merges: Merges) -> None:
        from tokenizers import models

        self.chains = [chr(FIRST + token) for token in range(base)]
        vocabulary = {chain: token for token, chain in enumerate(self.chains)}
        total, pairs = base, []
        for left, right in merges:
            if not (0 <= left < len(self.chains) and 0 <= right < len(self.chains)):
                raise ValueError("a pair of tokens is unknown")
            pair = self.chains[left], self.chains[right]
            total += len("".join(pair))
            if total > LARGEST:
                raise ValueError("its pairs of tokens grow too long")
            pairs.append(pair)
            if vocabulary.setdefault("".join(pair), len(self.chains)) == len(self.chains):
                self.chains.append("".join(pair))
        self._model = models.BPE(vocabulary, pairs) if merges else None

    def merge(self, tokens: NDArray[Any]) -> NDArray[Any]:
        """Return base tokens (time,) as fewer tokens."""
        if self._model is None:
            return tokens
        return np.array([token.id for token in self._model.tokenize(to_text(tokens))], np.int64)


def learn_merges(sequences: Iterable[NDArray[Any]], base: int, size: int) -> Merges:
    """Return which pairs of tokens become one, until there are `size` tokens, `base` at first.

    Sequences (time,) of base tokens are kept in memory as text, four bytes a token at the most.
    """
    from tokenizers import Tokenizer, models, trainers

    tokenizer = Tokenizer(models.BPE())
    alphabet = [chr(FIRST + token) for token in range(base)]
    trainer = trainers.BpeTrainer(
        vocab_size=size, show_progress=False, special_tokens=[], initial_alphabet=alphabet
    )
    tokenizer.train_from_iterator(map(to_text, sequences), trainer=trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return tuple((model["vocab"][a], model["vocab"][b]) for a, b in model["merges"])


def read_merges(data: bytes) -> Merges:
    """Return the pairs that a JSON text holds; raise `ValueError` where it holds anything else."""
    try:
        merges = tuple((left, right) for left, right in json.loads(data)["merges"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError("it holds no pairs of tokens") from error
    if not all(type(token) is int for pair in merges for token in pair):
        raise ValueError("a token is no whole number")
    return merges


def to_text(tokens: NDArray[Any]) -> str:
    """Return base tokens (time,) as characters."""
    return (tokens.astype("<u4") + FIRST).astype("<u4").tobytes().decode("utf-32-le")


def to_tokens(text: str) -> NDArray[np.int64]:
    """Return the base tokens (time,) of a text."""
    return np.frombuffer(text.encode("utf-32-le"), "<u4").astype(np.int64) - FIRST
