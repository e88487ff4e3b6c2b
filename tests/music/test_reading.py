"""Files that are music are read whole; files that are not are refused, each with its reason."""

import struct
from pathlib import Path

import numpy as np
import pytest

from ostinato.errors import UnreadableError
from ostinato.music.piece import Piece
from ostinato.music.reading import SUFFIXES, music_files, read, read_midi
from ostinato.music.writing import write_midi

NOTE_ON, NOTE_OFF, END = b"\x00\x90\x3c\x50", b"\x60\x80\x3c\x00", b"\x00\xff\x2f\x00"


def chunk(events: bytes) -> bytes:
    return b"MTrk" + struct.pack(">I", len(events)) + events


def midi(*tracks: bytes, kind: int = 1, division: int = 96, promised: int | None = None) -> bytes:
    count = len(tracks) if promised is None else promised
    return b"MThd" + struct.pack(">IHHH", 6, kind, count, division) + b"".join(map(chunk, tracks))


GOOD = NOTE_ON + NOTE_OFF + END
BAD = {
    "empty (0 bytes)": b"",
    "does not begin with a MIDI header": b"RIFF of something else, long enough",
    "type-2": midi(GOOD, kind=2),
    "MIDI type 9 is unknown": midi(GOOD, kind=9),
    "resolution is 0": midi(GOOD, division=0),
    "SMPTE": midi(GOOD, division=0xE728),
    "no tracks": midi(),
    "1 of its 2 tracks": midi(GOOD, promised=2),
    "lacks 3 bytes": midi(GOOD)[:-3],
    "no notes": midi(END),
}


