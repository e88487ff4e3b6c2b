"""Sampling from a sequence model of frames, a frame at a time, all pieces in one batch."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ostinato import console
from ostinato.models.sequence import SequenceModel
from ostinato.models.threads import computing_with, threads_for_steps
from ostinato.representations.base import BAR_QUARTERS, FrameRepresentation
from ostinato.sampling.sequence import Composed
from ostinato.sampling.settings import Sampling
from ostinato.sampling.strategies import Sampler


@torch.inference_mode()
def sample_frames(
    network: SequenceModel,
    representation: FrameRepresentation,
    settings: Sampling,
    seed: int,
    prompts: Sequence[NDArray[np.integer[Any]]] = (),
) -> list[Composed]:
    """Draw `settings.pieces` sequences of frames, each `settings.max_bars` bars long.

    Piece i begins with `prompts[i % len(prompts)]`, frames (time, size); without prompts it begins
    from nothing. Every frame is legal, silence too. Where a head names the pitches of a frame one
    by one, `top_k` and `top_p` choose among them as among tokens; where pitches are independent,
    the temperature alone applies. A penalty for repeated notes would shorten held ones: it does
    nothing here.
    """
    network.eval()
    device = next(network.parameters()).device
    time = max(1, int(settings.max_bars * BAR_QUARTERS / representation.step))
    frames, lengths = _place_prompts(settings.pieces, time, representation.size, prompts)
    where = torch.from_numpy(representation.positions(frames[0].numpy()).astype(np.int64))
    sampler = Sampler(settings, torch.Generator().manual_seed(seed))
    last, state = torch.zeros_like(frames[:, 0]), None
    threads = threads_for_steps(settings.pieces)
    with console.bar("composing", settings.max_bars, "bars") as reached, computing_with(threads):
        for step in range(time):
            here = where[step].expand(settings.pieces, 1, -1)
            context, state = network(last[:, None].to(device), here.to(device), state=state)
            if (grows := lengths <= step).any():
                drawn = network.head.draw(context[:, -1], sampler)
                frames[grows, step] = drawn.to(frames.device, frames.dtype)[grows]
            last = frames[:, step]
            reached((step + 1) * settings.max_bars / time)
    return [Composed(piece, ended=False) for piece in frames.numpy().astype(np.uint8)]


def _place_prompts(
    pieces: int, time: int, size: int, prompts: Sequence[NDArray[np.integer[Any]]]
) -> tuple[Tensor, Tensor]:
    """Return frames (pieces, time, size), empty after the prompts, and their lengths (pieces,)."""
    frames = torch.zeros((pieces, time, size), dtype=torch.int8)
    lengths = torch.zeros(pieces, dtype=torch.long)
    for i in range(pieces if prompts else 0):
        prompt = prompts[i % len(prompts)][:time]
        lengths[i] = len(prompt)
        frames[i, : len(prompt)] = torch.from_numpy(prompt.astype(np.int8))
    return frames, lengths
