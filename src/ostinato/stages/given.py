"""Music that generating is given: files, and pieces of the test split."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ostinato.console import where
from ostinato.errors import UnencodableError, UnreadableError, UserError
from ostinato.stages.encoding import need, read_split
from ostinato.stages.workspace import Workspace
from ostinato.wording import quantity

if TYPE_CHECKING:
    from ostinato.data.segments import SegmentBatch
    from ostinato.models.bundle import Bundle
    from ostinato.models.variational.vae import VAE
    from ostinato.music.piece import Piece
    from ostinato.representations.bar_grid import BarGrid
    from ostinato.sampling.settings import Sampling

TEST = "test"


def given_segments(
    sampling: "Sampling", bundle: "Bundle", workspace: Workspace
) -> "SegmentBatch | None":
    """The first segments of the music that the settings name; None where they name none.

    Raises `UserError` for a model that finds no latent vectors, and for music without segments.
    """
    import torch

    from ostinato.data.segments import SegmentBatch
    from ostinato.models.variational.vae import VAE
    from ostinato.representations.bar_grid import BarGrid

    network, representation = bundle.network, bundle.representation
    if not sampling.given:
        return None
    if not isinstance(network, VAE) or not isinstance(representation, BarGrid):
        raise UserError(
            f"this sampling begins with given music, and model={bundle.config['choices']['model']} "
            "finds no latent vectors of it: train model=vae."
        )
    names = ("from", "to") if len(sampling.given) > 1 else ("piece",)
    if sampling.given == (TEST,):
        found = _of_test(sampling.pieces, network, representation, workspace)
    else:
        pairs = zip(sampling.given, names, strict=True)
        found = [_of_file(path, name, network, representation) for path, name in pairs]
    return SegmentBatch(
        torch.cat([one.pitch for one in found]), torch.cat([one.onset for one in found])
    )


def _of_file(path: str, name: str, network: "VAE", representation: "BarGrid") -> "SegmentBatch":
    from ostinato.data.segments import first_of

    bars, (low, high) = network.shape.bars, network.pitch_range
    try:
        piece = read_piece(path, name)
        found = first_of(piece, representation, bars, (low, high))
    except UnencodableError as error:
        raise UserError(
            f"sampling.{name}={where(Path(path))} cannot be used: as {representation.name} the "
            f"piece {error}."
        ) from error
    if found is None:
        raise UserError(
            f"sampling.{name}={where(Path(path))} cannot be used: it has no "
            f"{quantity(bars, 'bar')} of {representation.bar_steps} steps in a row in which "
            f"something sounds, from pitch {low} to {high}."
        )
    return found


def _of_test(
    count: int, network: "VAE", representation: "BarGrid", workspace: Workspace
) -> "list[SegmentBatch]":
    """Of at most so many test pieces that have one."""
    from ostinato.data.segments import first_of

    found: list[SegmentBatch] = []
    for piece in test_pieces(workspace):
        try:
            segment = first_of(piece, representation, network.shape.bars, network.pitch_range)
        except UnencodableError:
            continue
        found += [] if segment is None else [segment]
        if len(found) == count:
            break
    if not found:
        raise UserError(
            "no segment of the test pieces can be cut: give a music file, sampling.piece=my.mid."
        )
    return found


def test_pieces(workspace: Workspace) -> "Iterable[Piece]":
    """The pieces of the test split."""
    from ostinato.corpora.store import PieceStore

    return PieceStore(need(workspace.pieces, "preprocess")).only(read_split(workspace)[TEST])


def first_bars(piece: "Piece", bars: int) -> "Piece":
    """Return the first whole bars of a piece, and its pickup."""
    from ostinato.music.picture import has_pickup

    lines, bars = piece.barlines(), bars + has_pickup(piece)
    return piece.cropped(0, int(lines[bars]) if bars < len(lines) else piece.end)


def read_piece(path: str, name: str) -> "Piece":
    """A piece of a music file, which `sampling.name` gives; raises `UserError` in a sentence."""
    from ostinato.music.reading import read

    if not Path(path).is_file():
        raise UserError(
            f"sampling.{name}={where(Path(path))} is not there: give a music file, or `test`."
        )
    try:
        return next(iter(read(Path(path))))
    except UnreadableError as error:
        raise UserError(f"sampling.{name}={where(Path(path))} cannot be read: {error}.") from error
