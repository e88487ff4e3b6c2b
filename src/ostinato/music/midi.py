"""Reading standard MIDI files by symusic."""

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from symusic import Score

from ostinato.errors import UnreadableError
from ostinato.music import conversion, limits, midi_checks, midi_events
from ostinato.music.midi_checks import Present
from ostinato.music.midi_repair import repair_tracks
from ostinato.music.piece import Piece

HEADER = 6  # bytes that are known of it; more may follow
MOST_INSTRUMENTS = 100_000  # for each, symusic may make a track, which takes 5 KB
BEYOND = bytes(16)  # where symusic may look for the rest of an event that is cut short
END_OF_TRACK = b"\xff\x2f\x00"
MUCH_LATER = b"\xff\x01\x00\xff\xff\xff\x7f"  # an empty text, and 2^28 - 1 ticks
MOST_CLOSED = 1_000  # tracks to each of which note offs are added


class _File(NamedTuple):
    """A header of six bytes, and the tracks."""

    header: bytes
    tracks: list[bytes]

    def bytes(self) -> bytes:
        """Return the whole file."""
        chunks = [b"MTrk" + struct.pack(">I", len(track)) + track for track in self.tracks]
        return b"".join([b"MThd", struct.pack(">I", HEADER), self.header, *chunks, BEYOND])


def read_midi(path: Path, name: str | None = None) -> Piece:
    """Read a standard MIDI file of type 0 or 1, plain or within RIFF, as a piece.

    Tempos and signatures that make no sense are left out, as are those after the last note. What
    symusic would misread is written anew before, by `repair_tracks`. Raises `UnreadableError`, with
    the reason, for what is not readable as music or is too much (see `limits`).
    """
    data = limits.read_bytes(path, limits.LARGEST_MIDI)
    if data[:4] == b"RIFF" and data[8:12] == b"RMID":
        data = _inside_riff(data)
    file = _File(*_chunks(data))
    name = path.stem if name is None else name
    piece = _read_quickly(file, name)
    if piece is None:
        piece = _read_after_repair(file, name)
    limits.check(piece)
    return piece


def _inside_riff(data: bytes) -> bytes:
    """Return the MIDI file in a RIFF file, whichever chunks come before it."""
    at = 12
    while at + 8 <= len(data):
        if data[at : at + 4] == b"data":
            return data[at + 8 :]
        (size,) = struct.unpack("<I", data[at + 4 : at + 8])
        at += 8 + size + size % 2
    at = data.find(b"MThd", 12)  # a chunk of odd length may lack the byte that fills it up
    if at < 0:
        raise UnreadableError("a RIFF file without MIDI in it")
    return data[at:]


def _chunks(data: bytes) -> tuple[bytes, list[bytes]]:
    """Return the header and the tracks; refuse what symusic would accept and misread."""
    if data[:4] != b"MThd" or len(data) < 8 + HEADER:
        raise UnreadableError("not a MIDI file: it does not begin with a MIDI header")
    length, kind, tracks, division = struct.unpack(">IHHH", data[4 : 8 + HEADER])
    if length < HEADER:
        raise UnreadableError(f"its header has {length} bytes: {HEADER} are needed")
    if kind == 2:
        raise UnreadableError("a type-2 MIDI file: its tracks are separate pieces, not one piece")
    if kind > 2:
        raise UnreadableError(f"MIDI type {kind} is unknown: 0 and 1 can be read")
    if division == 0:
        raise UnreadableError("its resolution is 0 ticks per quarter note")
    if division & 0x8000:
        raise UnreadableError("its times are in SMPTE frames, not in ticks per quarter note")
    if tracks == 0:
        raise UnreadableError("it has no tracks")
    found = _tracks(data, 8 + length, tracks)
    if tracks + len(data) > MOST_INSTRUMENTS:
        programs = np.count_nonzero(
            np.frombuffer(data, np.uint8) & midi_events.KIND == midi_events.PROGRAM
        )
        if tracks + programs > MOST_INSTRUMENTS:
            raise UnreadableError(f"it changes programs up to {programs} times in {tracks} tracks")
    return data[8 : 8 + HEADER], found


