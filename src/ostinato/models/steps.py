"""What the steps of a sequence are, as far as a network must know."""

from dataclasses import dataclass

from torch import Tensor

IGNORED = -100  # a target that is padding


@dataclass(frozen=True)
class SequenceSpec:
    """The steps that a representation writes.

    kind: `tokens` or `frames`; size: how many tokens there are, or the width of a frame;
    position_sizes: how many values each feature of a position takes; planes: how often a frame says
    its pitches, 1 which sound, 2 which sound and then which begin; period: how many steps, in turn,
    are of one moment; bar, beat: how many moments make a bar and a quarter note, 0 where that is
    not known.
    """

    kind: str
    size: int
    position_sizes: tuple[int, ...]
    planes: int = 1
    period: int = 1
    bar: int = 0
    beat: int = 0

    @property
    def unit(self) -> str:
        """One step by its name: token or frame."""
        return self.kind.removesuffix("s")


def predicted(targets: Tensor) -> Tensor:
    """Which targets are no padding: (batch, time) or (batch, time, width) -> (batch, time)."""
    return (targets if targets.ndim == 2 else targets[..., 0]) != IGNORED
