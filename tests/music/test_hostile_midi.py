"""MIDI files that were made to harm, or by accident could, are refused or lose only what harms."""

import struct
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from mutants import survives

from ostinato.errors import UnreadableError
from ostinato.music import limits
from ostinato.music.piece import Piece
from ostinato.music.reading import read_midi

NOTE = b"\x00\x90\x3c\x50\x60\x80\x3c\x00"
END = b"\x00\xff\x2f\x00"
LATEST = b"\xff\xff\xff\x7f"  # a delta time of 2^28 - 1 ticks
NOTHING = b"\xff\x01\x00"  # an event: a text of no characters


def midi(*tracks: bytes, division: int = 96) -> bytes:
    chunks = [b"MTrk" + struct.pack(">I", len(track)) + track for track in tracks]
    return b"MThd" + struct.pack(">IHHH", 6, 1, len(tracks), division) + b"".join(chunks)


def meta(kind: int, *data: int) -> bytes:
    return b"\x00\xff" + bytes([kind, len(data), *data])


def many(notes: int) -> bytes:
    """So many notes in running status, six bytes each."""
    first = b"\x00\x90\x3c\x50\x01\x3c\x00"
    return midi(first + b"\x00\x3c\x50\x01\x3c\x00" * (notes - 1) + END)


@pytest.fixture
def reading(tmp_path: Path) -> Callable[[bytes], Piece]:
    """Reads bytes as a MIDI file, and puts the piece through what stages do with one."""

    def read(data: bytes) -> Piece:
        path = tmp_path / "x.mid"
        path.write_bytes(data)
        piece = read_midi(path)
        survives(piece, tmp_path / "again.mid")
        return piece

    return read


