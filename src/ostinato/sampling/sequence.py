"""Sampling from a sequence model, a step at a time, all pieces in one batch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ostinato import console
from ostinato.errors import UserError
from ostinato.models.sequence import SequenceModel
from ostinato.models.threads import computing_with, threads_for_steps
from ostinato.representations.base import BAR_QUARTERS, Grammar, TokenRepresentation
from ostinato.sampling.candidates import choose, typicality_cost
from ostinato.sampling.settings import NOVEL, Sampling
from ostinato.sampling.strategies import Sampler

STEPS_BETWEEN_REPORTS = 16
TOKENS_PER_QUARTER = 64  # more than any music needs: a bound for a model that never moves on


class Composed(NamedTuple):
    """Tokens (time,), without an end token, or frames (time, size); `ended` by an end token."""

    steps: NDArray[Any]
    ended: bool


@dataclass
class _Growing:
    """The sequences so far; `done` ones are only padded, `ended` ones have drawn the end token.

    drawn: of each step (sequences,) tokens, also of those that are done; lengths: (sequences,), how
    many of them count; nats: (sequences,), what the model gives all tokens after the prompt,
    where candidates are compared by them.
    """

    drawn: list[NDArray[np.int64]]
    lengths: NDArray[np.int64]
    ended: NDArray[np.bool_]
    done: NDArray[np.bool_]
    nats: NDArray[np.float64]

    @classmethod
    def begin(cls, count: int) -> "_Growing":
        """Return so many empty sequences."""
        ended, done = np.zeros((2, count), bool)
        return cls([], np.zeros(count, np.int64), ended, done, np.zeros(count))

    def advance(
        self, chosen: NDArray[np.int64], grammar: Grammar, end: int | None, limit: float
    ) -> None:
        """Add a token to every sequence that goes on; those that have ended are only padded."""
        if end is not None:
            self.ended |= ~self.done & (chosen == end)
            self.done |= self.ended
        if self.done.any():
            grammar.advance(np.where(self.done, grammar.legal().argmax(axis=1), chosen))
        else:
            grammar.advance(chosen)
        self.drawn.append(chosen)
        self.lengths[~self.done] += 1
        self.done |= grammar.quarters >= limit

    def sequences(self) -> list[NDArray[np.int64]]:
        """Return the tokens of each sequence, without an end token."""
        every = np.stack(self.drawn, axis=1)
        return [row[:length] for row, length in zip(every, self.lengths, strict=True)]

    def first(self) -> NDArray[np.uint16]:
        """Return the tokens of the first sequence."""
        tokens = [int(step[0]) for step in self.drawn[: self.lengths[0]]]
        return np.array(tokens, np.uint16)

    def recent(self, window: int, size: int) -> NDArray[np.bool_]:
        """Return which tokens are among the last of each sequence: (sequences, size)."""
        found = np.zeros((len(self.lengths), size), np.bool_)
        rows = np.arange(len(self.lengths))
        for step in range(max(0, len(self.drawn) - window), len(self.drawn)):
            found[rows, self.drawn[step]] = True
        return found


@torch.inference_mode()
def compose(
    network: SequenceModel,
    representation: TokenRepresentation,
    settings: Sampling,
    seed: int,
    prompts: Sequence[NDArray[np.integer[Any]]] = (),
    watch: Callable[[NDArray[np.uint16]], None] | None = None,
) -> list[Composed]:
    """Draw `settings.pieces` sequences of tokens.

    Piece i begins with `prompts[i % len(prompts)]`, tokens without the end token; without prompts
    it begins from nothing. Only tokens that are legal after what came before are drawn. A piece
    ends with the end token, not before `settings.min_bars` bars, or at `settings.max_bars` bars.
    Of `settings.candidates` sequences for each piece the one that `settings.choose` names is
    returned. watch: called after each bar of 4/4 with the first sequence so far, where it has no
    other candidates. Raises `UserError` for `novel`, which is chosen where training pieces are at
    hand.
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
    drawer = _Drawer(network, representation, settings, seed)
    last = np.full(count, representation.end if representation.end is not None else 0)
    predictor = Predictor(network, representation, settings)
    context: Tensor | None = None
    if representation.end is not None:
        context = predictor.advance(last, grammar)
    limit = settings.max_bars * BAR_QUARTERS
    most = max(1, round(limit * TOKENS_PER_QUARTER)) + max(map(len, prefixes))
    watched_bars = 0
    given = _pad(prefixes)
    threads = threads_for_steps(count)
    with console.bar("composing", settings.max_bars, "bars") as reached, computing_with(threads):
        for step in range(most):
            chosen = drawer.draw(context, grammar, growing)
            prompt = given[min(step, len(given) - 1)]
            if step < len(given):
                chosen = np.where(prompt >= 0, prompt, chosen)
            if settings.candidates > 1:
                growing.nats += np.where(
                    growing.done | (prompt >= 0), 0, _nats(network, context, chosen)
                )
            growing.advance(chosen, grammar, representation.end, limit)
            if step % STEPS_BETWEEN_REPORTS == 0:
                least = np.where(growing.done, limit, grammar.quarters).min()
                reached(float(least) / BAR_QUARTERS)
            if growing.done.all():
                reached(settings.max_bars)
                break
            bars = int(grammar.quarters[0] // BAR_QUARTERS)
            if watch is not None and settings.candidates == 1 and bars > watched_bars:
                watched_bars = bars
                watch(growing.first())
            context = predictor.advance(chosen, grammar)
    sequences = growing.sequences()
    notes = np.array(
        [
            representation.note_count(tokens[len(prefix) :])
            for tokens, prefix in zip(sequences, prefixes, strict=True)
        ]
    )
    nats_per_note = np.where(notes > 0, growing.nats / np.maximum(notes, 1), np.nan)
    cost = nats_per_note
    if settings.choose == "typical":
        cost = typicality_cost(nats_per_note, growing.ended)
    elif settings.choose == "control":
        cost = np.array([predictor.mean_error(tokens) for tokens in sequences])
    chosen_places = choose(cost, growing.ended, settings.pieces)
    return [Composed(sequences[i].astype(np.uint16), bool(growing.ended[i])) for i in chosen_places]


def _pad(prefixes: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    """Return the tokens of prefixes, (time, sequences), and -1 after each, as is the last row."""
    padded = np.full((max(map(len, prefixes)) + 1, len(prefixes)), -1)
    for column, prefix in enumerate(prefixes):
        padded[: len(prefix), column] = prefix
    return padded


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

    def mean_error(self, tokens: NDArray[np.int64]) -> float:
        """Return how far the bars of a sequence are from what was asked: the mean, in levels."""
        assert self.levels is not None
        assert self.network.controls is not None
        if not len(tokens):
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


class _Drawer:
    """Draws the next tokens, as the settings say, among those that the grammar allows."""

    def __init__(
        self,
        network: SequenceModel,
        representation: TokenRepresentation,
        settings: Sampling,
        seed: int,
    ) -> None:
        self.network, self.settings, self.end = network, settings, representation.end
        self.generator = torch.Generator().manual_seed(seed)
        self.notes = torch.from_numpy(representation.note_counts() > 0)
        self.others = np.arange(representation.size) != representation.end
        least = settings.min_bars if settings.min_bars <= settings.max_bars else 0
        self.shortest = least * BAR_QUARTERS

    def draw(
        self, context: Tensor | None, grammar: Grammar, growing: _Growing
    ) -> NDArray[np.int64]:
        """Return a token of each sequence: (sequences,).

        context: None where nothing came before, and nothing says how a piece begins.
        """
        allowed = grammar.legal()
        if self.end is not None and (too_early := grammar.quarters < self.shortest).any():
            too_early &= allowed[:, self.others].any(axis=1)
            allowed[too_early, self.end] = False
        legal, recent = torch.from_numpy(allowed), None
        if self.settings.repetition_penalty != 1.0:
            window = self.settings.repetition_window
            recent = torch.from_numpy(growing.recent(window, allowed.shape[1])) & self.notes
        sampler = Sampler(self.settings, self.generator, legal, recent, self.notes)
        if context is None:
            return sampler.categorical(torch.zeros(legal.shape)).numpy()
        return self.network.head.draw(context, sampler).cpu().numpy()
