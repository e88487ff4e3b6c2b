"""Segments of stored pieces, as the stages share them."""

from typing import TYPE_CHECKING

from ostinato.stages.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ostinato.data.segments import Segments
    from ostinato.data.store import TokenStore
    from ostinato.models.segments import SegmentModel
    from ostinato.representations.base import Representation


def segments_of(
    workspace: Workspace,
    store: "TokenStore",
    indices: "NDArray[np.int64]",
    representation: "Representation",
    network: "SegmentModel",
) -> "Segments":
    """The segments that a network takes of the stored pieces at `indices`."""
    from ostinato.corpora.store import PieceStore
    from ostinato.data.segments import cut
    from ostinato.representations.bar_grid import BarGrid

    if not isinstance(representation, BarGrid):
        raise TypeError(f"no segments are known of {representation.name}")
    pieces = PieceStore(workspace.pieces).only(store.names[i] for i in indices)
    shape = network.shape
    return cut(store, indices, pieces, representation, shape.bars, network.pitch_range)
