"""Sampling from masked models: from nothing, after a prompt, or to fill a piece in."""

from dataclasses import replace
from typing import Any

import torch

from ostinato.methods.base import Samples, SamplingTask
from ostinato.methods.filled import collect_filled
from ostinato.methods.masked.drawing import draw
from ostinato.models.masked.model import MaskedModel
from ostinato.music.barlines import begin_at_first_note
from ostinato.music.piece import Piece
from ostinato.representations.base import BAR_QUARTERS
from ostinato.representations.voices import Voices
from ostinato.sampling import filling
from ostinato.sampling.filling import PartialPiece
from ostinato.sampling.prompts import find_prompts
from ostinato.sampling.settings import FillSampling, GibbsSampling, Sampling


def sample(task: SamplingTask) -> Samples:
    """Return new pieces; raises `UserError` for given music that cannot be used."""
    network: Any = task.bundle.network
    representation: Any = task.bundle.representation
    settings = task.settings
    if isinstance(settings, FillSampling):
        partials = filling.find_pieces(settings, task.test_pieces, representation)
        named = settings.piece
    elif settings.prompt is not None:
        partials, named = _continue(task, representation), settings.prompt
    else:
        partials, named = _from_nothing(network, settings, representation, task.seed), ""
    partials = [partials[i % len(partials)] for i in range(settings.pieces)]
    passes = settings.passes if isinstance(settings, FillSampling | GibbsSampling) else None
    drawn = draw(network, partials, settings, task.seed, passes)
    found = collect_filled(task, ((*both, ()) for both in zip(partials, drawn, strict=True)), named)
    if named:
        return found
    return Samples([replace(one, piece=begin_at_first_note(one.piece)) for one in found.samples])


def _continue(task: SamplingTask, representation: Voices) -> list[PartialPiece]:
    """Return prompts and as many unknown steps after them as `max_bars` leaves."""
    settings = task.settings
    steps = settings.max_bars * BAR_QUARTERS * representation.steps_per_quarter

    def encode(beginning: Piece, end: int) -> PartialPiece:
        return filling.from_prompt(beginning, end, steps, representation)

    found = find_prompts(settings, task.test_pieces, encode, representation)
    return [prompt.steps for prompt in found]


def _from_nothing(
    network: MaskedModel, settings: Sampling, representation: Voices, seed: int
) -> list[PartialPiece]:
    """Return empty pieces of whole bars, as long as those that the network has learned from."""
    random = torch.Generator().manual_seed(seed)
    mean, deviation = network.length.tolist()
    drawn = (mean + deviation * torch.randn(settings.pieces, generator=random)).exp()
    bar, most = representation.bar_steps, settings.max_bars * BAR_QUARTERS
    longest = max(1, most * representation.steps_per_quarter // bar)
    least = min(longest, max(1, settings.min_bars))
    bars = (drawn / bar).round().clamp(least, longest).to(torch.int64)
    return [filling.from_nothing(int(count) * bar, representation) for count in bars]
