"""The specification of a sequence, as far as a network must know it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from torch import Tensor

IGNORED = -100  # a target that is padding


@dataclass(frozen=True)
class SequenceSpec:
    """The steps that a representation writes.

    kind: `tokens` or `frames`; size: how many tokens there are, or the width of a frame; features:
    the name of each column of positions, in order, and how many classes it has; channels: how
    often a frame holds its pitches, 1 which sound, 2 which sound and then which begin;
    voices_per_step: how many tokens, one after the other, make one time step; bar, beat: how many
    time steps make a bar and a quarter note, 0 where that is not known; layout: what the features
    hold, `voices` for what `models.voices` reads; falling: of the tokens of a time step, each pitch
    lies below the one before, and what comes after a rest are rests.
    """

    kind: str
    size: int
    features: Mapping[str, int] = field(default_factory=dict)
    channels: int = 1
    voices_per_step: int = 1
    bar: int = 0
    beat: int = 0
    layout: str = ""
    falling: bool = False

    @cached_property
    def groups(self) -> Mapping[str, int]:
        """Return how many columns each group of features has, in order.

        The columns of a group are called after it: `sounding.0`, `sounding.1`, …
        """
        return dict(Counter(name.partition(".")[0] for name in self.features))

    @property
    def unit(self) -> str:
        """Return the name of one step: token or frame."""
        return self.kind.removesuffix("s")


def take_rows(state: Any, rows: Tensor, dim: int = 0) -> Any:
    """Return a state of the sequences numbered `rows`: (batch,) int64, each as often as it comes.

    state: tensors whose dimension `dim` is the batch, in tuples within tuples; what is no tensor
    holds for the whole batch and stays.
    """
    if isinstance(state, Tensor):
        return state.index_select(dim, rows)
    if not isinstance(state, tuple):
        return state
    parts = [take_rows(part, rows, dim) for part in state]
    # a named tuple takes its fields one by one
    return type(state)(*parts) if hasattr(state, "_fields") else tuple(parts)


def predicted(targets: Tensor) -> Tensor:
    """Return which targets are no padding: (batch, time).

    targets: (batch, time) tokens or (batch, time, width) frames.
    """
    return (targets if targets.ndim == 2 else targets[..., 0]) != IGNORED
