"""Segments of given music that a variational autoencoder varies or goes between."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato.console import where
from ostinato.errors import UnencodableError, UserError
from ostinato.methods.base import TEST, SamplingTask
from ostinato.sampling.prompts import describe_source, read_piece
from ostinato.wording import quantity

if TYPE_CHECKING:
    from ostinato.data.segments import SegmentBatch
    from ostinato.models.variational.vae import VAE
    from ostinato.music.page import Given


def read_segments(task: SamplingTask) -> "SegmentBatch":
    """Return the first segment of each piece of music that the settings name.

    Raises `UserError` for music without segments.
    """
    import torch

    from ostinato.data.segments import SegmentBatch

    settings = task.settings
    network: Any = task.bundle.network
    names = ("start", "to") if len(settings.conditions) > 1 else ("piece",)
    if settings.conditions == (TEST,):
        found = _of_test(task, network)
    else:
        pairs = zip(settings.conditions, names, strict=True)
        found = [_of_file(path, name, network, task.bundle.representation) for path, name in pairs]
    return SegmentBatch(
        torch.cat([one.pitch for one in found]), torch.cat([one.onset for one in found])
    )


def mark_varied(task: SamplingTask) -> "Given | None":
    """Return how long the given segment is with which each piece begins; None where none does."""
    import numpy as np

    from ostinato.music.page import Given
    from ostinato.sampling.settings import AttributeSampling

    settings = task.settings
    is_varied = settings.interpolation_steps is None and not isinstance(settings, AttributeSampling)
    if not (settings.conditions and is_varied):
        return None
    network: Any = task.bundle.network
    representation = task.bundle.representation
    shape = (0, representation.size) if representation.kind == "frames" else (0,)
    resolution = representation.decode(np.zeros(shape, np.uint16)).resolution
    quarters = network.shape.steps / network.shape.beat
    return Given(describe_source(settings, None), round(quarters * resolution))


def _of_file(path: str, name: str, network: "VAE", representation: Any) -> "SegmentBatch":
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


def _of_test(task: SamplingTask, network: "VAE") -> "list[SegmentBatch]":
    """Of at most so many test pieces that have one."""
    from ostinato.data.segments import first_of

    representation: Any = task.bundle.representation
    found: list[SegmentBatch] = []
    for piece in task.test_pieces():
        try:
            segment = first_of(piece, representation, network.shape.bars, network.pitch_range)
        except UnencodableError:
            continue
        found += [] if segment is None else [segment]
        if len(found) == task.settings.pieces:
            break
    if not found:
        raise UserError(
            "no segment of the test pieces can be cut: give a music file, sampling.piece=my.mid."
        )
    return found
