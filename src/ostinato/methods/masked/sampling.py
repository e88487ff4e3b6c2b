"""Sampling from masked models: from nothing, after a prompt, or to fill a piece in."""

from typing import Any

import torch

from ostinato.methods.base import TEST, Sample, Samples, SamplingTask
from ostinato.methods.masked.drawing import draw
from ostinato.models.masked.model import MaskedModel
from ostinato.music.barlines import begin_at_first_note
from ostinato.music.piece import Piece
from ostinato.representations.base import BAR_QUARTERS
from ostinato.representations.voices import Voices
from ostinato.sampling import filling
from ostinato.sampling.filling import Task
from ostinato.sampling.prompts import crop_bars, find_prompts
from ostinato.sampling.settings import FillSampling, Sampling


def sample(task: SamplingTask) -> Samples:
    """Return new pieces; raises `UserError` for given music that cannot be used."""
    network: Any = task.bundle.network
    representation: Any = task.bundle.representation
    settings = task.settings
    if isinstance(settings, FillSampling):
        tasks = filling.find_tasks(settings, task.test_pieces, representation)
        named = settings.piece
    elif settings.prompt is not None:
        tasks, named = _continue(task, representation), settings.prompt
    else:
        tasks, named = _from_nothing(network, settings, representation, task.seed), ""
    tasks = [tasks[i % len(tasks)] for i in range(settings.pieces)]
    passes = getattr(settings, "passes", None)
    samples = []
    for i, tokens in enumerate(draw(network, tasks, settings, task.seed, passes)):
        name = f"sample-{i + 1:02d}"
        piece, given = filling.finish(tasks[i], tokens, representation, task.bundle.setting, name)
        source = tasks[i].piece
        about = filling.describe(named, source, given)
        finished = piece if source else begin_at_first_note(piece)
        samples.append(Sample(finished, None, about))
    first = tasks[0].piece
    return Samples(samples, first.name if first is not None and named == TEST else None)


def _continue(task: SamplingTask, representation: Voices) -> list[Task]:
    """Return prompts and as many unknown steps after them as `max_bars` leaves."""
    settings = task.settings
    steps = settings.max_bars * BAR_QUARTERS * representation.steps_per_quarter

    def encode(piece: Piece) -> Task:
        beginning = crop_bars(piece, settings.prompt_bars)
        return filling.from_prompt(beginning, steps, representation)

    found = find_prompts(settings, task.test_pieces, encode, representation.name)
    return [prompt.steps for prompt in found]


def _from_nothing(
    network: MaskedModel, settings: Sampling, representation: Voices, seed: int
) -> list[Task]:
    """Return empty pieces of whole bars, as long as those that the network has learned from."""
    random = torch.Generator().manual_seed(seed)
    mean, deviation = network.length.tolist()
    drawn = (mean + deviation * torch.randn(settings.pieces, generator=random)).exp()
    bar, most = representation.bar_steps, settings.max_bars * BAR_QUARTERS
    longest = max(1, most * representation.steps_per_quarter // bar)
    least = min(longest, max(1, settings.min_bars))
    bars = (drawn / bar).round().clamp(least, longest).to(torch.int64)
    return [filling.from_nothing(int(count) * bar, representation) for count in bars]
