"""Interleaved voices: what their positions say of a token to come, and their order."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ostinato.models.steps import IGNORED, Steps

PITCHES = 128  # tokens 0 to 127 begin a note of that pitch; 128, in positions too, is silence
HOLD = 129  # goes on with what sounds
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


class Sequences(NamedTuple):
    """steps, targets: (batch, time) tokens; positions: (batch, time, features) of the targets."""

    steps: Tensor
    positions: Tensor
    targets: Tensor


def whole_moments(given: Sequences, voices: int) -> Sequences:
    """With padding at the end, so that all moments are whole."""
    short = -given.steps.shape[1] % voices
    return Sequences(
        nn.functional.pad(given.steps, (0, short)),
        nn.functional.pad(given.positions, (0, 0, 0, short)),
        nn.functional.pad(given.targets, (0, short), value=IGNORED),
    )


def reordered(given: Sequences, order: Tensor, kind: Steps) -> Sequences:
    """The same music with the voices of each moment in another order.

    given: whole moments, each from the first voice on; order: (batch, moments, voices), which voice
    comes first, which next.
    """
    voices = kind.period
    batch, moments = order.shape[:2]
    said = given.targets.reshape(batch, moments, voices)
    first = given.positions.reshape(batch, moments, voices, -1)[:, :, :1]
    known = read(first, kind)
    after = torch.where(said == HOLD, known.sounding[:, :, 0], said.clamp(0, PITCHES))
    place = order.argsort(dim=-1)
    heard_of = place[:, :, None, :] < torch.arange(voices, device=order.device)[:, None]
    sounding = torch.where(heard_of, after[:, :, None], known.sounding)
    features = [order[..., None], first[..., 1:2].expand(-1, -1, voices, -1), sounding]
    if known.before.shape[-1]:
        features.append(known.before.expand_as(sounding))
    round_ = (order[..., None] + torch.arange(voices, device=order.device)) % voices
    features[2:] = [feature.gather(-1, round_) for feature in features[2:]]
    rest = first[..., sum(feature.shape[-1] for feature in features) :]
    features.append(rest.expand(-1, -1, voices, -1))
    targets = said.gather(-1, order).reshape(batch, -1)
    before = torch.cat([given.steps[:, :1], targets[:, :-1]], dim=1)
    return Sequences(
        before.masked_fill(before == IGNORED, PITCHES),
        torch.cat(features, dim=-1).reshape(batch, moments * voices, -1),
        targets,
    )
