"""Prompts, from files or from pieces of the test split."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ostinato import console
from ostinato.console import where
from ostinato.errors import UnencodableError, UnreadableError, UserError
from ostinato.music.piece import Piece
from ostinato.music.tracks import merge_tracks
from ostinato.representations.base import Representation
from ostinato.representations.voices import Voices
from ostinato.sampling.settings import Sampling

TEST = "test"  # the value of a setting that stands for pieces of the test split
Encode = Callable[[Piece, int], Any]


@dataclass(frozen=True)
class Prompt:
    """The beginning of a piece, and its `steps`: tokens or frames, as it was encoded."""

    piece: Piece
    steps: Any


def find_prompts(
    settings: Sampling,
    test_pieces: Callable[[], Iterable[Piece]],
    encode: Encode,
    representation: Representation,
) -> list[Prompt]:
    """Return the beginnings to continue, as many as pieces are asked for where they are of the test
    split.

    `encode` is called once with each, and with the tick at which it ends, which silence may come
    before. It raises `UnencodableError` for one that cannot be continued: those of the test split
    are passed over then. A file of several tracks, where the representation writes one of several
    voices, is put into one, and a warning says so.
    Raises `UserError` for a file that cannot be a prompt, and where no piece of the test split can.
    """
    from_test, name = settings.prompt == TEST, representation.name
    pieces = test_pieces() if from_test else [_read_prompt(str(settings.prompt), representation)]
    prompts: list[Prompt] = []
    for piece in pieces:
        end = bars_end(piece, settings.prompt_bars)
        beginning = piece.cropped(0, end)
        try:
            prompts.append(Prompt(beginning, encode(beginning, end)))
        except UnencodableError as error:
            if not from_test:
                raise UserError(
                    f"{console.where(Path(str(settings.prompt)))} cannot be a prompt: as {name} "
                    f"the piece {error}."
                ) from error
            continue
        if len(prompts) == settings.pieces:
            break
    if not prompts:
        raise UserError(
            f"no piece of the test split can be a prompt as {name}: give a MIDI file, "
            "sampling.prompt=my.mid."
        )
    return prompts


def _read_prompt(path: str, representation: Representation) -> Piece:
    """Return the piece of a file, in one track where the representation writes one of voices."""
    piece = read_piece(path, "prompt")
    tracks = len(piece.pitched_tracks)
    if not isinstance(representation, Voices) or len(representation.by_track) > 1 or tracks < 2:
        return piece
    console.warn(
        f"the {tracks} tracks of {where(Path(path))} are put into one, as the model has one track."
    )
    return merge_tracks(piece)


def describe_source(settings: Sampling, prompt: Piece | None) -> str:
    """Return a description of where a prompt, or the music that is encoded, is from."""
    named = settings.prompt if prompt is not None else next(iter(settings.conditions), None)
    if named == TEST:
        return f"{'a piece' if prompt is None else prompt.name} of the test split"
    return Path(named).name if named else ""


def crop_bars(piece: Piece, bars: int) -> Piece:
    """Return the first whole bars of a piece, and its pickup."""
    return piece.cropped(0, bars_end(piece, bars))


def bars_end(piece: Piece, bars: int) -> int:
    """Return the tick at which so many bars end, a pickup besides; at most the last note's end."""
    from ostinato.music.picture import has_pickup

    lines, bars = piece.barlines(), bars + has_pickup(piece)
    return int(lines[bars]) if bars < len(lines) else piece.end


def read_piece(path: str, name: str) -> Piece:
    """Return the piece of a music file that `sampling.name` gives; raises `UserError`."""
    from ostinato.music.reading import read

    if not Path(path).is_file():
        raise UserError(
            f"sampling.{name}={where(Path(path))} is not there: give a music file, or `test`."
        )
    try:
        return next(iter(read(Path(path))))
    except UnreadableError as error:
        raise UserError(f"sampling.{name}={where(Path(path))} cannot be read: {error}.") from error
