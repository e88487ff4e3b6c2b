"""MIDI that symusic would misread sounds as a player plays it, and what was guessed is said."""

import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.errors import UnreadableError
from ostinato.music import midi_events, midi_repair, remarks
from ostinato.music.piece import Piece
from ostinato.music.reading import read_midi

ON, OFF, AGAIN = b"\x00\x90\x3c\x50", b"\x60\x80\x3c\x00", b"\x60\x90\x3c\x50"
END = b"\x00\xff\x2f\x00"
Read = Callable[..., Piece]


def midi(*tracks: bytes) -> bytes:
    chunks = [b"MTrk" + struct.pack(">I", len(track)) + track for track in tracks]
    return b"MThd" + struct.pack(">IHHH", 6, 1, len(tracks), 96) + b"".join(chunks)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(*tracks: bytes) -> Piece:
        (tmp_path / "x.mid").write_bytes(midi(*tracks))
        return read_midi(tmp_path / "x.mid")

    return read


def notes(piece: Piece) -> list[tuple[int, int, int]]:
    return [tuple(row) for row in piece.notes[["onset", "duration", "pitch"]].tolist()]


def test_a_note_without_an_end_sounds_to_the_end_of_its_track(read: Read) -> None:
    with remarks.collect() as made:
        assert notes(read(ON + b"\x60" + END[1:])) == [(0, 96, 60)]
    assert made == [
        "1 note has no end: it lasts until the pitch is struck again, or to the end of the track"
    ]


def test_where_the_track_ends_at_once_it_sounds_to_the_end_of_the_file(read: Read) -> None:
    other = b"\x00\x91\x40\x50" + b"\x60\x81\x40\x00" + END
    assert notes(read(b"\x20" + ON[1:] + END, other)) == [(0, 96, 64), (32, 64, 60)]


def test_a_note_struck_again_ends_there(read: Read) -> None:
    assert notes(read(ON + AGAIN + OFF + END)) == [(0, 96, 60), (96, 96, 60)]
    assert notes(read(ON + AGAIN + AGAIN + OFF + b"\x60" + END[1:])) == [
        (0, 96, 60),
        (96, 96, 60),
        (192, 96, 60),
    ]


def test_two_notes_that_overlap_and_both_end_are_left_alone(read: Read) -> None:
    with remarks.collect() as made:
        assert notes(read(ON + AGAIN + OFF + OFF + END)) == [(0, 192, 60), (96, 192, 60)]
    assert made == []


def test_a_note_struck_twice_at_once_with_one_end_is_one_note(read: Read) -> None:
    assert notes(read(ON + ON + OFF + END)) == [(0, 96, 60)]


def test_a_track_without_an_end_of_track_loses_no_note(read: Read) -> None:
    assert notes(read(ON + b"\x60\x90\x40\x50" + b"\x60\x80\x40\x00")) == [
        (0, 192, 60),
        (96, 96, 64),
    ]


@pytest.mark.parametrize("controller", [120, 123, 124, 127])
def test_a_controller_ends_all_notes_of_its_channel(controller: int, read: Read) -> None:
    silence = bytes([0x60, 0xB0, controller, 0])
    other = b"\x00\x91\x40\x50"
    ends = b"\x60\x81\x40\x00"
    assert notes(read(ON + other + silence + ends + END)) == [(0, 96, 60), (0, 192, 64)]
    with remarks.collect() as made:  # from another track, in running status
        control = bytes([0x60, 0xB0, 7, 100, 0, controller, 0]) + END
        assert notes(read(control, ON + b"\x83\x00" + END[1:])) == [(0, 96, 60)]
    assert made == []


def test_other_controllers_end_nothing(read: Read) -> None:
    assert notes(read(ON + bytes([0x30, 0xB0, 121, 0]) + b"\x30" + OFF[1:] + END)) == [(0, 96, 60)]


@pytest.mark.parametrize("packet", [b"\xf0\x03\x43\x12\x00", b"\xf0\x02\x43\xf7", b"\xf7\x01\xf7"])
def test_system_exclusive_packets_shift_nothing(packet: bytes, read: Read) -> None:
    between = b"\x30" + packet + b"\x30\xf7\x03\x43\x12\xf7"
    assert notes(read(between + ON + OFF + between + ON + OFF + END)) == [
        (96, 96, 60),
        (288, 96, 60),
    ]


def test_a_program_chosen_in_another_track_sounds(read: Read) -> None:
    chooses = b"\x00\xc0\x28" + b"\x81\x40\xc0\x29" + END
    piece = read(chooses, ON + OFF + b"\x60" + ON[1:] + OFF + END)
    assert piece.notes[["onset", "program"]].tolist() == [(0, 40), (192, 41)]


def test_a_program_of_its_own_goes_before_that_of_another_track(read: Read) -> None:
    own = b"\x60\xc0\x05" + ON + OFF + END
    piece = read(b"\x00\xc0\x28" + END, own, ON + OFF + END)
    assert piece.notes[["onset", "program"]].tolist() == [(0, 40), (96, 5)]


def test_a_pitch_beyond_midi_is_refused_here_too(read: Read) -> None:
    with pytest.raises(UnreadableError, match="a pitch of 128"):
        read(b"\x00\xf7\x00\x00\x90\x80\x50" + END)


def test_what_is_too_large_to_repair_is_refused() -> None:
    with pytest.raises(UnreadableError, match=r"4\.8 MiB: up to 4 are repaired"):
        midi_repair.repair_tracks([ON * 1_250_000])


def test_many_notes_without_an_end_are_repaired_in_bounded_time(read: Read) -> None:
    """Without bounds 100,000 notes of one pitch would be looked through for each of them."""
    piece = read(ON + b"\x01\x3c\x50" * 100_000 + b"\x01" + END[1:])
    assert len(piece.notes) == 100_001


Band = st.lists(
    st.lists(
        st.tuples(
            st.integers(0, 200),
            st.sampled_from([0x80, 0x90, 0x91, 0xB0, 0xC0, 0xE0]),
            st.integers(59, 62),
            st.integers(0, 127),
        ),
        max_size=12,
    ),
    min_size=1,
    max_size=3,
)


@given(Band)
@settings(deadline=None)
def test_events_are_those_that_mido_reads(
    tmp_path_factory: pytest.TempPathFactory, band: Sequence[Sequence[tuple[int, ...]]]
) -> None:
    tracks = []
    for rows in band:
        whole = b""
        for delta, status, first, second in rows:
            number = bytes([delta >> 7 | 0x80, delta & 127])
            data = [first] if status in midi_events.ONE_BYTE else [first, second]
            whole += number + bytes([status, *data])
        tracks.append(whole + END)
    path = tmp_path_factory.getbasetemp() / "events.mid"
    path.write_bytes(midi(*tracks))
    for track, expected in zip(tracks, mido.MidiFile(path).tracks, strict=True):
        tick, read = 0, list(midi_events.walk(track))
        for event, message in zip(read, expected, strict=True):
            tick += message.time
            assert event.tick == tick
            if not message.is_meta:
                assert [event.status, *event.data] == message.bytes()
        assert list(midi_events.walk(midi_events.write(read))) == read
