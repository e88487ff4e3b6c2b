"""Reading Humdrum **kern scores by music21."""

import warnings
from pathlib import Path

from ostinato.errors import UnreadableError
from ostinato.music import limits
from ostinato.music.music21_parts import from_parts
from ostinato.music.piece import Piece


def read_kern(path: Path, name: str) -> Piece:
    """Return a score as a piece at 480 ticks per quarter, its spines as tracks, highest first.

    Raises `UnreadableError`, with the reason, for a file that is not readable **kern.
    """
    from music21 import converter

    limits.check_length(path.stat().st_size, limits.LARGEST_TEXT, "it")
    try:
        with limits.cpu_seconds(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            score = converter.parse(path, format="humdrum", forceSource=True, storePickle=False)
            return from_parts(list(score.parts), name)
    except UnreadableError:
        raise
    except Exception as error:  # music21 lets through whatever its parser meets
        raise UnreadableError(f"not readable as **kern: {limits.one_line(error)}") from error