@pytest.mark.parametrize("reason", BAD)
def test_a_bad_midi_file_is_refused_with_its_reason(reason: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.mid"
    path.write_bytes(BAD[reason])
    with pytest.raises(UnreadableError) as refused:
        list(read(path))
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_minimal_midi_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "one.mid"
    path.write_bytes(midi(GOOD))
    (piece,) = read(path)
    assert piece.name == "one"
    assert piece.resolution == 96
    assert piece.notes[["onset", "duration", "pitch", "velocity"]].tolist() == [(0, 96, 60, 80)]


def test_midi_inside_a_riff_is_read(tmp_path: Path) -> None:
    data = midi(GOOD)
    size = struct.pack("<I", len(data))
    path = tmp_path / "riff.mid"
    path.write_bytes(b"RIFF" + struct.pack("<I", len(data) + 12) + b"RMIDdata" + size + data)
    (piece,) = read(path)
    assert len(piece.notes) == 1


def test_no_mutation_of_a_midi_file_raises_anything_but_a_reason(
    bach: list[Piece], tmp_path: Path
) -> None:
    path = tmp_path / "x.mid"
    write_midi(bach[0], path)
    original = np.frombuffer(path.read_bytes(), np.uint8)
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(200):
        damaged = original.copy()
        places = random.integers(0, len(damaged), 8)
        damaged[places] = random.integers(0, 256, 8)
        path.write_bytes(damaged[: random.integers(len(damaged) // 2, len(damaged))].tobytes())
        try:
            piece = read_midi(path)
            assert len(piece.notes)
        except UnreadableError:
            refused += 1
    assert refused > 100


def test_what_is_no_music_file_is_refused_by_its_suffix(tmp_path: Path) -> None:
    path = tmp_path / "song.mp3"
    path.write_bytes(b"x")
    with pytest.raises(UnreadableError, match=r"\.mp3 is not one of \.mid"):
        list(read(path))
    assert ".mp3" not in SUFFIXES


@pytest.mark.parametrize("suffix", [".mxl", ".xml", ".musicxml"])
def test_what_is_no_score_is_refused(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"bad{suffix}"
    path.write_text("<html>not a score</html>")
    with pytest.raises(UnreadableError) as refused:
        list(read(path))
    assert str(refused.value)


def test_abc_chords_are_read_as_notes(tmp_path: Path) -> None:
    path = tmp_path / "tune.abc"
    path.write_text("X:1\nT:Chord\nM:4/4\nL:1/4\nK:C\n[CEG] C D E|\n")
    (piece,) = read(path)
    assert sorted(piece.notes["pitch"][piece.notes["onset"] == 0].tolist()) == [60, 64, 67]
    assert len(piece.notes) == 6


def test_every_tune_of_an_abc_file_is_a_piece(tmp_path: Path) -> None:
    path = tmp_path / "book.abc"
    tune = "X:{0}\nT:Tune {0}\nM:3/4\nL:1/4\nK:G\nG A B|d2 z|\n"
    path.write_text("\n".join(tune.format(n) for n in (1, 2)))
    pieces = list(read(path))
    assert [piece.name for piece in pieces] == ["book-0001", "book-0002"]
    assert [len(piece.notes) for piece in pieces] == [4, 4]


@pytest.mark.parametrize("suffix", [".kar", ".rmi", ".MID"])
def test_midi_by_another_suffix_is_read(suffix: str, tmp_path: Path) -> None:
    (tmp_path / f"song{suffix}").write_bytes(midi(GOOD))
    (path,) = music_files(tmp_path)
    assert [len(piece.notes) for piece in read(path)] == [1]


@pytest.mark.parametrize("filled", [True, False])
def test_chunks_of_odd_length_before_the_midi_in_a_riff_are_passed(
    filled: bool, tmp_path: Path
) -> None:
    data = midi(GOOD)
    before = b"DISP" + struct.pack("<I", 3) + b"abc" + bytes(filled)
    inside = b"RMID" + before + b"data" + struct.pack("<I", len(data)) + data
    path = tmp_path / "riff.rmi"
    path.write_bytes(b"RIFF" + struct.pack("<I", len(inside)) + inside)
    (piece,) = read(path)
    assert len(piece.notes) == 1


def test_a_longer_header_is_read_and_a_shorter_one_refused(tmp_path: Path) -> None:
    data, path = midi(GOOD), tmp_path / "x.mid"
    path.write_bytes(data[:4] + struct.pack(">I", 10) + data[8:14] + b"more" + data[14:])
    assert len(next(read(path)).notes) == 1
    path.write_bytes(data[:4] + struct.pack(">I", 4) + data[8:12] + data[14:])
    with pytest.raises(UnreadableError, match="its header has 4 bytes: 6 are needed"):
        list(read(path))


LOOKS = {
    "score.mscz": b"PK",
    "song.gp5": b"\x18FICHIER",
    "song.mid.bak": midi(GOOD),
    "no suffix": midi(GOOD),
    "tunes.txt": b"% from a book\nX:1\nT:Tune\nK:C\nCDE|\n",
    "score.xml.old": b"<?xml version='1.0'?>\n<!DOCTYPE x>\n<score-partwise/>",
}


def test_what_looks_like_music_is_never_passed_over_without_a_reason(tmp_path: Path) -> None:
    for name, data in LOOKS.items():
        (tmp_path / name).write_bytes(data)
    for name in ("README.txt", "cover.jpg", "._song.mid"):
        (tmp_path / name).write_bytes(b"X: nothing of ours")
    found = {path.name: path for path in music_files(tmp_path)}
    assert set(found) == set(LOOKS)
    reasons = {}
    for name, path in found.items():
        with pytest.raises(UnreadableError) as refused:
            list(read(path))
        reasons[name] = str(refused.value)
    assert reasons["score.mscz"].endswith(": export it from MuseScore as MusicXML or MIDI")
    assert reasons["song.mid.bak"].endswith(", though it begins as MIDI does: rename it")
    assert reasons["tunes.txt"].endswith(", though it begins as ABC does: rename it")
    assert reasons["score.xml.old"].endswith(", though it begins as MusicXML does: rename it")


def test_tempo_metre_and_key_after_the_last_note_are_no_music(tmp_path: Path) -> None:
    late = (
        b"\x87\x40\xff\x51\x03\x07\xa1\x20\x00\xff\x58\x04\x03\x02\x18\x08\x00\xff\x59\x02\x00\x00"
    )
    path = tmp_path / "late.mid"
    path.write_bytes(midi(NOTE_ON + NOTE_OFF + late + END))
    (piece,) = read(path)
    assert piece.end == 96
    assert not len(piece.tempos) + len(piece.time_signatures) + len(piece.key_signatures)