def _tracks(data: bytes, at: int, tracks: int) -> list[bytes]:
    """Return every track that the header promises; each must be there, whole, and safe to parse."""
    found: list[bytes] = []
    suspicious = midi_events.suspicious(data)
    while at + 8 <= len(data):
        name, size = data[at : at + 4], struct.unpack(">I", data[at + 4 : at + 8])[0]
        if name == b"MTrk":
            found.append(data[at + 8 : at + 8 + size])
            if (missing := at + 8 + size - len(data)) > 0:
                raise UnreadableError(
                    f"the file is cut short: track {len(found)} lacks {missing} bytes"
                )
            if suspicious:
                midi_events.check(found[-1])
        at += 8 + size
        if len(found) == tracks:
            return found
    raise UnreadableError(f"the file is cut short: {len(found)} of its {tracks} tracks are there")


def _note_offs(channel: int) -> bytes:
    """Return the end of every note of a channel, at once, the first without the time before it."""
    first = bytes([midi_events.NOTE_OFF | channel, 0, 0])
    return first + b"".join(bytes([0, pitch, 0]) for pitch in range(1, 128))


NOTE_OFFS = tuple(map(_note_offs, range(16)))


def _end_all_notes(file: _File, present: Sequence[Present]) -> _File:
    """End every note by note offs far beyond the end of its track: symusic drops others."""
    pairs = zip(file.tracks, present, strict=True)
    return file._replace(tracks=[_with_note_offs(*pair) for pair in pairs])


def _with_note_offs(track: bytes, present: Present) -> bytes:
    offs = [NOTE_OFFS[status & midi_events.CHANNEL] for status in present & midi_checks.NOTES_ON]
    later = [MUCH_LATER, b"\0".join([*offs, END_OF_TRACK])] if offs else [END_OF_TRACK]
    return b"".join([track[: -len(END_OF_TRACK)], *later])


def _read_quickly(file: _File, name: str) -> Piece | None:
    """Return what symusic makes of a file, if it reads it as it should: mostly it does."""
    tracks = file.tracks
    if len(tracks) > MOST_CLOSED or not all(track.endswith(END_OF_TRACK) for track in tracks):
        return None
    present = [midi_checks.statuses_present(track) for track in tracks]
    if midi_checks.have_packets_or_silence(tracks, present):
        return None
    score = _parse(_end_all_notes(file, present))
    if midi_checks.share_programs(tracks, present, len(score.tracks)):
        return None
    piece = conversion.from_symusic(score, name)
    longest = piece.notes["duration"].max(initial=0)
    return None if longest >= limits.LAST_TICK else piece  # its end is one that was added


def _read_after_repair(file: _File, name: str) -> Piece:
    try:
        score = _parse(file._replace(tracks=repair_tracks(file.tracks)))
    except midi_events.NoEventsError:
        _parse(file)  # which mostly says more
        raise
    return conversion.from_symusic(score, name)


def _parse(file: _File) -> Any:
    try:
        score = Score.from_midi(file.bytes())
    except Exception as error:  # symusic raises what its C++ parser throws
        raise UnreadableError(f"not readable as MIDI: {limits.one_line(error)}") from error
    _check_counts(score)
    return score


def _check_counts(score: Any) -> None:
    """Check counts before anything is copied out of symusic's memory."""
    lengths = [len(track.notes) for track in score.tracks]
    limits.check_counts(sum(lengths), sum(length > 0 for length in lengths))
    changes = len(score.tempos) + len(score.time_signatures) + len(score.key_signatures)
    if changes > limits.MOST_CHANGES:
        raise UnreadableError(
            f"it changes tempo, metre and key {changes} times: up to {limits.MOST_CHANGES} are read"
        )
