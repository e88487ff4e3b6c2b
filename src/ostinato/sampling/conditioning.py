"""Sampling from a segment model conditioned on bars or voices of a prompt."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ostinato.errors import UnencodableError
from ostinato.models.segments import SegmentModel
from ostinato.music.piece import Piece
from ostinato.representations.bar_grid import TokenBarGrid
from ostinato.representations.monophonic import REST
from ostinato.representations.voice_roll import VoiceRoll, concatenate
from ostinato.sampling.sequence import Composed
from ostinato.sampling.settings import Sampling
from ostinato.sampling.voice_rolls import draw_segments


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
    most, composed = settings.max_bars * network.spec.bar_steps, []
    for i in range(settings.pieces):
        prompt = representation.to_grid(prompts[i % len(prompts)][None])
        if network.given_bars:
            roll = _continue(network, prompt, most, random)
        else:
            roll = _accompany(network, prompt, random)
        [tokens] = representation.from_grid(roll.crop(0, most))
        composed.append(Composed(tokens, ended=True))
    return composed


def encode_prompt(
    network: SegmentModel, representation: TokenBarGrid, piece: Piece, end: int = 0
) -> NDArray[np.integer[Any]]:
    """Return the whole bars of a piece as tokens, on which a network can be conditioned.

    end: the tick to which silence after its last note belongs to it.

    Raises `UnencodableError` where it has bars of other lengths than the representation's, too few,
    or pitches that the network does not have.
    """
    tokens = representation.encode(piece)
    spec = network.spec
    low, high = spec.lowest, spec.lowest + spec.pitches - 1
    steps = len(tokens) // spec.voices
    later = np.arange(spec.bar_steps, steps, spec.bar_steps)  # a pickup was filled up
    if not np.isin(later, representation.bars(piece)).all():
        raise UnencodableError(f"has bars of other lengths than {spec.bar_steps} steps")
    tokens = representation.with_silence(tokens, piece, end)
    steps = len(tokens) // spec.voices
    whole, needed = steps // spec.bar_steps, network.given_bars or spec.bars
    if whole < needed:
        raise UnencodableError(f"has fewer than {needed} whole bars")
    tokens = tokens[: whole * spec.bar_steps * spec.voices]
    pitches = tokens[tokens < REST]
    if len(pitches) and (pitches.min() < low or pitches.max() > high):
        raise UnencodableError(f"leaves the pitches {low} to {high}")
    return tokens


def _continue(
    network: SegmentModel, prompt: VoiceRoll, steps: int, random: torch.Generator
) -> VoiceRoll:
    """Return a prompt continued, segment after segment, until there are so many steps."""
    given = network.given_bars * network.spec.bar_steps
    roll = prompt
    while roll.steps < steps:
        condition = roll.crop(-given).pad(network.spec.steps - given)
        roll = concatenate([roll, _draw_to(network, condition, random).crop(given)], axis=2)
    return roll


def _accompany(network: SegmentModel, prompt: VoiceRoll, random: torch.Generator) -> VoiceRoll:
    """Return a prompt accompanied, segment after segment.

    The last one ends with the prompt; where it would begin too early its first steps are left out.
    """
    length, parts = network.spec.steps, []
    for begin in range(0, prompt.steps, length):
        first = min(begin, prompt.steps - length)
        drawn = _draw_to(network, prompt.crop(first, first + length), random)
        parts.append(drawn.crop(begin - first))
    return concatenate(parts, axis=2)


def _draw_to(network: SegmentModel, condition: VoiceRoll, random: torch.Generator) -> VoiceRoll:
    device = next(network.parameters()).device
    return draw_segments(network, network.noise(1, random).to(device), condition)
