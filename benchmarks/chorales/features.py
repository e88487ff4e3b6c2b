"""The features that positions of voices hold, by name, and voices in another order."""

from collections import Counter
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ostinato.models.steps import IGNORED, SequenceSpec

PITCHES = 128  # tokens 0 to 127 begin a note of that pitch; 128, in positions too, is silence
HOLD = 129  # goes on with what sounds
CLASSES = 12
LOUDEST = 255  # the level of a pitch class that alone sounded


class VoiceFeatures(NamedTuple):
    """What is known before a token: tensors that begin with (batch, time).

    voice_index: whose token it is; step: within the bars that positions count; sounding: (…,
    voices), a pitch or 128, in the voice whose turn it is, in the next one, and so on; previous:
    (…, voices) the same, at the end of the previous time step; per_voice_match, joint_match: (…,
    voices) the token that followed when the voice, or all voices, went like this before;
    per_voice_match_length: (…, voices) and joint_match_length: (…, 1) levels of how long they did;
    pitch_classes: (…, half-lives, 12) the share of each pitch class so far, 0 to 1. From `previous`
    on there are no voices and no half-lives where the specification has no such feature.
    """

    voice_index: Tensor
    step: Tensor
    sounding: Tensor
    previous: Tensor
    per_voice_match: Tensor
    per_voice_match_length: Tensor
    joint_match: Tensor
    joint_match_length: Tensor
    pitch_classes: Tensor


OF_VOICES = (
    "sounding",
    "previous",
    "per_voice_match",
    "per_voice_match_length",
    "joint_match",
)


def group_widths(spec: SequenceSpec) -> dict[str, int]:
    """Return how many columns each group of features has, in order.

    The columns of a group are called after it: `sounding.0`, `sounding.1`, …
    """
    return dict(Counter(name.partition(".")[0] for name in spec.features))


def match_lengths(spec: SequenceSpec) -> int:
    """Return how many levels of length of repeats there are, 0 without repeats."""
    return spec.features.get("joint_match_length", 1) - 1


def half_lives(spec: SequenceSpec) -> int:
    """Return for how many half-lives the shares of pitch classes are given."""
    return group_widths(spec).get("pitch_classes", 0) // CLASSES


def has_previous(spec: SequenceSpec) -> bool:
    """Return whether positions hold what sounded at the end of the previous time step."""
    return "previous" in group_widths(spec)


def split_features(positions: Tensor, spec: SequenceSpec) -> dict[str, Tensor]:
    """Split positions (…, features) into groups (…, columns) by name."""
    widths = group_widths(spec)
    parts = torch.split(positions, list(widths.values()), dim=-1)
    return dict(zip(widths, parts, strict=True))


def read_features(positions: Tensor, spec: SequenceSpec) -> VoiceFeatures:
    """Return what positions (batch, time, features) hold."""
    groups = split_features(positions, spec)
    parts = [groups.get(name, positions[..., :0]) for name in VoiceFeatures._fields]
    parts[:2] = [part[..., 0] for part in parts[:2]]
    # (…, half-lives * 12) levels -> (…, half-lives, 12) shares
    shape = (*positions.shape[:-1], half_lives(spec), CLASSES)
    parts[-1] = parts[-1].reshape(shape) / LOUDEST
    return VoiceFeatures(*parts)


def by_voice(rotate_to_turn: Tensor, voice_index: Tensor) -> Tensor:
    """Reorder features (…, voices) from the voice whose turn it is on to: from voice 0 on."""
    voices = rotate_to_turn.shape[-1]
    each = torch.arange(voices, device=voice_index.device)
    return rotate_to_turn.gather(-1, (each - voice_index[..., None]) % voices)


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
