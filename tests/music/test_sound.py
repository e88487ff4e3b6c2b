"""What a piece sounds like."""

import hashlib
import io
import subprocess
import sys
import typing
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ostinato.config.instantiate import configurable
from ostinato.errors import UserError
from ostinato.music import sound
from ostinato.music.piece import NOTE, TEMPO, Piece, array
from ostinato.sampling.settings import Sampling

RATE = sound.SAMPLE_RATE
FLUTE = 73  # sustains while it sounds, so that its pitch can be measured


def tone(*pitches: int, onset: int = 0) -> Piece:
    onsets = [onset + 4 * i for i in range(len(pitches))]
    notes = array(NOTE, onset=onsets, duration=4, pitch=list(pitches), velocity=100, program=FLUTE)
    return Piece("tone", 4, notes, tempos=array(TEMPO, onset=0, qpm=60.0))


def frequency(samples: sound.Samples) -> float:
    """The fundamental, in Hz: the period after which the wave is most like itself."""
    spectrum = np.fft.rfft(samples[:, 0], 2 * len(samples))
    likeness = np.fft.irfft(np.abs(spectrum) ** 2)[: len(samples)]
    shortest = RATE // 1200
    return RATE / (shortest + int(np.argmax(likeness[shortest : RATE // 100])))


def sample_rates() -> tuple[int, ...]:
    """The sample rates that a config may ask for."""
    hint, _ = configurable(Sampling)["sample_rate"]
    return typing.get_args(typing.get_args(hint)[0])


@pytest.mark.parametrize("rate", sample_rates())
def test_every_sample_rate_that_a_config_takes_can_be_written(rate: int, tmp_path: Path) -> None:
    samples = sound.render(tone(60), sample_rate=rate)
    assert not sound.is_silent(samples)
    sound.write_wav(tmp_path / "tone.wav", samples, rate)
    (tmp_path / "tone.mp3").write_bytes(sound.mp3_bytes(samples, rate))
    for name in ("tone.wav", "tone.mp3"):
        written = soundfile.info(tmp_path / name)
        assert written.samplerate == rate
        assert written.duration == pytest.approx(len(samples) / rate, rel=0.1)


@pytest.mark.parametrize("rate", [44099, 10000, 96000])
def test_there_are_sample_rates_that_an_mp3_file_cannot_have(rate: int) -> None:
    assert rate not in sample_rates()
    with pytest.raises(RuntimeError):
        sound.mp3_bytes(sound.render(tone(60)), rate)


@pytest.mark.parametrize("pitch", [60, 69, 81])
def test_a_note_sounds_at_its_pitch(pitch: int) -> None:
    samples = sound.render(tone(pitch))
    expected = 440 * 2 ** ((pitch - 69) / 12)
    assert frequency(samples[RATE // 4 : RATE * 3 // 4]) == pytest.approx(expected, rel=0.03)


def test_notes_sound_when_the_tempo_says() -> None:
    samples = sound.render(tone(60, 72, onset=4))
    assert sound.is_silent(samples[: int(0.99 * RATE)])
    first, second = samples[RATE * 5 // 4 : RATE * 7 // 4], samples[RATE * 9 // 4 : RATE * 11 // 4]
    assert frequency(second) / frequency(first) == pytest.approx(2, rel=0.03)


def test_the_peak_is_one_decibel_below_full_scale(bach: list[Piece]) -> None:
    for piece in bach[:3]:
        samples = sound.render(piece)
        assert samples.dtype == np.float32
        assert samples.shape[1] == 1
        assert 20 * np.log10(np.abs(samples).max()) == pytest.approx(-1, abs=0.01)


def test_the_last_note_rings_out_and_then_it_ends(bach: list[Piece]) -> None:
    for piece in bach[:3]:
        samples = sound.render(piece)
        assert piece.seconds < len(samples) / RATE <= piece.seconds + sound.TAIL
        assert not sound.is_silent(samples[-int(0.3 * RATE) :])
        assert sound.is_silent(samples[-int(0.2 * RATE) :])


def test_a_piece_without_notes_is_silence() -> None:
    samples = sound.render(Piece("silence", 4, np.zeros(0, NOTE)))
    assert len(samples)
    assert sound.is_silent(samples)
    assert not sound.is_silent(sound.render(tone(60)))


def test_a_wav_holds_the_samples(tmp_path: Path) -> None:
    samples = sound.render(tone(60, 64, 67))
    sound.write_wav(tmp_path / "x.wav", samples)
    info = soundfile.info(tmp_path / "x.wav")
    assert (info.samplerate, info.channels, info.subtype) == (RATE, 1, "PCM_16")
    again, _ = soundfile.read(tmp_path / "x.wav", always_2d=True)
    assert again == pytest.approx(samples, abs=2 / 32768)


def test_an_mp3_sounds_alike_and_is_in_time() -> None:
    samples = sound.render(tone(60, 72, onset=4))
    decoded, rate = soundfile.read(io.BytesIO(sound.mp3_bytes(samples)), always_2d=True)
    assert rate == RATE
    assert len(decoded) == pytest.approx(len(samples), abs=0.1 * RATE)
    loud = [int(np.flatnonzero(np.abs(wave) > 0.1)[0]) / RATE for wave in (samples, decoded)]
    assert loud[1] == pytest.approx(loud[0], abs=0.02)


def test_the_same_piece_gives_the_same_bytes_in_another_process() -> None:
    script = (
        "import hashlib\n"
        "from ostinato.music import sound\n"
        "from ostinato.music.piece import NOTE, Piece, array\n"
        "notes = array(NOTE, onset=[0, 4], duration=4, pitch=[60, 67], velocity=90)\n"
        "samples = sound.render(Piece('x', 4, notes))\n"
        "print(hashlib.sha256(sound.mp3_bytes(samples)).hexdigest())\n"
    )
    notes = array(NOTE, onset=[0, 4], duration=4, pitch=[60, 67], velocity=90)
    sound.render(tone(50))  # what was rendered before must not matter
    mp3 = sound.mp3_bytes(sound.render(Piece("x", 4, notes)))
    command = [sys.executable, "-c", script]
    other = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert hashlib.sha256(mp3).hexdigest() == other


def test_a_soundfont_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"there is no soundfont at .*missing\.sf2"):
        sound.render(tone(60), tmp_path / "missing.sf2")


@pytest.mark.parametrize("cut", [0, 100, 5000])
def test_a_file_that_is_no_soundfont_is_refused(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "broken.sf2"
    path.write_bytes(sound.default_soundfont().read_bytes()[:cut])
    with pytest.raises(UserError, match=r"broken\.sf2 is not a soundfont"):
        sound.render(tone(60), path)


@pytest.mark.timeout(60)
def test_the_highest_notes_of_every_instrument_end() -> None:
    pitches = np.arange(89, 128)
    for program in (7, 13, 29, 30, 33, 69, 84, 110):
        notes = array(
            NOTE,
            onset=4 * np.arange(len(pitches)),
            duration=4,
            pitch=pitches,
            velocity=123,
            program=program,
        )
        assert not sound.is_silent(sound.render(Piece("high", 16, notes)))


def test_notes_too_high_for_an_instrument_sound_in_a_lower_octave() -> None:
    low, high = sound.render(tone(84)), sound.render(tone(96))
    assert np.array_equal(low, high)
    assert not np.array_equal(sound.render(tone(76)), sound.render(tone(88)))


def test_the_tracks_of_a_piece_add_up_to_it(short_chorales: list[Piece]) -> None:
    piece = short_chorales[0]
    alone = sound.render_tracks(piece)
    assert set(alone) == {0, 1, 2, 3}
    whole = sound.render(piece)
    assert {len(wave) for wave in alone.values()} == {len(whole)}
    assert np.allclose(sum(alone.values()), whole, atol=1e-5)
    assert all(np.abs(wave).max() > 0.05 for wave in alone.values())
