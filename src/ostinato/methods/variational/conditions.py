"""Segments of given music that a variational autoencoder varies or goes between."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato.console import where
from ostinato.errors import UnencodableError, UserError
from ostinato.methods.base import TEST, SamplingTask
from ostinato.sampling.prompts import describe_source, read_piece
from ostinato.wording import quantity

if TYPE_CHECKING:
    from ostinato.models.variational.vae import VAE
    from ostinato.music.page import Given
    from ostinato.representations.voice_roll import VoiceRoll


def read_segments(task: SamplingTask) -> "VoiceRoll":
    """Return the first segment of each piece of music that the settings name.

    Raises `UserError` for music without segments.
    """
    from ostinato.representations.voice_roll import concatenate

    settings = task.settings
    network: Any = task.bundle.network
    names = ("start", "to") if len(settings.conditions) > 1 else ("piece",)
    if settings.conditions == (TEST,):
        found = _read_test_pieces(task, network)
    else:
        pairs = zip(settings.conditions, names, strict=True)
        found = [
            _read_file(path, name, network, task.bundle.representation) for path, name in pairs
        ]
    return concatenate(found)


def mark_varied(task: SamplingTask) -> "Given | None":
    """Return how long the given segment is with which each piece begins; None where none does."""
    import numpy as np

    from ostinato.music.page import Given
    from ostinato.sampling.latent_settings import LatentSampling
    from ostinato.sampling.settings import AttributeSampling

    settings, others = task.settings, (AttributeSampling, LatentSampling)
    is_varied = settings.interpolation_steps is None and not isinstance(settings, others)
    if not (settings.conditions and is_varied):
        return None
    network: Any = task.bundle.network
    representation = task.bundle.representation
    shape = (0, representation.size) if representation.kind == "frames" else (0,)
    resolution = representation.decode(np.zeros(shape, np.uint16)).resolution
    quarters = network.spec.steps / network.spec.beat_steps
    return Given(describe_source(settings, None), round(quarters * resolution))


def _read_file(path: str, name: str, network: "VAE", representation: Any) -> "VoiceRoll":
    from ostinato.data.segments import first_segment

    bars, (low, high) = network.spec.bars, network.pitch_range
    try:
        piece = read_piece(path, name)
        found = first_segment(piece, representation, bars, (low, high))
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


def _read_test_pieces(task: SamplingTask, network: "VAE") -> "list[VoiceRoll]":
    """Return the first segment of each of at most so many test pieces that have one."""
    from ostinato.data.segments import first_segment

    representation: Any = task.bundle.representation
    found: list[VoiceRoll] = []
    for piece in task.test_pieces():
        try:
            segment = first_segment(piece, representation, network.spec.bars, network.pitch_range)
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
