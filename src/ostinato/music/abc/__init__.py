"""ABC music: text is scanned and unrolled here, abc2midi gives it pitches and times."""

from ostinato.music.abc.files import read_text, tunes
from ostinato.music.abc.tune import read_tune

__all__ = ["read_text", "read_tune", "tunes"]
