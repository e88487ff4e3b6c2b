"""Voices as vectors that are the same in every key."""

from itertools import combinations
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from ostinato.models.inputs import Input
from ostinato.models.steps import SequenceSpec
from ostinato.models.voices.features import (
    CLASSES,
    DISTANCES,
    HOLD,
    PITCHES,
    VoiceFeatures,
    by_voice,
    distance,
    half_lives,
    has_previous,
    match_lengths,
    phrases,
    read_features,
)

LOWEST = 5.5  # the logarithm of the least share is -5.5


class VoicesInput(Input):
    """Embeds voices by what is the same in every key: how far apart they are, how they move.

    Sums learned vectors for the interval between every two voices, for how each has moved since
    the previous time step, for where it would move as it did before and after how many steps alike,
    for the logarithm of how much each pitch class sounded, counted from the pitch of each voice,
    for the kind of token (a note, a rest, a hold, the end), for the voice index, for the step
    within the phrase and for the number of the phrase. No pitch enters by itself. Features that
    positions do not hold are left out.
    """

    takes = frozenset({"voices"})

    def __init__(
        self,
        embedding_size: Annotated[int, Field(ge=1, le=8192, description="length of the vectors")],
        dropout: Annotated[float, Field(ge=0, lt=1, description="share of inputs dropped")],
        *,
        spec: SequenceSpec,
    ) -> None:
        super().__init__()
        self.output_size, self.spec = embedding_size, spec
        voices, lengths = spec.voices_per_step, match_lengths(spec)
        self.pairs = list(combinations(range(voices), 2))
        self.voice_index = _small_embedding(voices, embedding_size)
        self.step = _small_embedding(spec.features["step"], embedding_size)
        numbers = phrases(spec)
        self.phrase = _small_embedding(numbers, embedding_size) if numbers else None
        self.kind = _small_embedding(spec.size - PITCHES + 1, embedding_size)
        self.intervals = _small_embeddings(len(self.pairs), DISTANCES, embedding_size)
        moving = voices if has_previous(spec) else 0
        self.motions = _small_embeddings(moving, DISTANCES, embedding_size)
        matches = 2 * voices if lengths else 0  # of each voice by itself, and of all together
        classes = 1 + lengths * DISTANCES
        self.matches = _small_embeddings(matches, classes, embedding_size, none=0)
        shares = voices * half_lives(spec) * CLASSES
        self.pitch_classes = nn.Linear(shares, embedding_size) if shares else None
        self.dropout = nn.Dropout(dropout)

    def forward(self, steps: Tensor, positions: Tensor, semitones: Tensor | None = None) -> Tensor:
        """Return vectors (batch, time, size) of tokens and positions (batch, time, features)."""
        del semitones
        features = read_features(positions, self.spec)
        sounding = by_voice(features.sounding, features.voice_index)
        x: Tensor = self.voice_index(features.voice_index) + self.step(features.step)
        if self.phrase is not None:
            x = x + self.phrase(features.phrase[..., 0])
        x = x + self.kind((steps - PITCHES + 1).clamp(min=0))  # all pitches are of one kind
        if self.pairs:
            high, low = map(list, zip(*self.pairs, strict=True))
            intervals = distance(sounding[..., high], sounding[..., low])
            for pair, embedding in enumerate(self.intervals):
                x = x + embedding(intervals[..., pair])
        if self.motions:
            moved = distance(sounding, by_voice(features.previous, features.voice_index))
            for voice, embedding in enumerate(self.motions):
                x = x + embedding(moved[..., voice])
        if self.matches:
            matches = torch.cat(_matches(features), dim=-1)
            for i, embedding in enumerate(self.matches):
                x = x + embedding(matches[..., i])
        if self.pitch_classes is not None:
            shares = _shares_from_each_voice(features.pitch_classes / LOWEST + 1, sounding)
            x = x + self.pitch_classes(shares.to(x.dtype))
        return self.dropout(x)  # type: ignore[no-any-return]


def _matches(features: VoiceFeatures) -> list[Tensor]:
    """Return how far it is to what followed before, as indices: each voice alone, and together.

    Each is (batch, time, voices), from voice 0 on; 0 where nothing matches.
    """
    joint_length = features.joint_match_length.expand_as(features.joint_match)
    both = [
        (features.per_voice_match, features.per_voice_match_length),
        (features.joint_match, joint_length),
    ]
    found = []
    for token, length in both:
        # a hold goes on with what sounded at the end of the previous time step
        pitch = torch.where(token == HOLD, features.previous, token)
        index = 1 + (length - 1) * DISTANCES + distance(pitch, features.sounding)
        found.append(by_voice(torch.where(length > 0, index, 0), features.voice_index))
    return found


def _small_embeddings(
    number: int, classes: int, size: int, none: int | None = None
) -> nn.ModuleList:
    return nn.ModuleList(_small_embedding(classes, size, none) for _ in range(number))


def _small_embedding(classes: int, size: int, none: int | None = None) -> nn.Embedding:
    """Return vectors that begin small: of many that are summed none drowns the others.

    That of `none` is 0 and stays so.
    """
    embedding = nn.Embedding(classes, size, padding_idx=none)
    nn.init.normal_(embedding.weight, std=0.1)
    if none is not None:
        nn.init.zeros_(embedding.weight[none])
    return embedding


def _shares_from_each_voice(shares: Tensor, sounding: Tensor) -> Tensor:
    """Return shares of pitch classes counted from the pitch class of each voice up.

    shares: (…, half-lives, 12), of any scale; sounding: (…, voices). Returns (…, voices *
    half-lives * 12), 0 for a voice that is silent.
    """
    classes = torch.arange(CLASSES, device=sounding.device)
    source = (sounding[..., None] + classes) % CLASSES  # (…, voices, 12)
    # the same shares for every voice, each looked up from another class on
    of_voices = shares[..., None, :, :].expand(*sounding.shape, shares.shape[-2], CLASSES)
    counted = of_voices.gather(-1, source[..., None, :].expand_as(of_voices))
    return counted.masked_fill((sounding == PITCHES)[..., None, None], 0.0).flatten(-3)
