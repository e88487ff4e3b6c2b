"""What the positions of interleaved voices say of a step to come."""

from typing import NamedTuple

import torch
from torch import Tensor

from ostinato.models.steps import Steps

PITCHES = 128  # tokens 0 to 127 begin a note of that pitch; 128 in positions is silence
CLASSES = 12
LOUDEST = 255  # the level of a pitch class that alone was heard


class Known(NamedTuple):
    """Before a token, of (batch, time).

    turn: whose it is; step: within the bar; sounding: (…, voices) what sounds, a pitch or 128, in
    the voice whose turn it is, in the next one, and so on; before: (…, voices) the same, at the end
    of the step before; heard: (…, half-lives, 12) the share of each pitch class until then. The
    last two have no voices and no half-lives where positions do not say so.
    """

    turn: Tensor
    step: Tensor
    sounding: Tensor
    before: Tensor
    heard: Tensor


def histories(steps: Steps) -> int:
    """How many half-lives positions tell the pitch classes of."""
    return max(0, len(steps.position_sizes) - 2 - 2 * steps.period) // CLASSES


def read(positions: Tensor, steps: Steps) -> Known:
    """positions: (batch, time, features) of `voices`."""
    voices, lives = steps.period, histories(steps)
    features = positions[..., 2:]
    sounding, before = features[..., :voices], features[..., voices : 2 * voices]
    heard = features[..., 2 * voices :]
    if not lives:
        before, heard = features[..., :0], features[..., :0]
    shares = heard.reshape(*heard.shape[:-1], lives, CLASSES) / LOUDEST
    return Known(positions[..., 0], positions[..., 1], sounding, before, shares)


def by_voice(in_turn: Tensor, turn: Tensor) -> Tensor:
    """What is told from the voice whose turn it is on, from the first voice on: (…, voices)."""
    voices = in_turn.shape[-1]
    return in_turn.gather(-1, (torch.arange(voices, device=turn.device) - turn[..., None]) % voices)
