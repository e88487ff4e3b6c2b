"""Byte-pair encoding: tokens that stand for chains of others, learned from how often they meet.

Source: Gage (1994); for music Fradet et al., Byte Pair Encoding for Symbolic Music (EMNLP 2023),
with the `tokenizers` library, as MidiTok does it where `encode_ids_split` is `no`.
"""

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

FIRST = 34  # the character of token 0, as in MidiTok, whose padding is character 33

LARGEST = 1 << 24  # base tokens in all chains together: pairs of pairs of pairs grow without limit

Merges = tuple[tuple[int, int], ...]


def learn_merges(sequences: Iterable[NDArray[Any]], base: int, size: int) -> Merges:
    """Which pairs of tokens become one, in order, until there are `size` tokens with `base` first.

    Sequences (time,) of base tokens are kept in memory as text, four bytes a token at the most.
    """
    from tokenizers import Tokenizer, models, trainers

    tokenizer = Tokenizer(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        show_progress=False,
        special_tokens=[],
        initial_alphabet=[chr(FIRST + token) for token in range(base)],
    )
    tokenizer.train_from_iterator(map(_text, sequences), trainer=trainer)
    known = json.loads(tokenizer.to_str())["model"]
    return tuple((known["vocab"][a], known["vocab"][b]) for a, b in known["merges"])


def chains(base: int, merges: Merges) -> list[tuple[int, ...]]:
    """What each token stands for in base tokens, in order; a chain that comes again is no new one.

    Raises `ValueError` where a pair is of tokens that are not there yet, and where the chains
    would fill the memory.
    """
    found: dict[tuple[int, ...], None] = {(token,): None for token in range(base)}
    tokens = [*found]
    total = base
    for left, right in merges:
        if not (0 <= left < len(tokens) and 0 <= right < len(tokens)):
            raise ValueError("a pair of tokens is unknown")
        total += len(tokens[left]) + len(tokens[right])
        if total > LARGEST:
            raise ValueError("its pairs of tokens grow too long")
        chain = tokens[left] + tokens[right]
        if chain not in found:
            found[chain] = None
            tokens.append(chain)
    return tokens


class BytePairs:
    """Base tokens to tokens, by what was learned."""

    def __init__(self, base: int, merges: Merges) -> None:
        from tokenizers import models

        texts = ["".join(chr(FIRST + t) for t in chain) for chain in chains(base, merges)]
        vocabulary = {text: token for token, text in enumerate(texts)}
        self.model = models.BPE(vocabulary, [(texts[left], texts[right]) for left, right in merges])

    def encode(self, tokens: NDArray[Any]) -> NDArray[np.int64]:
        """Base tokens (time,) as fewer tokens."""
        return np.array([t.id for t in self.model.tokenize(_text(tokens))], np.int64)


def dumps(merges: Merges) -> bytes:
    """What was learned, as JSON."""
    return json.dumps({"merges": merges}, separators=(",", ":")).encode()


def loads(data: bytes) -> Merges:
    """The inverse of `dumps`; raises `ValueError` for anything else."""
    try:
        pairs = json.loads(data)["merges"]
        merges = tuple((left, right) for left, right in pairs)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError("it holds no pairs of tokens") from error
    if not all(type(token) is int for pair in merges for token in pair):
        raise ValueError("a token is no whole number")
    return merges


def _text(tokens: NDArray[Any]) -> str:
    return (tokens.astype("<u4") + FIRST).astype("<u4").tobytes().decode("utf-32-le")
