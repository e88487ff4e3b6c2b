"""Sound of a listening test: each piece equally loud, cut to the same length, as MP3."""

from dataclasses import dataclass

import numpy as np

from ostinato.music import sound
from ostinato.music.piece import Piece

LOUDNESS = 10 ** (-23 / 20)  # root mean square of what sounds: -23 dBFS
FADE = 0.5  # seconds at the end of a piece that is cut
COMPRESSION = 0.6  # of the MP3, variable bit rate


@dataclass(frozen=True)
class Recording:
    """A piece as MP3, with its length in seconds."""

    mp3: bytes
    seconds: float


def record(piece: Piece, most: float) -> Recording:
    """Return the sound of a piece, up to so many seconds; its end is faded out where it is cut.

    All are rendered alike, whatever sound lies beside the samples, and are equally loud by their
    root mean square: a louder piece would be preferred.
    """
    samples = sound.render(piece)
    rate = sound.SAMPLE_RATE
    length = round(most * rate)
    if len(samples) > length:
        samples = samples[:length].copy()
        fade = min(length, round(FADE * rate))
        samples[length - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None]
    return Recording(
        sound.mp3_bytes(level(samples), rate, COMPRESSION), round(len(samples) / rate, 3)
    )


def level(samples: sound.Samples) -> sound.Samples:
    """Return (samples, channels) at the loudness of all; peaks stay below full scale."""
    heard = np.abs(samples) > sound.SILENCE
    if not heard.any():
        return samples
    loudness = float(np.sqrt(np.mean(np.square(samples[heard], dtype=np.float64))))
    gain = min(LOUDNESS / loudness, sound.PEAK / float(np.abs(samples).max()))
    return samples * np.float32(gain)
