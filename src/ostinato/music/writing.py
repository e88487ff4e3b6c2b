"""Writing pieces as MIDI."""

from pathlib import Path

from ostinato import console
from ostinato.files import atomic_file
from ostinato.music import conversion
from ostinato.music.channels import PITCHED, share_channels
from ostinato.music.piece import Piece


def write_midi(piece: Piece, path: Path) -> None:
    """Write a type-1 MIDI file; the same piece gives the same bytes.

    Says how many notes may end too early where more instruments play than there are channels.
    """
    data, clashes = _as_midi(piece)
    with atomic_file(path) as part:
        part.write_bytes(data)
    if clashes:
        console.warn(
            f"{path.name} has more instruments than the {len(PITCHED)} channels of MIDI: {clashes} "
            "of its notes share pitch and channel with another and may end when that one does."
        )


def midi_bytes(piece: Piece) -> bytes:
    """Return the bytes that `write_midi` writes."""
    return _as_midi(piece)[0]


def _as_midi(piece: Piece) -> tuple[bytes, int]:
    data = conversion.to_symusic(piece).dumps_midi()
    return share_channels(data, conversion.parts_of(piece))
