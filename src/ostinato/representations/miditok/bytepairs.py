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
Chain = tuple[int, ...]


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
    tokenizer.train_from_iterator(map(_text, sequences), trainer=trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return tuple((model["vocab"][a], model["vocab"][b]) for a, b in model["merges"])


def expand_merges(base: int, merges: Merges) -> list[Chain]:
    """Return what each token stands for in base tokens; a chain that comes again is no new one.

    Raises `ValueError` where a pair is of tokens that are not there yet, and where the chains
    would fill the memory.
    """
    found: dict[Chain, None] = {(token,): None for token in range(base)}
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


def build_model(chains: list[Chain], merges: Merges) -> Any:
    """Return the model of `tokenizers` that `merge_tokens` needs."""
    from tokenizers import models

    texts = [_text(np.array(chain)) for chain in chains]
    vocabulary = {text: token for token, text in enumerate(texts)}
    return models.BPE(vocabulary, [(texts[left], texts[right]) for left, right in merges])


def merge_tokens(model: Any, tokens: NDArray[Any]) -> NDArray[np.int64]:
    """Return base tokens (time,) as fewer tokens."""
    return np.array([token.id for token in model.tokenize(_text(tokens))], np.int64)


def read_merges(data: bytes) -> Merges:
    """Return the pairs that a JSON text holds; raise `ValueError` where it holds anything else."""
    try:
        merges = tuple((left, right) for left, right in json.loads(data)["merges"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError("it holds no pairs of tokens") from error
    if not all(type(token) is int for pair in merges for token in pair):
        raise ValueError("a token is no whole number")
    return merges


def _text(tokens: NDArray[Any]) -> str:
    return (tokens.astype("<u4") + FIRST).astype("<u4").tobytes().decode("utf-32-le")
