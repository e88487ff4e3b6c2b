"""The features that positions of voices hold, by name."""

from typing import NamedTuple

import torch
from torch import Tensor

from ostinato.models.steps import SequenceSpec

PITCHES = 128  # tokens 0 to 127 begin a note of that pitch; 128, in positions too, is silence
HOLD = 129  # goes on with what sounds
WIDEST = 36  # semitones between voices that are told apart; all beyond are one
DISTANCES = 2 * WIDEST + 2  # from -WIDEST to WIDEST, and one where a voice is silent
CLASSES = 12
LEVELS = 256  # of the share of a pitch class; the last is that of one that alone sounded


class VoiceFeatures(NamedTuple):
    """The features known before a token: tensors that begin with (batch, time).

    voice_index: whose token it is; step: within the bars that positions count; sounding: (…,
    voices), a pitch or 128, in the voice whose turn it is, in the next one, and so on; phrase:
    (…, 1) its number; previous: (…, voices) as sounding, at the end of the previous time step;
    per_voice_match, joint_match: (…, voices) the token that followed when the voice, or all voices,
    went like this before; per_voice_match_length: (…, voices) and joint_match_length: (…, 1) levels
    of how long they did; pitch_classes: (…, half-lives, 12) the natural logarithm of the share of
    each pitch class so far, from -5.5 to 0. From `phrase` on there are no columns, no voices and no
    half-lives where the specification has no such feature.
    """

    voice_index: Tensor
    step: Tensor
    sounding: Tensor
    phrase: Tensor
    previous: Tensor
    per_voice_match: Tensor
    per_voice_match_length: Tensor
    joint_match: Tensor
    joint_match_length: Tensor
    pitch_classes: Tensor


def phrases(spec: SequenceSpec) -> int:
    """Return how many numbers of phrases there are, 0 without them."""
    return spec.features.get("phrase", 0)


def match_lengths(spec: SequenceSpec) -> int:
    """Return how many levels of length of repeats there are, 0 without repeats."""
    return spec.features.get("joint_match_length", 1) - 1


def half_lives(spec: SequenceSpec) -> int:
    """Return for how many half-lives the shares of pitch classes are given."""
    return spec.groups.get("pitch_classes", 0) // CLASSES


def has_previous(spec: SequenceSpec) -> bool:
    """Return whether positions hold what sounded at the end of the previous time step."""
    return "previous" in spec.groups


def split_features(positions: Tensor, spec: SequenceSpec) -> dict[str, Tensor]:
    """Split positions (…, features) into groups (…, columns) by name."""
    widths = spec.groups
    parts = torch.split(positions, list(widths.values()), dim=-1)
    return dict(zip(widths, parts, strict=True))


def read_features(positions: Tensor, spec: SequenceSpec) -> VoiceFeatures:
    """Return what positions (batch, time, features) hold."""
    groups = split_features(positions, spec)
    parts = [groups.get(name, positions[..., :0]) for name in VoiceFeatures._fields]
    parts[:2] = [part[..., 0] for part in parts[:2]]
    # (…, half-lives * 12) levels -> (…, half-lives, 12) logarithms; no share is quite 0
    shape = (*positions.shape[:-1], half_lives(spec), CLASSES)
    parts[-1] = ((parts[-1].reshape(shape) + 1) / LEVELS).log()
    return VoiceFeatures(*parts)


def by_voice(rotate_to_turn: Tensor, voice_index: Tensor) -> Tensor:
    """Reorder features (…, voices) from the voice whose turn it is on to: from voice 0 on."""
    voices = rotate_to_turn.shape[-1]
    each = torch.arange(voices, device=voice_index.device)
    place = (each - voice_index[..., None]) % voices
    return rotate_to_turn.gather(-1, place.expand_as(rotate_to_turn))


def distance(one: Tensor, other: Tensor) -> Tensor:
    """Return the semitones from the other pitch up to the one, as an index below DISTANCES.

    The last index is for where one of them is silent.
    """
    semitones = (one - other).clamp(-WIDEST, WIDEST) + WIDEST
    return torch.where((one == PITCHES) | (other == PITCHES), DISTANCES - 1, semitones)
