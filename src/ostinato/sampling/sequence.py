"""Sampling from a sequence model, a step at a time, all pieces in one batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ostinato import console
from ostinato.models.sequence import SequenceModel
from ostinato.representations.base import BAR_QUARTERS, Grammar, TokenRepresentation
from ostinato.sampling.candidates import choose_typical
from ostinato.sampling.settings import Sampling
from ostinato.sampling.strategies import Sampler

TOKENS_PER_QUARTER = 64  # more than any music needs: a bound for a model that never moves on


class Composed(NamedTuple):
    """Tokens (time,), without an end token, or frames (time, size); `ended` by an end token."""

    steps: NDArray[Any]
    ended: bool


@dataclass
class _Growing:
    """The sequences so far; `done` ones are only padded, `ended` ones have drawn the end token.

    nats: (sequences,), what the model gives all tokens after the prompt.
    """

    tokens: list[list[int]]
    ended: NDArray[np.bool_]
    done: NDArray[np.bool_]
    nats: NDArray[np.float64]

    @classmethod
    def begin(cls, count: int) -> "_Growing":
        """Return so many empty sequences."""
        ended, done = np.zeros((2, count), bool)
        return cls([[] for _ in range(count)], ended, done, np.zeros(count))


@torch.no_grad()
def compose(
    network: SequenceModel,
    representation: TokenRepresentation,
    settings: Sampling,
    seed: int,
    prompts: Sequence[NDArray[np.integer[Any]]] = (),
) -> list[Composed]:
    """Draw `settings.pieces` sequences of tokens.

    Piece i begins with `prompts[i % len(prompts)]`, tokens without the end token; without prompts
    it begins from nothing. Only tokens that are legal after what came before are drawn. A piece
    ends with the end token, not before `settings.min_bars` bars, or at `settings.max_bars` bars.
    Of `settings.candidates` sequences for each piece the most typical is returned.
    """
    network.eval()
    count = settings.pieces * settings.candidates
    of_pieces = [list(map(int, prompt)) for prompt in prompts] or [[]]
    prefixes = [of_pieces[i % settings.pieces % len(of_pieces)] for i in range(count)]
    grammar = representation.grammar(count)
    growing = _Growing.begin(count)
    generator = torch.Generator().manual_seed(seed)
    last = np.full(count, representation.end if representation.end is not None else 0)
    state: Any = None
    context: Tensor | None = None
    if representation.end is not None:
        context, state = advance(network, last, grammar, state)
    limit = settings.max_bars * BAR_QUARTERS
    most = max(1, round(limit * TOKENS_PER_QUARTER)) + max(map(len, prefixes))
    with console.bar("composing", settings.max_bars, "bars") as reached:
        for step in range(most):
            drawn = _draw(network, context, grammar, growing, representation, settings, generator)
            prompt = np.array([g[step] if step < len(g) else -1 for g in prefixes])
            chosen = np.where(prompt >= 0, prompt, drawn)
            growing.nats += np.where(
                growing.done | (prompt >= 0), 0, _nats(network, context, chosen)
            )
            _append(growing, grammar, chosen, representation.end, limit)
            reached(float(np.where(growing.done, limit, grammar.quarters).min()) / BAR_QUARTERS)
            if growing.done.all():
                break
            context, state = advance(network, chosen, grammar, state)
    drawn_after = [tokens[len(g) :] for tokens, g in zip(growing.tokens, prefixes, strict=True)]
    notes = np.array(
        [representation.note_count(np.array(tokens, np.int64)) for tokens in drawn_after]
    )
    nats_per_note = np.where(notes > 0, growing.nats / np.maximum(notes, 1), np.nan)
    chosen_places = choose_typical(nats_per_note, growing.ended, settings.pieces)
    return [
        Composed(np.array(growing.tokens[i], np.uint16), bool(growing.ended[i]))
        for i in chosen_places
    ]


def _nats(
    network: SequenceModel, context: Tensor | None, tokens: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return what the model gives the next tokens: (sequences,), 0 where it says nothing yet."""
    if context is None:
        return np.zeros(len(tokens))
    targets = torch.from_numpy(tokens)[:, None].to(context.device)
    nats: NDArray[np.float64] = (
        network.head.nll(context[:, None], targets)[:, 0].double().cpu().numpy()
    )
    return nats


def _append(
    growing: _Growing,
    grammar: Grammar,
    chosen: NDArray[np.int64],
    end: int | None,
    limit: float,
) -> None:
    """Add a token to every sequence that goes on; those that have ended are only padded."""
    if end is not None:
        growing.ended |= ~growing.done & (chosen == end)
        growing.done |= growing.ended
    grammar.advance(np.where(growing.done, grammar.legal().argmax(axis=1), chosen))
    for i in np.flatnonzero(~growing.done):
        growing.tokens[i].append(int(chosen[i]))
    growing.done |= grammar.quarters >= limit


def advance(
    network: SequenceModel, tokens: NDArray[Any], grammar: Grammar, state: Any
) -> tuple[Tensor, Any]:
    """Return the context (batch, …) of the next tokens, and the state after `tokens`: (batch,).

    grammar: one that has advanced by them; state: None before the first.
    """
    device = next(network.parameters()).device
    inputs = torch.from_numpy(tokens.astype(np.int64))[:, None].to(device)
    positions = torch.from_numpy(grammar.positions().astype(np.int64))[:, None].to(device)
    context, state = network(inputs, positions, state=state)
    return context[:, -1], state


def _draw(
    network: SequenceModel,
    context: Tensor | None,
    grammar: Grammar,
    growing: _Growing,
    representation: TokenRepresentation,
    settings: Sampling,
    generator: torch.Generator,
) -> NDArray[np.int64]:
    allowed = grammar.legal()
    if representation.end is not None:
        others = np.delete(allowed, representation.end, axis=1).any(axis=1)
        shortest = settings.min_bars if settings.min_bars <= settings.max_bars else 0
        too_early = grammar.quarters < shortest * BAR_QUARTERS
        allowed[too_early & others, representation.end] = False
    legal = torch.from_numpy(allowed)
    recent = torch.zeros_like(legal)
    notes = torch.from_numpy(representation.note_counts() > 0)
    if settings.repetition_penalty != 1.0:
        for i, tokens in enumerate(growing.tokens):
            recent[i, tokens[-settings.repetition_window :]] = True
        recent &= notes

    sampler = Sampler(settings, generator, legal, recent, notes)
    if context is None:  # nothing came before, and nothing says how a piece begins
        return sampler.categorical(torch.zeros(legal.shape)).numpy()
    return network.head.draw(context, sampler).cpu().numpy()
