"""How one step of a sequence enters a network."""

from abc import ABC, abstractmethod
from itertools import combinations
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from ostinato.models.steps import SequenceSpec
from ostinato.models.voices import CLASSES, HOLD, PITCHES, Known, by_voice, layout, read

WIDEST = 36  # semitones between voices that are told apart
FARTHEST = 24  # semitones of transposition that are told apart


class Input(nn.Module, ABC):
    """Turns a step into a vector.

    `takes` names what fits: the kind of a representation (`tokens`, `frames`) or its name. The
    constructor takes, by keyword alone, `steps`, the `SequenceSpec` that come in.
    """

    takes: ClassVar[frozenset[str]]
    output_size: int

    @abstractmethod
    def forward(self, steps: Tensor, positions: Tensor, semitones: Tensor | None = None) -> Tensor:
        """Return steps as vectors (batch, time, output_size).

        steps: (batch, time) tokens or (batch, time, width) frames; positions: (batch, time,
        features); semitones: (batch,), how far each sequence was transposed, None for not at all.
        """


class Embedding(Input):
    """The sum of a learned vector for the token and one for each feature of its position."""

    takes = frozenset({"tokens"})

    def __init__(
        self,
        embedding_size: Annotated[
            int, Field(ge=1, le=8192, description="length of the vectors")
        ] = 128,
        dropout: Annotated[float, Field(ge=0, lt=1, description="share of inputs dropped")] = 0.0,
        *,
        steps: SequenceSpec,
    ) -> None:
        super().__init__()
        self.output_size = embedding_size
        self.token = nn.Embedding(steps.size, embedding_size)
        self.position = nn.ModuleList(nn.Embedding(n, embedding_size) for n in steps.position_sizes)
        self.dropout = nn.Dropout(dropout)

    def forward(self, steps: Tensor, positions: Tensor, semitones: Tensor | None = None) -> Tensor:
        """tokens (batch, time), positions (batch, time, features) -> (batch, time, size)."""
        del semitones
        x: Tensor = self.token(steps)
        for feature, embedding in enumerate(self.position):
            x = x + embedding(positions[..., feature])
        return self.dropout(x)  # type: ignore[no-any-return]


class Frames(Input):
    """The sum of a learned vector for each column that is on, and one for each position feature.

    With `shift` also one for the transposition of the sequence, so that what a window in another
    key teaches can be kept apart from the keys that music is in.
    """

    takes = frozenset({"frames"})

    def __init__(
        self,
        embedding_size: Annotated[
            int, Field(ge=1, le=8192, description="length of the vectors")
        ] = 128,
        dropout: Annotated[float, Field(ge=0, lt=1, description="share of inputs dropped")] = 0.0,
        shift: Annotated[
            bool, Field(description="tell the network how far a training window was transposed")
        ] = True,
        *,
        steps: SequenceSpec,
    ) -> None:
        super().__init__()
        self.output_size = embedding_size
        self.frame = nn.Linear(steps.size, embedding_size)
        self.position = nn.ModuleList(nn.Embedding(n, embedding_size) for n in steps.position_sizes)
        self.shift = nn.Embedding(2 * FARTHEST + 1, embedding_size) if shift else None
        # as embeddings begin they would drown the few columns that are on
        for embedding in [*self.position, *([self.shift] if self.shift else [])]:
            nn.init.zeros_(embedding.weight)
        self.dropout = nn.Dropout(dropout)

    def forward(self, steps: Tensor, positions: Tensor, semitones: Tensor | None = None) -> Tensor:
        """frames (batch, time, width), positions (batch, time, features) -> (batch, time, size)."""
        x: Tensor = self.frame(steps.to(self.frame.weight.dtype))
        for feature, embedding in enumerate(self.position):
            x = x + embedding(positions[..., feature])
        if self.shift is not None:
            if semitones is None:
                semitones = torch.zeros(len(steps), dtype=torch.long, device=steps.device)
            x = x + self.shift(semitones.clamp(-FARTHEST, FARTHEST) + FARTHEST)[:, None]
        return self.dropout(x)  # type: ignore[no-any-return]


