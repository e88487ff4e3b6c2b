"""Pieces as sound: rendered by symusic's synthesizer, written as WAV and MP3."""

import importlib.util
import io
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import symusic
from numpy.typing import NDArray

from ostinato.errors import UserError
from ostinato.files import atomic_file
from ostinato.music import conversion
from ostinato.music.piece import Piece

SAMPLE_RATE = 22050
PEAK = 10 ** (-1 / 20)  # -1 dBFS: full scale itself can clip in a lossy codec
SILENCE = 1e-4  # -80 dBFS
TAIL = 2.0  # seconds in which the last notes may ring out
HIGHEST = 88  # E6: some instruments' notes from 92 on never end in symusic 0.5.9, which hangs
PIANOS = 6  # programs 0 to 6, whose high notes do end
PAUSE = 0.25  # seconds of silence kept after the last sound

Samples = NDArray[np.float32]


def render(piece: Piece, soundfont: Path | None = None, sample_rate: int = SAMPLE_RATE) -> Samples:
    """Return the sound of a piece: (samples, 1), peak at -1 dBFS.

    Time 0 is tick 0. The sound ends shortly after the last note has rung out. It is mono: symusic
    places every instrument in the middle, so that a second channel would repeat the first. Notes
    above E6 sound octaves lower, but on pianos: symusic cannot play them on every instrument.
    `soundfont` defaults to the General MIDI set that pretty_midi carries.

    Raises `UserError` for a soundfont that is missing or is none.
    """
    if not len(piece.notes):
        return np.zeros((round(TAIL * sample_rate), 1), np.float32)
    synthesizer = _synthesizer(soundfont or default_soundfont(), sample_rate)
    wave = _synthesize(piece, synthesizer, _stop(piece), sample_rate)
    gain, length = _level(wave, sample_rate)
    return (wave * gain)[:length, None]


def render_tracks(
    piece: Piece, soundfont: Path | None = None, sample_rate: int = SAMPLE_RATE
) -> dict[int, Samples]:
    """Return the sound of each track that has notes: what `render` gives is their sum."""
    tracks = np.unique(piece.notes["track"]).tolist()
    if not tracks:
        return {}
    synthesizer, stop = _synthesizer(soundfont or default_soundfont(), sample_rate), _stop(piece)
    alone = {track: replace(piece, notes=piece.track(track)) for track in tracks}
    waves = {t: _synthesize(p, synthesizer, stop, sample_rate) for t, p in alone.items()}
    gain, length = _level(np.sum(list(waves.values()), axis=0), sample_rate)
    return {track: (wave * gain)[:length, None] for track, wave in waves.items()}


def _stop(piece: Piece) -> float:
    """Return the time in seconds at which the sound of a piece is cut off."""
    return float(conversion.to_symusic(piece).to("second").end()) + TAIL


def _synthesize(piece: Piece, synthesizer: Any, stop: float, sample_rate: int) -> Samples:
    """Return the sound of a piece up to a time: (samples,), as loud as the synthesizer makes it."""
    score = conversion.to_symusic(_playable(piece)).to("second")
    # the synthesizer stops with the last note: one that is cut off again makes room for the tail
    score.tracks[0].notes.append(symusic.Note(stop, 0.01, 60, 1, ttype="second"))
    wave: Samples = synthesizer.render(score, stereo=False)[0, : int(stop * sample_rate)]
    return wave


def _level(wave: Samples, sample_rate: int) -> tuple[np.float32, int]:
    """Return by what to multiply a sound, and at which sample it has rung out."""
    peak = float(np.abs(wave).max(initial=0))
    if peak < SILENCE:
        return np.float32(1), len(wave)
    gain = np.float32(PEAK / peak)
    last = int(np.flatnonzero(np.abs(wave * gain) > SILENCE)[-1])
    return gain, last + round(PAUSE * sample_rate)


def _playable(piece: Piece) -> Piece:
    notes = piece.notes.copy()
    pitch = notes["pitch"].astype(np.int64)
    high = (pitch > HIGHEST) & ~notes["drum"] & (notes["program"] > PIANOS)
    notes["pitch"] = pitch - 12 * (high * -((HIGHEST - pitch) // 12))
    return replace(piece, notes=notes)


def default_soundfont() -> Path:
    """Return the General MIDI soundfont that the pretty_midi package carries."""
    package = importlib.util.find_spec("pretty_midi")  # found, not imported: importing is slow
    if package is None or package.origin is None:
        raise UserError("no soundfont: install pretty_midi, which has one, or name an .sf2 file")
    return Path(package.origin).parent / "TimGM6mb.sf2"


def check_soundfont(soundfont: Path, sample_rate: int = SAMPLE_RATE) -> None:
    """Raise `UserError` for a soundfont that is missing or is none."""
    _synthesizer(soundfont, sample_rate)


def is_silent(samples: Samples) -> bool:
    """Return whether nothing in (samples, channels) is louder than -80 dBFS."""
    return bool(np.abs(samples).max(initial=0) <= SILENCE)


def write_wav(path: Path, samples: Samples, sample_rate: int = SAMPLE_RATE) -> None:
    """Write (samples, channels) between -1 and 1 as 16-bit PCM."""
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, samples, sample_rate, format="WAV", subtype="PCM_16")
    with atomic_file(path) as part:
        part.write_bytes(file.getvalue())  # which says why, where soundfile cannot write


def read_wav(path: Path) -> tuple[Samples, int]:
    """Return the sound of a WAV file, (samples, channels) between -1 and 1, and its sample rate."""
    import soundfile

    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return samples, int(rate)


def mp3_bytes(
    samples: Samples, sample_rate: int = SAMPLE_RATE, compression: float | None = None
) -> bytes:
    """Return (samples, channels) between -1 and 1 as MP3; the same samples give the same bytes.

    compression: from 0, the best, to 1, the smallest, at a variable bit rate; None: a constant one.
    """
    import soundfile

    file = io.BytesIO()
    variable = {"compression_level": compression, "bitrate_mode": "VARIABLE"}
    soundfile.write(
        file,
        samples,
        sample_rate,
        format="MP3",
        subtype="MPEG_LAYER_III",
        **({} if compression is None else variable),
    )
    return file.getvalue()


@lru_cache(maxsize=4)
def _synthesizer(soundfont: Path, sample_rate: int) -> Any:
    if not soundfont.is_file():
        raise UserError(f"there is no soundfont at {soundfont}: name an .sf2 file that is there")
    try:
        return symusic.Synthesizer(str(soundfont), sample_rate)
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{soundfont} is not a soundfont (.sf2 or .sf3): {reason}") from error
