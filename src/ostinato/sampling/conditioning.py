"""Composing with a segment model to bars or voices that are given."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ostinato.errors import UnencodableError
from ostinato.models.segments import Lines, SegmentModel, Shape, lines_of
from ostinato.music.piece import Piece
from ostinato.representations.bar_grid import TokenBarGrid
from ostinato.representations.monophonic import REST, tokens_to_grid
from ostinato.sampling.segments import tokens_of
from ostinato.sampling.sequence import Composed
from ostinato.sampling.settings import Sampling


def compose_to(
    network: SegmentModel,
    representation: TokenBarGrid,
    settings: Sampling,
    seed: int,
    prompts: Sequence[NDArray[Any]],
) -> list[Composed]:
    """Make `settings.pieces` pieces to prompts, tokens (time,) as `prompt_of` gives them.

    Piece i is made to `prompts[i % len(prompts)]`. Where a network is given bars, a piece begins
    with its prompt and goes on from the last of them until there are `settings.max_bars`; otherwise
    other voices are made to all bars of it.
    """
    network.eval()
    random = torch.Generator().manual_seed(seed)
    shape, composed = network.shape, []
    for i in range(settings.pieces):
        prompt = _lines(prompts[i % len(prompts)], shape)
        if network.given_bars:
            made = _continued(network, prompt, settings.max_bars * shape.bar, random)
        else:
            made = _accompanied(network, prompt, random)
        short = Lines(*(part[..., : settings.max_bars * shape.bar] for part in made))
        composed.append(Composed(tokens_of(short, shape, representation)[0], ended=True))
    return composed


def prompt_of(
    network: SegmentModel, representation: TokenBarGrid, piece: Piece
) -> NDArray[np.integer[Any]]:
    """The whole bars of a piece as tokens, to which a network can make something.

    Raises `UnencodableError` where it has bars of other lengths than the representation's, too few,
    or pitches that the network does not know.
    """
    tokens = representation.encode(piece)
    shape = network.shape
    low, high = shape.lowest, shape.lowest + shape.pitches - 1
    steps = len(tokens) // shape.voices
    later = np.arange(shape.bar, steps, shape.bar)  # a pickup was filled up
    if not np.isin(later, representation.bars(piece)).all():
        raise UnencodableError(f"has bars of other lengths than {shape.bar} steps")
    whole, needed = steps // shape.bar, network.given_bars or shape.bars
    if whole < needed:
        raise UnencodableError(f"has fewer than {needed} whole bars")
    tokens = tokens[: whole * shape.bar * shape.voices]
    pitches = tokens[tokens < REST]
    if len(pitches) and (pitches.min() < low or pitches.max() > high):
        raise UnencodableError(f"leaves the pitches {low} to {high}")
    return tokens


def _continued(network: SegmentModel, made: Lines, steps: int, random: torch.Generator) -> Lines:
    """Return the bars continued, segment after segment, until there are enough."""
    given = network.given_bars * network.shape.bar
    blank = network.shape.steps - given
    while made.onset.shape[2] < steps:
        last = Lines(*(nn.functional.pad(part[..., -given:], (0, blank)) for part in made))
        new = _drawn(network, last, random)
        made = _joined([made, Lines(*(part[..., given:] for part in new))])
    return made


def _accompanied(network: SegmentModel, real: Lines, random: torch.Generator) -> Lines:
    """Segment after segment; of a last one that would not be whole, one that ends with it."""
    length, parts = network.shape.steps, []
    for begin in range(0, real.onset.shape[2], length):
        first = min(begin, real.onset.shape[2] - length)
        window = Lines(*(part[..., first : first + length] for part in real))
        new = _drawn(network, window, random)
        parts.append(Lines(*(part[..., begin - first :] for part in new)))
    return _joined(parts)


def _drawn(network: SegmentModel, real: Lines, random: torch.Generator) -> Lines:
    device = next(network.parameters()).device
    noise = network.noise(1, random).to(device)
    drawn = network.draw(noise, Lines(*(part.to(device) for part in real)))
    return Lines(*(part.cpu() for part in drawn))


def _joined(parts: Sequence[Lines]) -> Lines:
    return Lines(*(torch.cat(each, dim=-1) for each in zip(*parts, strict=True)))


def _lines(prompt: NDArray[Any], shape: Shape) -> Lines:
    """A prompt as one long segment."""
    pitch, onset = tokens_to_grid(prompt.reshape(1, -1, shape.voices))
    counted = np.where(pitch == REST, shape.pitches, pitch.astype(np.int64) - shape.lowest)
    said, begins = (torch.from_numpy(part.transpose(0, 2, 1).copy()) for part in (counted, onset))
    return lines_of(said, begins, shape.pitches)
