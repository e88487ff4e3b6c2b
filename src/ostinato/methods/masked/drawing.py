"""Drawing the cells of a masked model that are not given."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ostinato import console
from ostinato.models.masked.cells import (
    CLASSES,
    HOLD,
    OUTSIDE,
    PITCHES,
    REST,
    UNKNOWN,
    pitch_of,
    sounding,
    to_tokens,
)
from ostinato.models.masked.model import MaskedModel
from ostinato.sampling.filling import PartialPiece
from ostinato.sampling.settings import Sampling
from ostinato.sampling.strategies import Sampler

MOST, LEAST = 0.9, 0.05  # share of the cells that a pass of Gibbs sampling draws, first and last
ANNEALED = 0.85  # of all passes; the others draw the least share
NOTES = torch.arange(CLASSES) < PITCHES


@torch.inference_mode()
def draw(
    network: MaskedModel,
    partials: Sequence[PartialPiece],
    settings: Sampling,
    seed: int,
    passes: int | None,
) -> list[NDArray[np.integer[Any]]]:
    """Return the tokens (steps, voices) of each piece, filled in; the same seed gives the same.

    Without `passes` the unknown cells of each are drawn one by one in a random order, each given
    all that is known by then. With it, all are drawn at once, and then in each pass a random part
    of them again, given the rest; the parts get smaller (blocked Gibbs sampling with annealed
    masks: Yao et al., ICLR 2014 workshop; Huang et al., ISMIR 2017).
    """
    network.eval()
    random = torch.Generator().manual_seed(seed)
    device = network.length.device
    steps = max(len(partial.tokens) for partial in partials)
    cell, free, must_begin = (part.to(device) for part in _gather(partials, steps))
    whole, step = network.begin(cell)
    drawing = _Drawing(network, step, must_begin, settings, random)
    free = torch.nn.functional.pad(free, (0, 0, 1, 1))
    drawn = drawing.gibbs(whole, free, passes) if passes else drawing.ancestral(whole, free)
    found = to_tokens(drawn[:, 1:-1]).cpu().numpy()
    return [found[i, : len(partial.tokens)] for i, partial in enumerate(partials)]


class _Drawing:
    """Draws cells of (batch, steps, voices), always by the same settings and generator.

    must_begin: the same shape, cells that must not go on with the note before them.
    """

    def __init__(
        self,
        network: MaskedModel,
        step: Tensor,
        must_begin: Tensor,
        settings: Sampling,
        random: torch.Generator,
    ) -> None:
        self.network, self.step = network, step
        self.must_begin = torch.nn.functional.pad(must_begin, (0, 0, 1, 1))
        self.settings, self.random = settings, random

    def draw(self, whole: Tensor, chosen: Tensor) -> Tensor:
        """Return the cells with the `chosen` ones, which are unknown, drawn independently."""
        if not chosen.any():
            return whole
        logits = self.network.log_probabilities(whole, self.step, chosen)
        goes_on = torch.arange(CLASSES, device=whole.device) > REST
        logits = logits.masked_fill(self.must_begin[chosen][:, None] & goes_on, -torch.inf)
        drawn = Sampler(self.settings, self.random).categorical(logits, NOTES)
        return whole.masked_scatter(chosen, drawn)

    def ancestral(self, whole: Tensor, free: Tensor) -> Tensor:
        """Return the cells with each free one drawn once, in a random order of its own piece."""
        noise = torch.rand(free.flatten(1).shape, generator=self.random).to(free.device)
        rank = noise.masked_fill(~free.flatten(1), 2.0).argsort(dim=1).argsort(dim=1)
        rank = rank.view_as(free)
        most = int(free.sum(dim=(1, 2)).max())
        for number in console.track(range(most), "drawing cell by cell", most):
            whole = self.draw(whole, free & (rank == number))
        return whole

    def gibbs(self, whole: Tensor, free: Tensor, passes: int) -> Tensor:
        """Return the cells after so many passes over the free ones."""
        whole = self.draw(whole, free)
        for number in console.track(range(passes), "drawing again and again", passes):
            share = MOST - (MOST - LEAST) * min(1.0, number / (ANNEALED * passes))
            chosen = torch.rand(free.shape, generator=self.random).to(free.device) < share
            chosen &= free
            whole = self.draw(_consistent(whole).masked_fill(chosen, UNKNOWN), chosen)
        return whole


def _consistent(whole: Tensor) -> Tensor:
    """Return cells in which one that goes on with a note that does not sound begins it."""
    pitch = pitch_of(whole)
    before = torch.nn.functional.pad(pitch, (0, 0, 1, 0), value=REST)[:, :-1]
    alone = (whole > REST) & (whole < CLASSES) & (pitch != before)
    return torch.where(alone, pitch, whole)


def _gather(partials: Sequence[PartialPiece], steps: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return cells, which are to be drawn, and which must begin: (partials, steps, voices) each."""
    voices = partials[0].tokens.shape[1]
    cell = torch.full((len(partials), steps, voices), OUTSIDE)
    free, must_begin = torch.zeros((2, len(partials), steps, voices), dtype=torch.bool)
    for i, partial in enumerate(partials):
        length = len(partial.tokens)
        tokens = torch.from_numpy(partial.tokens.astype(np.int64))[None]
        pitch = sounding(tokens, torch.full((1, voices), REST))[0]
        known = torch.from_numpy(partial.known)
        given = torch.where(tokens[0] == HOLD, HOLD + pitch, tokens[0])
        cell[i, :length] = given.masked_fill(~known, UNKNOWN)
        free[i, :length] = ~known
        must_begin[i, :length] = torch.from_numpy(partial.must_begin)
    return cell, free, must_begin
