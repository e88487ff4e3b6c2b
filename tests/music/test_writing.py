"""What is written as MIDI is read back as the same music."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ostinato.music.piece import KEY_SIGNATURE, NOTE, TEMPO, TIME_SIGNATURE, Piece, array
from ostinato.music.reading import read_midi
from ostinato.music.writing import write_midi


def test_a_chorale_survives_midi(bach: list[Piece], tmp_path: Path) -> None:
    for piece in bach:
        path = tmp_path / f"{piece.name}.mid"
        write_midi(piece, path)
        again = read_midi(path)
        assert again.name == piece.name
        assert again.resolution == piece.resolution
        assert again.track_names == piece.track_names
        assert np.array_equal(again.time_signatures, piece.time_signatures)
        assert np.array_equal(again.key_signatures, piece.key_signatures)
        columns = ["onset", "pitch", "track", "velocity", "program", "drum"]
        assert np.array_equal(again.notes[columns], piece.notes[columns])


def test_written_music_is_written_again_byte_for_byte(bach: list[Piece], tmp_path: Path) -> None:
    for piece in bach:
        first, second = tmp_path / "a.mid", tmp_path / "b.mid"
        write_midi(piece, first)
        write_midi(read_midi(first), second)
        assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("fifths", range(-7, 8))
def test_every_key_can_be_written(fifths: int, tmp_path: Path) -> None:
    notes = array(NOTE, onset=0, duration=4, pitch=60, velocity=80)
    keys = array(KEY_SIGNATURE, onset=[0, 4], fifths=[fifths, -fifths], minor=[False, True])
    keys = keys if fifths else keys[:1]
    path = tmp_path / "key.mid"
    write_midi(Piece("x", 4, notes, key_signatures=keys), path)
    assert np.array_equal(read_midi(path).key_signatures, keys)


def test_tempo_metre_drums_and_programs_survive(tmp_path: Path) -> None:
    notes = array(
        NOTE,
        onset=[0, 0, 24, 48],
        duration=[24, 24, 12, 6],
        pitch=[60, 36, 64, 38],
        velocity=[1, 127, 64, 90],
        program=[40, 0, 40, 0],
        drum=[False, True, False, True],
        track=[0, 1, 0, 1],
    )
    piece = Piece(
        "band",
        24,
        notes,
        tempos=array(TEMPO, onset=[0, 48], qpm=[120.0, 75.0]),
        time_signatures=array(TIME_SIGNATURE, onset=[0, 48], numerator=[2, 6], denominator=[4, 8]),
        track_names=("Violin", "Drums"),
    )
    path = tmp_path / "band.mid"
    write_midi(piece, path)
    assert read_midi(path) == piece


def test_a_failed_write_leaves_the_old_file(bach: list[Piece], tmp_path: Path) -> None:
    path = tmp_path / "x.mid"
    write_midi(bach[0], path)
    before = path.read_bytes()
    with pytest.raises(Exception, match=r".+"):
        write_midi(replace(bach[1], resolution="no number"), path)  # type: ignore[arg-type]
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
