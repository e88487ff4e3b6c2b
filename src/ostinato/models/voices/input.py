"""Voices as vectors that are the same in every key."""

from itertools import combinations
from typing import Annotated, Any

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
        pairs = list(combinations(range(voices), 2))
        self.high, self.low = [high for high, _ in pairs], [low for _, low in pairs]
        self.voice_index = _small_embedding(voices, embedding_size)
        self.step = _small_embedding(spec.features["step"], embedding_size)
        numbers = phrases(spec)
        self.phrase = _small_embedding(numbers, embedding_size) if numbers else None
        self.kind = _small_embedding(spec.size - PITCHES + 1, embedding_size)
        self.intervals = _small_embeddings(len(pairs), DISTANCES, embedding_size)
        moving = voices if has_previous(spec) else 0
        self.motions = _small_embeddings(moving, DISTANCES, embedding_size)
        matches = 2 * voices if lengths else 0  # of each voice by itself, and of all together
        classes = 1 + lengths * DISTANCES
        self.matches = _small_embeddings(matches, classes, embedding_size, none=0)
        shares = voices * half_lives(spec) * CLASSES
        self.pitch_classes = nn.Linear(shares, embedding_size) if shares else None
        self.dropout = nn.Dropout(dropout)
        self._table: Tensor | None = None  # of all embeddings, made at the first step
        self.register_load_state_dict_post_hook(VoicesInput._forget_table)  # type: ignore[no-untyped-call]
        self._offsets = torch.zeros(0, dtype=torch.long)

    def forward(self, steps: Tensor, positions: Tensor, semitones: Tensor | None = None) -> Tensor:
        """Return vectors (batch, time, size) of tokens and positions (batch, time, features)."""
        del semitones
        features = read_features(positions, self.spec)
        sounding = by_voice(features.sounding, features.voice_index)
        x = self._sum(self._classes(steps, features, sounding))
        if self.pitch_classes is not None:
            shares = _shares_from_each_voice(features.pitch_classes / LOWEST + 1, sounding)
            x = x + self.pitch_classes(shares.to(x.dtype))
        return self.dropout(x)  # type: ignore[no-any-return]

    @property
    def embeddings(self) -> list[nn.Embedding]:
        """Return the embeddings whose vectors are summed, as `_classes` orders them."""
        phrase = [] if self.phrase is None else [self.phrase]
        single: list[Any] = [self.voice_index, self.step, *phrase, self.kind]
        return [*single, *self.intervals, *self.motions, *self.matches]

    def train(self, mode: bool = True) -> "VoicesInput":
        """Set the mode, and forget the table: weights change while they are trained."""
        self._forget_table()
        return super().train(mode)

    def _forget_table(self, *_: Any) -> None:
        self._table = None

    def _classes(self, steps: Tensor, features: VoiceFeatures, sounding: Tensor) -> Tensor:
        """Return the class for each of `embeddings`: (batch, time, embeddings)."""
        kind = (steps - PITCHES + 1).clamp(min=0)  # all pitches are of one kind
        phrase = [] if self.phrase is None else [features.phrase[..., 0]]
        single = torch.stack([features.voice_index, features.step, *phrase, kind], dim=-1)
        one, other = [sounding[..., self.high]], [sounding[..., self.low]]
        if self.motions:
            one.append(sounding)
            other.append(by_voice(features.previous, features.voice_index))
        found = [single, distance(torch.cat(one, dim=-1), torch.cat(other, dim=-1))]
        if self.matches:
            found.append(_matches(features))
        return torch.cat(found, dim=-1)

    def _sum(self, classes: Tensor) -> Tensor:
        """Return the sum of the vectors of classes (batch, time, embeddings)."""
        if classes.shape[1] > 1 or self.training or torch.is_grad_enabled():
            x = torch.zeros((), device=classes.device)
            for embedding, of_one in zip(self.embeddings, classes.unbind(-1), strict=True):
                x = x + embedding(of_one)
            return x
        if self._table is None:  # one table of all: a step is then one call
            self._table = torch.cat([embedding.weight for embedding in self.embeddings])
            sizes = [0, *(embedding.num_embeddings for embedding in self.embeddings[:-1])]
            self._offsets = torch.tensor(sizes, device=classes.device).cumsum(0)
        places = (classes[:, 0] + self._offsets).long()
        return nn.functional.embedding_bag(places, self._table, mode="sum")[:, None]


def _matches(features: VoiceFeatures) -> Tensor:
    """Return how far it is to what followed before, as indices: each voice alone, and together.

    (batch, time, 2 * voices), both from voice 0 on; 0 where nothing matches.
    """
    joint_length = features.joint_match_length.expand_as(features.joint_match)
    # both are (batch, time, 2, voices)
    token = torch.stack([features.per_voice_match, features.joint_match], dim=-2)
    length = torch.stack([features.per_voice_match_length, joint_length], dim=-2)
    # a hold goes on with what sounded at the end of the previous time step
    pitch = torch.where(token == HOLD, features.previous[..., None, :], token)
    sounding = features.sounding[..., None, :]
    index = 1 + (length - 1) * DISTANCES + distance(pitch, sounding)
    found = torch.where(length > 0, index, 0)
    return by_voice(found, features.voice_index[..., None]).flatten(-2)


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
