"""Voices in another order."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ostinato.models.steps import IGNORED, SequenceSpec
from ostinato.models.voices.features import HOLD, PITCHES, split_features

OF_VOICES = (
    "sounding",
    "previous",
    "per_voice_match",
    "per_voice_match_length",
    "joint_match",
)


class Sequences(NamedTuple):
    """steps, targets: (batch, time) tokens; positions: (batch, time, features) of the targets."""

    steps: Tensor
    positions: Tensor
    targets: Tensor


def pad_time_steps(sequences: Sequences, voices: int) -> Sequences:
    """Pad sequences at the end, so that the last time step has all its voices."""
    missing = -sequences.steps.shape[1] % voices
    return Sequences(
        nn.functional.pad(sequences.steps, (0, missing)),
        nn.functional.pad(sequences.positions, (0, 0, 0, missing)),
        nn.functional.pad(sequences.targets, (0, missing), value=IGNORED),
    )


def reorder_voices(
    sequences: Sequences, order: Tensor, spec: SequenceSpec
) -> tuple[Sequences, Tensor]:
    """Return the same music with the voices of each time step in another order, and its places.

    sequences: whole time steps, each from voice 0 on; order: (batch, time steps, voices), which
    voice comes first, which next. The places, of the same shape, are where each target stood in its
    time step. They are the order, but where a piece ends: the end token has no voice, and is always
    the first.
    """
    voices = spec.voices_per_step
    batch, time_steps = order.shape[:2]
    tokens = sequences.targets.reshape(batch, time_steps, voices)
    # all features but `sounding` are the same throughout a time step: those of its first token
    first = sequences.positions.reshape(batch, time_steps, voices, -1)[:, :, :1]
    features = split_features(first.expand(-1, -1, voices, -1), spec)
    features["voice_index"] = order[..., None]
    features["sounding"] = _sounding(tokens, first, order, spec)
    # features of voices begin with the voice whose turn it is, which the order says
    turned = (order[..., None] + torch.arange(voices, device=order.device)) % voices
    for name in OF_VOICES:
        if name in features:
            features[name] = features[name].gather(-1, turned)
    # the end of a piece, and padding, stay where they are
    goes_on = ((tokens >= 0) & (tokens <= HOLD)).all(dim=-1, keepdim=True)
    places = torch.where(goes_on, order, torch.arange(voices, device=order.device))
    targets = tokens.gather(-1, places).reshape(batch, -1)
    steps = torch.cat([sequences.steps[:, :1], targets[:, :-1]], dim=1)
    reordered = Sequences(
        steps.masked_fill(steps == IGNORED, PITCHES),
        torch.cat(list(features.values()), dim=-1).reshape(batch, time_steps * voices, -1),
        targets,
    )
    return reordered, places


def _sounding(tokens: Tensor, first: Tensor, order: Tensor, spec: SequenceSpec) -> Tensor:
    """Return what sounds in each voice, from voice 0 on, before each token in the new order.

    tokens: (batch, time steps, voices), from voice 0 on; first: (batch, time steps, 1, features),
    the positions of the first token. Returns (batch, time steps, voices, voices).
    """
    before = split_features(first, spec)["sounding"]
    after = torch.where(tokens == HOLD, before[:, :, 0], tokens.clamp(0, PITCHES))
    # place[v]: when voice v comes; token i is drawn after those of the voices with place < i
    place = order.argsort(dim=-1)
    is_drawn = (
        place[:, :, None, :] < torch.arange(spec.voices_per_step, device=order.device)[:, None]
    )
    return torch.where(is_drawn, after[:, :, None], before)