class Intervals(Input):
    """Voices by what is the same in every key: how far apart they are, and how they move.

    The sum of learned vectors for the interval between every two voices, for how each has moved
    since the step before, for where it would move as it did before, after so many steps alike, for
    how much each pitch class was heard, counted from the pitch of each voice, for the kind of token
    (a note, a rest, a hold, the end) and for where in the bar it is whose turn. No pitch enters by
    itself. What `representation.history` and `representation.repeats` do not tell is not known.
    """

    takes = frozenset({"voices"})

    def __init__(
        self,
        embedding_size: Annotated[
            int, Field(ge=1, le=8192, description="length of the vectors")
        ] = 256,
        dropout: Annotated[float, Field(ge=0, lt=1, description="share of inputs dropped")] = 0.0,
        *,
        steps: SequenceSpec,
    ) -> None:
        super().__init__()
        self.output_size, self.steps = embedding_size, steps
        voices, told = steps.period, layout(steps)
        self.pairs = list(combinations(range(voices), 2))
        self.turn = _small(voices, embedding_size)
        self.step = _small(steps.position_sizes[1], embedding_size)
        self.kind = _small(steps.size - PITCHES + 1, embedding_size)
        apart = 2 * WIDEST + 2
        self.apart = nn.ModuleList(_small(apart, embedding_size) for _ in self.pairs)
        moved = range(voices if told.lives or told.lengths else 0)
        self.moved = nn.ModuleList(_small(apart, embedding_size) for _ in moved)
        recalled = range(2 * voices if told.lengths else 0)
        self.recalled = nn.ModuleList(
            _small(1 + told.lengths * apart, embedding_size, none=0) for _ in recalled
        )
        heard = voices * told.lives * CLASSES
        self.heard = nn.Linear(heard, embedding_size) if heard else None
        self.dropout = nn.Dropout(dropout)

    def forward(self, steps: Tensor, positions: Tensor, semitones: Tensor | None = None) -> Tensor:
        """tokens (batch, time), positions (batch, time, features) -> (batch, time, size)."""
        del semitones
        known = read(positions, self.steps)
        sounding = by_voice(known.sounding, known.turn)
        x: Tensor = self.turn(known.turn) + self.step(known.step)
        x = x + self.kind((steps - PITCHES + 1).clamp(min=0))
        for (high, low), embedding in zip(self.pairs, self.apart, strict=True):
            x = x + embedding(_distance(sounding[..., high], sounding[..., low]))
        if self.moved:
            before = by_voice(known.before, known.turn)
            for voice, embedding in enumerate(self.moved):
                x = x + embedding(_distance(sounding[..., voice], before[..., voice]))
        if self.recalled:
            at = torch.cat(_recalled(known), dim=-1)
            for i, embedding in enumerate(self.recalled):
                x = x + embedding(at[..., i])
        if self.heard is not None:
            x = x + self.heard(_from_each(known.heard, sounding).to(x.dtype))
        return self.dropout(x)  # type: ignore[no-any-return]


def _recalled(known: Known) -> list[Tensor]:
    """How far it is to what followed before, as an index: each voice alone, and together."""
    both = [
        (known.alone, known.alone_length),
        (known.together, known.together_length.expand_as(known.together)),
    ]
    found = []
    for token, length in both:
        pitch = torch.where(token == HOLD, known.before, token)
        distance = _distance(pitch, known.sounding)
        index = 1 + (length - 1) * (2 * WIDEST + 2) + distance
        found.append(by_voice(torch.where(length > 0, index, 0), known.turn))
    return found


def _small(count: int, size: int, none: int | None = None) -> nn.Embedding:
    """Vectors that begin small: of many that are summed none drowns the others.

    That of `none` is 0 and stays so.
    """
    embedding = nn.Embedding(count, size, padding_idx=none)
    nn.init.normal_(embedding.weight, std=0.1)
    if none is not None:
        nn.init.zeros_(embedding.weight[none])
    return embedding


def _distance(one: Tensor, other: Tensor) -> Tensor:
    """Semitones from the other pitch up to the one, as an index; the last where one is silent."""
    semitones = (one - other).clamp(-WIDEST, WIDEST) + WIDEST
    return torch.where((one == PITCHES) | (other == PITCHES), 2 * WIDEST + 1, semitones)


def _from_each(heard: Tensor, sounding: Tensor) -> Tensor:
    """Shares (…, lives, 12) from the pitch class of each voice up: (…, voices * lives * 12)."""
    classes = torch.arange(CLASSES, device=sounding.device)
    at = (sounding[..., None] + classes) % CLASSES  # (…, voices, 12)
    each = heard[..., None, :, :].expand(*sounding.shape, heard.shape[-2], CLASSES)
    turned = each.gather(-1, at[..., None, :].expand_as(each))
    return turned.masked_fill((sounding == PITCHES)[..., None, None], 0.0).flatten(-3)


class OneHot(Input):
    """The token as a one-hot vector, and nothing else: the classic input for a single line."""

    takes = frozenset({"pitch"})

    def __init__(self, *, steps: SequenceSpec) -> None:
        super().__init__()
        self.output_size = steps.size

    def forward(self, steps: Tensor, positions: Tensor, semitones: Tensor | None = None) -> Tensor:
        """tokens: (batch, time) -> (batch, time, vocabulary)."""
        del positions, semitones
        return nn.functional.one_hot(steps, self.output_size).to(torch.get_default_dtype())