REFUSED = {
    "notes at negative times": midi((LATEST + NOTHING) * 9 + NOTE + END),
    "it lasts 2796203": midi(NOTE[:4] + LATEST + NOTE[5:] + END),
    "it lasts 22369622": midi(*[(LATEST + NOTHING) * 7 + LATEST + NOTE[1:]] * 16),
    "it ends at tick": midi(LATEST + NOTE[1:] + END, division=0x7FFF),
    "a pitch of 255": midi(b"\x00\x90\xff\x50\x60\x80\xff\x00" + END),
    "a velocity of 255": midi(b"\x00\x90\x3c\xff\x60\x80\x3c\x00" + END),
    "a program of 255": midi(b"\x00\xc0\xff" + NOTE + END),
    "EOF in running status": midi(NOTE + b"\x00\x3c"),
    "Unexpected running status": midi(b"\x00\x3c\x50" + NOTE + END),
    "EOF in Meta Event": midi(b"\x00\xff\x01" + LATEST + NOTE + END),
    "EOF in SysEx Event": midi(b"\x00\xf0" + LATEST + NOTE + END),
    "no notes": midi(b"\x00\x90\x3c\x50" * 100 + END),
    "1001 tracks with notes": midi(*[NOTE + END] * 1001),
    "changes tempo, metre and key 100001 times": midi(meta(0x51, 7, 161, 32) * 100_001 + NOTE),
    "changes programs": midi(b"\x00\xc0\x01" * 100_000 + NOTE + END),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_cannot_be_music_is_refused(reason: str, reading: Callable[[bytes], Piece]) -> None:
    with pytest.raises(UnreadableError, match=reason):
        reading(REFUSED[reason])


@pytest.mark.parametrize("status", [0x80, 0x8F, 0x90, 0x9F])
@pytest.mark.parametrize("before", [b"", b"\xf0\x02\x01\xf7", b"\xff\x01\x02\x9f\xff", b"\xcf\x01"])
def test_a_pitch_beyond_midi_never_reaches_the_parser(
    status: int, before: bytes, reading: Callable[[bytes], Piece]
) -> None:
    """symusic would write outside its memory."""
    high = b"\x00" + bytes([status, 0xC1, 0x40])
    with pytest.raises(UnreadableError, match=r"a pitch of (193|128): MIDI's end at 127"):
        reading(midi((b"\x00" + before) * bool(before) + high * 1000 + b"\x00\x8f\x80\x01" + END))


def test_bytes_that_only_look_like_a_pitch_beyond_midi_are_read(
    reading: Callable[[bytes], Piece],
) -> None:
    text = meta(0x01, 0xE3, 0x81, 0x9F, 0xE3, 0x81, 0x8F, 0xE3)
    sysex = b"\x00\xf0\x03\x8f\x8f\xf7"
    late = b"\x9f\x9f\x00" + NOTE[1:]
    piece = reading(midi(text + sysex + NOTE + text + late + b"\x00\xcf\x05" + NOTE + END))
    assert len(piece.notes) == 3


@pytest.mark.parametrize("event", [b"\xf4", b"\x3c\x50", b"\x80\x80\x80\x80\x80\x00\x90\x3c\x50"])
def test_events_that_cannot_be_told_apart_are_refused(
    event: bytes, reading: Callable[[bytes], Piece]
) -> None:
    with pytest.raises(UnreadableError):
        reading(midi(b"\x00" + event + b"\x9f\xff" * 9 + NOTE + END))


def test_a_delta_time_cut_short_never_looks_at_what_lies_behind_the_file(
    reading: Callable[[bytes], Piece],
) -> None:
    for _ in range(100):
        with pytest.raises(UnreadableError, match="Get status code: 0 "):
            reading(midi(b"\xff\xff\xff"))


@pytest.mark.parametrize("microseconds", [0, 1, 5_999])
def test_a_tempo_too_fast_to_be_one_is_left_out(
    microseconds: int, reading: Callable[[bytes], Piece]
) -> None:
    piece = reading(midi(meta(0x51, *microseconds.to_bytes(3, "big")) + NOTE + END))
    assert len(piece.tempos) == 0


@pytest.mark.parametrize("microseconds", [6_000, 0xFFFFFF])
def test_the_extreme_tempos_are_kept(microseconds: int, reading: Callable[[bytes], Piece]) -> None:
    piece = reading(midi(meta(0x51, *microseconds.to_bytes(3, "big")) + NOTE + END))
    assert piece.tempos["qpm"].tolist() == [60_000_000 / microseconds]


@pytest.mark.parametrize(("numerator", "exponent"), [(0, 2), (4, 7), (4, 8), (4, 255)])
def test_a_time_signature_that_is_none_is_left_out(
    numerator: int, exponent: int, reading: Callable[[bytes], Piece]
) -> None:
    piece = reading(midi(meta(0x58, numerator, exponent, 24, 8) + NOTE + END))
    assert len(piece.time_signatures) == 0


def test_a_time_signature_whose_bar_is_shorter_than_a_tick_is_left_out(
    reading: Callable[[bytes], Piece],
) -> None:
    signature = meta(0x58, 1, 6, 24, 8)
    assert len(reading(midi(signature + NOTE + END, division=15)).time_signatures) == 0
    piece = reading(midi(signature + NOTE + END, division=16))
    assert piece.time_signatures.tolist() == [(0, 1, 64)]
    assert np.array_equal(piece.barlines(), np.arange(0x60))


@pytest.mark.parametrize("fifths", [8, 100, 128, 248])
def test_a_key_signature_of_more_than_seven_accidentals_is_left_out(
    fifths: int, reading: Callable[[bytes], Piece]
) -> None:
    assert len(reading(midi(meta(0x59, fifths, 0) + NOTE + END)).key_signatures) == 0


def test_changes_long_after_the_music_are_left_out(reading: Callable[[bytes], Piece]) -> None:
    piece = reading(midi(NOTE + LATEST + meta(0x51, 7, 161, 32)[1:] + END))
    assert len(piece.tempos) == 0


def test_a_track_name_of_any_bytes_and_length_is_read(
    reading: Callable[[bytes], Piece],
) -> None:
    long = b"\x00\xff\x03\xff\x7f" + b"n" * 0x3FFF
    odd = b"\x00\xff\x03\x06\xff\xfe\xe9a\x00b"
    piece = reading(midi(long + NOTE + END, odd + NOTE + END))
    assert piece.track_names[0] == "n" * 200
    assert piece.track_names[1].isprintable()


def test_ten_million_notes_are_refused_unread(reading: Callable[[bytes], Piece]) -> None:
    data = many(10_000_000)
    began = time.process_time()
    with pytest.raises(UnreadableError, match=r"it has 57\.2 MiB: up to 16 are read"):
        reading(data)
    assert time.process_time() - began < 2


def test_the_limit_is_where_it_says(reading: Callable[[bytes], Piece]) -> None:
    assert len(reading(many(limits.MOST_NOTES)).notes) == limits.MOST_NOTES
    with pytest.raises(UnreadableError, match="it has 1000001 notes: up to 1000000 are read"):
        reading(many(limits.MOST_NOTES + 1))
