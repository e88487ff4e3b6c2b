"""What is written as MIDI is read back as the same music."""

from dataclasses import replace
from pathlib import Path

import mido
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


def heard(path: Path) -> list[tuple[int, int, int, int]]:
    """What a player sounds: tick, pitch, program, whether it is a drum, chunks merged by time."""
    timed = []
    for number, track in enumerate(mido.MidiFile(path).tracks):
        tick = 0
        for order, message in enumerate(track):
            tick += message.time
            timed.append((tick, number, order, message))
    programs: dict[int, int] = {}
    sounds = []
    for tick, _, _, message in sorted(timed, key=lambda event: event[:3]):
        if message.type == "program_change":
            programs[message.channel] = message.program
        elif message.type == "note_on" and message.velocity:
            drum = message.channel == 9
            sounds.append((tick, message.note, programs.get(message.channel, 0), int(drum)))
    return sorted(sounds)


def orchestra(programs: list[int], drums: int = 0, seed: int = 0) -> Piece:
    """Thirty notes for each instrument, each with pitches of its own; the first are drums."""
    random = np.random.default_rng(seed)
    tracks = np.repeat(np.arange(len(programs)), 30)
    onset = np.tile(np.arange(30) * 24, len(programs)) + random.integers(0, 24, len(tracks))
    notes = array(
        NOTE,
        onset=onset,
        duration=random.integers(1, 60, len(tracks)),
        pitch=20 + 2 * tracks,
        velocity=80,
        program=np.array(programs)[tracks],
        drum=tracks < drums,
        track=tracks,
    )
    for track in range(len(programs)):  # one note at a time
        own = np.flatnonzero(tracks == track)
        gaps = np.diff(onset[own], append=2000)
        notes["duration"][own] = np.minimum(notes["duration"][own], np.maximum(gaps, 1))
    names = tuple(f"part {n}" for n in range(len(programs)))
    tempo = array(TEMPO, onset=0, qpm=100.0)
    return Piece("orchestra", 24, notes, tempo, track_names=names)


@pytest.mark.parametrize(
    ("programs", "drums"),
    [
        ([*range(0, 80, 5)], 0),  # sixteen
        ([*range(0, 128, 3)], 0),
        ([*range(0, 40, 2), *range(0, 40, 2)], 0),  # two of each
        ([0, 8, 16, *range(30)], 3),  # drum kits
        ([0] * 40, 0),
    ],
)
def test_every_note_sounds_with_its_program_however_many_instruments_play(
    programs: list[int], drums: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    piece = orchestra(programs, drums)
    path = tmp_path / "orchestra.mid"
    write_midi(piece, path)
    columns = piece.notes[["onset", "pitch", "program", "drum"]]
    assert heard(path) == sorted(tuple(int(v) for v in row) for row in columns.tolist())
    assert read_midi(path) == piece
    assert "warning" not in capsys.readouterr().err
    first = path.read_bytes()
    write_midi(read_midi(path), path)
    assert path.read_bytes() == first


def test_notes_that_must_share_a_pitch_and_a_channel_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    piece = orchestra([*range(17)])
    notes = piece.notes.copy()
    notes["onset"], notes["duration"], notes["pitch"] = 0, 24, 60 + np.arange(len(notes)) // 17 % 30
    piece = replace(piece, notes=np.unique(notes))
    write_midi(piece, tmp_path / "x.mid")
    said = " ".join(capsys.readouterr().err.split())
    assert "x.mid has more instruments than the 15 channels of MIDI" in said
    assert "share pitch and channel with another" in said
    assert read_midi(tmp_path / "x.mid") == piece


def test_a_track_that_changes_its_program_sounds_with_both(tmp_path: Path) -> None:
    piece = orchestra([0])
    notes = piece.notes.copy()
    notes["program"][15:] = 40
    write_midi(replace(piece, notes=notes), tmp_path / "x.mid")
    assert [program for _, _, program, _ in heard(tmp_path / "x.mid")] == [0] * 15 + [40] * 15


def test_a_failed_write_leaves_the_old_file(bach: list[Piece], tmp_path: Path) -> None:
    path = tmp_path / "x.mid"
    write_midi(bach[0], path)
    before = path.read_bytes()
    with pytest.raises(Exception, match=r".+"):
        write_midi(replace(bach[1], resolution="no number"), path)  # type: ignore[arg-type]
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
