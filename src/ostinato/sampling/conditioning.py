"""Sampling from a segment model conditioned on bars or voices of a prompt."""

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


def sample_with_prompts(
    network: SegmentModel,
    representation: TokenBarGrid,
    settings: Sampling,
    seed: int,
    prompts: Sequence[NDArray[Any]],
) -> list[Composed]:
    """Return `settings.pieces` pieces conditioned on prompts, tokens (time,) of `encode_prompt`.

    Piece i has `prompts[i % len(prompts)]`. Where a network is conditioned on bars, a piece begins
    with its prompt and goes on from the last of them until there are `settings.max_bars`; otherwise
    other voices are made to all bars of it.
    """
    network.eval()
    random = torch.Generator().manual_seed(seed)
    shape, composed = network.shape, []
    for i in range(settings.pieces):
        prompt = _to_lines(prompts[i % len(prompts)], shape)
        if network.given_bars:
            made = _continue_bars(network, prompt, settings.max_bars * shape.bar, random)
        else:
            made = _accompany(network, prompt, random)
        short = Lines(*(part[..., : settings.max_bars * shape.bar] for part in made))
        composed.append(Composed(tokens_of(short, shape, representation)[0], ended=True))
    return composed


def encode_prompt(
    network: SegmentModel, representation: TokenBarGrid, piece: Piece
) -> NDArray[np.integer[Any]]:
    """Return the whole bars of a piece as tokens, on which a network can be conditioned.

    Raises `UnencodableError` where it has bars of other lengths than the representation's, too few,
    or pitches that the network does not have.
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


def _continue_bars(
    network: SegmentModel, made: Lines, steps: int, random: torch.Generator
) -> Lines:
    """Return the bars continued, segment after segment, until there are enough."""
    given = network.given_bars * network.shape.bar
    blank = network.shape.steps - given
    while made.onset.shape[2] < steps:
        last = Lines(*(nn.functional.pad(part[..., -given:], (0, blank)) for part in made))
        new = _draw(network, last, random)
        made = _concatenate([made, Lines(*(part[..., given:] for part in new))])
    return made


def _accompany(network: SegmentModel, real: Lines, random: torch.Generator) -> Lines:
    """Return other voices to all bars, segment after segment.

    A last segment that would not be whole is one that ends with the last bar.
    """
    length, parts = network.shape.steps, []
    for begin in range(0, real.onset.shape[2], length):
        first = min(begin, real.onset.shape[2] - length)
        window = Lines(*(part[..., first : first + length] for part in real))
        new = _draw(network, window, random)
        parts.append(Lines(*(part[..., begin - first :] for part in new)))
    return _concatenate(parts)


def _draw(network: SegmentModel, real: Lines, random: torch.Generator) -> Lines:
    device = next(network.parameters()).device
    noise = network.noise(1, random).to(device)
    drawn = network.draw(noise, Lines(*(part.to(device) for part in real)))
    return Lines(*(part.cpu() for part in drawn))


def _concatenate(parts: Sequence[Lines]) -> Lines:
    return Lines(*(torch.cat(each, dim=-1) for each in zip(*parts, strict=True)))


def _to_lines(prompt: NDArray[Any], shape: Shape) -> Lines:
    """Return a prompt as one long segment."""
    pitch, onset = tokens_to_grid(prompt.reshape(1, -1, shape.voices))
    counted = np.where(pitch == REST, shape.pitches, pitch.astype(np.int64) - shape.lowest)
    # (batch, steps, voices) -> (batch, voices, steps)
    sound, begins = (torch.from_numpy(part.transpose(0, 2, 1).copy()) for part in (counted, onset))
    return lines_of(sound, begins, shape.pitches)
