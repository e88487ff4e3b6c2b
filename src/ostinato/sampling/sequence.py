"""Sampling from a sequence model, a step at a time, all pieces in one batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ostinato import console
from ostinato.errors import UserError
from ostinato.models.sequence import SequenceModel
from ostinato.representations.base import BAR_QUARTERS, Grammar, TokenRepresentation
from ostinato.sampling.candidates import choose, typicality_cost
from ostinato.sampling.settings import NOVEL, Sampling
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
    Of `settings.candidates` sequences for each piece the one that `settings.choose` names is
    returned. Raises `UserError` for `novel`, which is chosen where training pieces are at hand.
    """
    if settings.choose == NOVEL:
        raise UserError(
            f"sampling.choose={NOVEL} compares with training pieces, as only `ostinato generate` "
            "does: set sampling.choose=typical."
        )
    network.eval()
    count = settings.pieces * settings.candidates
    of_pieces = [list(map(int, prompt)) for prompt in prompts] or [[]]
    prefixes = [of_pieces[i % settings.pieces % len(of_pieces)] for i in range(count)]
    grammar = representation.grammar(count)
    growing = _Growing.begin(count)
    generator = torch.Generator().manual_seed(seed)
    last = np.full(count, representation.end if representation.end is not None else 0)
    predictor = Predictor(network, representation, settings)
    context: Tensor | None = None
    if representation.end is not None:
        context = predictor.advance(last, grammar)
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
            context = predictor.advance(chosen, grammar)
    drawn_after = [tokens[len(g) :] for tokens, g in zip(growing.tokens, prefixes, strict=True)]
    notes = np.array(
        [representation.note_count(np.array(tokens, np.int64)) for tokens in drawn_after]
    )
    nats_per_note = np.where(notes > 0, growing.nats / np.maximum(notes, 1), np.nan)
    cost = nats_per_note
    if settings.choose == "typical":
        cost = typicality_cost(nats_per_note, growing.ended)
    elif settings.choose == "control":
        cost = np.array([predictor.mean_error(tokens) for tokens in growing.tokens])
    chosen_places = choose(cost, growing.ended, settings.pieces)
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


class Predictor:
    """A network that is led through sequences of tokens, a token of each at a time.

    It heeds `settings.control`. With `settings.guidance` other than 1 the sequences are predicted
    with controls and without: the logits differ by so many times as much (Ho & Salimans 2022, for
    tokens Sanchez et al. 2023).
    """

    def __init__(
        self, network: SequenceModel, representation: TokenRepresentation, settings: Sampling
    ) -> None:
        self.network, self.representation = network, representation
        self.guidance = settings.guidance
        self.levels: Tensor | None = None  # (bars, names)
        self.state: Any = None
        self.plain_state: Any = None
        if (asked := settings.control.shares) and network.controls is not None:
            self.bar = representation.bar_steps / representation.beat_steps  # quarter notes
            bars = int(settings.max_bars * BAR_QUARTERS / self.bar) + 1
            self.levels = network.controls.request_levels(asked, bars)

    def advance(self, tokens: NDArray[Any], grammar: Grammar) -> Tensor:
        """Return the context (batch, …) of the tokens that follow `tokens`, (batch,).

        grammar: one that has advanced by them.
        """
        levels = None
        if self.levels is not None:
            bars = torch.from_numpy(np.asarray(grammar.quarters) // self.bar).long()
            levels = self.levels[bars.clamp(max=len(self.levels) - 1).to(self.levels.device)]
        context, self.state = advance(self.network, tokens, grammar, self.state, levels)
        if levels is None or self.guidance == 1:
            return context
        plain, self.plain_state = advance(self.network, tokens, grammar, self.plain_state)
        guided = plain + self.guidance * (context - plain)
        return torch.where(context.isinf(), context, guided)  # impossible tokens stay so

    def mean_error(self, tokens: Sequence[int]) -> float:
        """Return how far the bars of a sequence are from what was asked: the mean, in levels."""
        assert self.levels is not None
        assert self.network.controls is not None
        if not tokens:
            return float("nan")
        first = 0 if self.representation.end is None else self.representation.end
        steps = np.array([first, *tokens])
        positions = torch.from_numpy(self.representation.positions(steps)[:-1].astype(np.int64))
        targets = torch.from_numpy(steps[1:])
        return self.network.controls.mean_error(targets[None], positions[None], self.levels)


def advance(
    network: SequenceModel,
    tokens: NDArray[Any],
    grammar: Grammar,
    state: Any,
    levels: Tensor | None = None,
) -> tuple[Tensor, Any]:
    """Return the context (batch, …) of the next tokens, and the state after `tokens`: (batch,).

    grammar: one that has advanced by them; state: None before the first; levels: (batch, names) of
    the network's controls, None for unknown.
    """
    device = next(network.parameters()).device
    inputs = torch.from_numpy(tokens.astype(np.int64))[:, None].to(device)
    positions = torch.from_numpy(grammar.positions().astype(np.int64))[:, None].to(device)
    each = None if levels is None else levels[:, None].to(device)
    context, state = network(inputs, positions, state=state, levels=each)
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
