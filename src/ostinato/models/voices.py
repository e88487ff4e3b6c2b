"""Interleaved voices: what their positions say of a token to come, and their order."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ostinato.models.steps import IGNORED, SequenceSpec

PITCHES = 128  # tokens 0 to 127 begin a note of that pitch; 128, in positions too, is silence
HOLD = 129  # goes on with what sounds
CLASSES = 12
LOUDEST = 255  # the level of a pitch class that alone was heard


class Known(NamedTuple):
    """Before a token, of (batch, time).

    turn: whose it is; step: within the bars that positions count; sounding: (…, voices) what
    sounds, a pitch or 128, in the voice whose turn it is, in the next one, and so on; before:
    (…, voices) the same, at the end of the step before; alone, together: (…, voices) the token that
    followed when the voice, or all voices, went like this before; alone_length: (…, voices) and
    together_length: (…, 1) how long they did; heard: (…, half-lives, 12) the share of each pitch
    class until then. From `before` on there are no voices and no half-lives where positions do not
    say so.
    """

    turn: Tensor
    step: Tensor
    sounding: Tensor
    before: Tensor
    alone: Tensor
    alone_length: Tensor
    together: Tensor
    together_length: Tensor
    heard: Tensor


OF_VOICES = ("sounding", "before", "alone", "alone_length", "together")


class Layout(NamedTuple):
    """How many features of each kind positions have, in the order of `Known`.

    lengths: how many lengths of repeats they tell apart; lives: of how many half-lives they tell.
    """

    widths: list[int]
    lengths: int
    lives: int


def layout(steps: SequenceSpec) -> Layout:
    """What the positions of `voices` hold, by how many values their features take."""
    voices, sizes = steps.period, steps.position_sizes
    extra = sizes[2 + voices :]
    lives = extra.count(LOUDEST + 1) // CLASSES
    repeats = HOLD + 1 in extra
    lengths = extra[2 * voices] - 1 if repeats else 0
    before = voices if lives or repeats else 0
    recalled = (voices, voices, voices, 1) if repeats else (0, 0, 0, 0)
    return Layout([1, 1, voices, before, *recalled, lives * CLASSES], lengths, lives)


def read(positions: Tensor, steps: SequenceSpec) -> Known:
    """positions: (batch, time, features) of `voices`."""
    of = layout(steps)
    parts = list(torch.split(positions, of.widths, dim=-1))
    parts[:2] = [part[..., 0] for part in parts[:2]]
    parts[-1] = parts[-1].reshape(*parts[-1].shape[:-1], of.lives, CLASSES) / LOUDEST
    return Known(*parts)


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


def reordered(given: Sequences, order: Tensor, kind: SequenceSpec) -> tuple[Sequences, Tensor]:
    """The same music with the voices of each moment in another order.

    given: whole moments, each from the first voice on; order: (batch, moments, voices), which voice
    comes first, which next. Also where each target stood among those of its moment: (batch,
    moments, voices), which is the order, but where a piece ends: that is said by whoever is first.
    """
    voices = kind.period
    batch, moments = order.shape[:2]
    said = given.targets.reshape(batch, moments, voices)
    first = given.positions.reshape(batch, moments, voices, -1)[:, :, :1]
    sounding = read(first, kind).sounding
    after = torch.where(said == HOLD, sounding[:, :, 0], said.clamp(0, PITCHES))
    place = order.argsort(dim=-1)
    each = torch.arange(voices, device=order.device)
    heard_of = place[:, :, None, :] < each[:, None]
    round_ = (order[..., None] + each) % voices
    features = list(torch.split(first.expand(-1, -1, voices, -1), layout(kind).widths, dim=-1))
    features[0], features[2] = order[..., None], torch.where(heard_of, after[:, :, None], sounding)
    for i, name in enumerate(Known._fields):
        if name in OF_VOICES and features[i].shape[-1]:
            features[i] = features[i].gather(-1, round_)
    goes_on = ((said >= 0) & (said <= HOLD)).all(dim=-1, keepdim=True)
    stood = torch.where(goes_on, order, each)
    targets = said.gather(-1, stood).reshape(batch, -1)
    before = torch.cat([given.steps[:, :1], targets[:, :-1]], dim=1)
    other = Sequences(
        before.masked_fill(before == IGNORED, PITCHES),
        torch.cat(features, dim=-1).reshape(batch, moments * voices, -1),
        targets,
    )
    return other, stood
