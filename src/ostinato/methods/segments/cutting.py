"""Cutting stored pieces into the segments that a network takes."""

from typing import TYPE_CHECKING, Any

from ostinato import console
from ostinato.errors import UserError
from ostinato.wording import agree, quantity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ostinato.corpora.store import PieceStore
    from ostinato.data.segments import Segments
    from ostinato.data.store import TokenStore
    from ostinato.models.segments import SegmentModel

JUDGED = 300  # segments, generated and real, that are compared


def cut_segments(
    store: "TokenStore",
    indices: "NDArray[np.int64]",
    pieces: "PieceStore",
    representation: Any,
    network: "SegmentModel",
) -> "Segments":
    """Return the segments that a network takes of the stored pieces at `indices`."""
    from ostinato.data.segments import cut

    chosen = pieces.only(store.names[i] for i in indices)
    return cut(store, indices, chosen, representation, network.spec.bars, network.pitch_range)


def report_segments(training: "Segments", validation: "Segments", batch_size: int) -> None:
    """Print how many segments were cut; raises `UserError` where none was."""
    low, high = training.pitches
    bars = f"{quantity(training.bars, 'bar')} of {training.representation.bar_steps} steps"
    left_out = []
    if training.other_bars:
        others = training.other_bars
        left_out.append(
            f"{quantity(others, 'piece')} {agree(others, 'has', 'have')} no {bars} in a row"
        )
    if training.outside:
        away = quantity(training.outside, "segment")
        left_out.append(
            f"{away} {agree(training.outside, 'leaves', 'leave')} the pitches {low} to {high}"
        )
    if not len(training):
        raise UserError(
            f"no segment of {bars} can be cut from the training pieces: "
            f"{' and '.join(left_out) or 'they are silent'}. Change model.bars, model.pitch_range, "
            "representation.bar_steps or the corpus."
        )
    console.say(
        f"{quantity(len(training), 'segment')} of {bars} to train on, {len(validation)} for "
        "validation" + (f"; left out: {' and '.join(left_out)}" if left_out else "")
    )
    if len(training) < batch_size:
        console.warn(f"all segments fit into one batch: training.batch_size is {batch_size}.")
