"""ABC music: text is scanned and unrolled here, abc2midi gives it pitches and times."""

from ostinato.music.abc.files import read_text, tunes
from ostinato.music.abc.tune import read_tune
from ostinato.music.abc.writing import abc_text, is_melody, write_abc

__all__ = ["abc_text", "is_melody", "read_text", "read_tune", "tunes", "write_abc"]
